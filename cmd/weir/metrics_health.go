package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirstream/weir/engine"
)

// healthMetrics answer whether commits, checkpoints, recoveries and the group do what they should.
type healthMetrics struct {
	commits, aborted, checkpoints, checkpointBytes, checkpointAge, recoveries, dropped, rebalances, lost, skew, trusted *prometheus.Desc
}

func newHealthMetrics(n namer) *healthMetrics {
	return &healthMetrics{
		commits:         n.desc("commits_total", "Transactions committed."),
		aborted:         n.desc("transactions_aborted_total", "Transactions aborted and sent again."),
		checkpoints:     n.desc("checkpoints_total", "Checkpoints that the local copy has whole."),
		checkpointBytes: n.desc("checkpoint_bytes_total", "Bytes of pages that checkpoints wrote."),
		checkpointAge:   n.desc("checkpoint_age_seconds", "How old the newest checkpoint is of all that has changed, or since when the task is live and has none.", "partition"),
		recoveries:      n.desc("recoveries_total", "Tasks that went live, by what their state came from: the local copy, the journal alone, or nothing at a first start.", "from"),
		dropped:         n.desc("tasks_dropped_total", "Tasks dropped on a doubt and recovered."),
		rebalances:      n.desc("rebalances_total", "Rebalances of the consumer group that this process took part in."),
		lost:            n.desc("partitions_lost_total", "Partitions that went to others without being handed over, for this process was not heard of in time."),
		skew:            n.desc("clock_skew_seconds", "How far this machine's clock is ahead of the brokers'."),
		trusted:         n.desc("clock_trusted", "1 while the clocks agree; silence is not judged while they do not."),
	}
}

func (m *healthMetrics) collect(s scrape) {
	t := s.engine.Totals()
	s.total(m.commits, uint64(t.Commits))
	s.total(m.aborted, uint64(t.Aborts))
	s.total(m.checkpoints, uint64(t.Checkpoints))
	s.total(m.checkpointBytes, uint64(t.CheckpointBytes))
	for from, n := range t.Recovered {
		s.total(m.recoveries, uint64(n), engine.Origin(from).String())
	}
	s.total(m.dropped, uint64(t.Recoveries))
	s.total(m.rebalances, uint64(t.Rebalances))
	s.total(m.lost, uint64(t.Lost))
	s.now(m.skew, t.ClockSkew.Seconds())
	s.now(m.trusted, flag(t.ClockTrusted))
	for i := range s.tasks {
		if t := &s.tasks[i]; !t.Saved.IsZero() {
			s.now(m.checkpointAge, since(t.Saved), strconv.Itoa(int(t.Partition)))
		}
	}
}
