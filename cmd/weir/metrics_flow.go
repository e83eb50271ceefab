package main

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/event"
)

// flowMetrics answer whether the pipeline keeps up: how much waits in each partition, and since when.
type flowMetrics struct {
	live, assigned, lag, lagSeconds, eventLag, offset, end, seq, inFlight, lastCommit *prometheus.Desc
}

func newFlowMetrics(n namer) *flowMetrics {
	return &flowMetrics{
		live:       n.desc("task_live", "1 where the task of an owned partition is live, 0 while it recovers.", "partition"),
		assigned:   n.desc("partitions_assigned", "Partitions that this process owns."),
		lag:        n.desc("lag_records", "Source records not yet folded.", "partition"),
		lagSeconds: n.desc("lag_seconds", "How long the oldest record not yet folded has waited, by the brokers' clock; 0 when caught up.", "partition"),
		eventLag:   n.desc("event_time_lag_seconds", "How long ago the newest event time was that has been folded; there is none before the first reading of a task's life.", "partition"),
		offset:     n.desc("committed_offset", "Source offset up to which outputs are committed.", "partition"),
		end:        n.desc("end_offset", "End of the source partition when last asked, several times a second.", "partition"),
		seq:        n.desc("journal_seq", "Last confirmed journal record.", "partition"),
		inFlight:   n.desc("commit_in_flight_seconds", "For how long a commit has been under way; 0: none is.", "partition"),
		lastCommit: n.desc("last_commit_timestamp_seconds", "When this process had the last commit confirmed. A task with nothing to commit does not.", "partition"),
	}
}

func (m *flowMetrics) collect(s scrape) {
	brokers := s.engine.BrokerTime()
	for i := range s.tasks {
		t := &s.tasks[i]
		p := strconv.Itoa(int(t.Partition))
		s.now(m.live, flag(t.State == engine.Live), p)
		s.now(m.seq, float64(t.Seq), p)
		if t.Position >= 0 {
			s.now(m.lag, float64(t.Lag()), p)
			s.now(m.lagSeconds, t.LagTime(brokers).Seconds(), p)
		}
		if t.Seq > 0 {
			s.now(m.offset, float64(t.Offset), p)
		}
		if t.End >= 0 {
			s.now(m.end, float64(t.End), p)
		}
		if t.Newest > 0 {
			s.now(m.eventLag, seconds(brokers-t.Newest), p)
		}
		if !t.Committed.IsZero() {
			s.now(m.lastCommit, float64(t.Committed.UnixMilli())/1000, p)
		}
		s.now(m.inFlight, since(t.InFlight), p)
	}
	s.now(m.assigned, float64(len(s.tasks)))
}

// seconds is a span of event time.
func seconds(t event.Time) float64 { return float64(t) / 1000 }

// since is how many seconds ago a moment was; 0 where there is none.
func since(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return time.Since(t).Seconds()
}
