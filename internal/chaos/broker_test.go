//go:build real

package chaos

import (
	"fmt"
	"maps"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

func brokerScripts() map[string]script {
	all := map[string]script{
		"broker-kill":                  func(r *round) { r.killBroker(anyNode) },
		"broker-rolling-restart":       rollingRestart,
		"broker-kill-all":              killOnlyBroker,
		"insync-missing":               missInSync,
		"transaction-coordinator-kill": func(r *round) { r.killBroker(transactionCoordinator) },
		"group-coordinator-kill":       func(r *round) { r.killBroker(groupCoordinator) },
		"transaction-timeout":          timeOutTransaction,
	}
	for _, part := range []map[string]script{replyScripts(), wireScripts(), topicScripts(), journalScripts(), mqttScripts()} {
		maps.Copy(all, part)
	}
	return all
}

// ownCluster starts brokers for this round, makes the topics on them and starts weir and the load.
func (r *round) ownCluster(brokers int) *realbrokers.KafkaCluster {
	r.t.Helper()
	own := realbrokers.PrivateKafka(r.t, realbrokers.PrivateKafkaOptions{Brokers: brokers})
	r.prepareOn(own.Addr, setting{})
	r.start()
	r.feed(loadOptions{})
	r.flow(3_000)
	return own
}

// killBroker kills one of three brokers for a time by the seed: shorter or longer than it takes the controller to notice, 9 s.
func (r *round) killBroker(which func(*round) int) {
	own := r.ownCluster(3)
	node := which(r)
	own.Kill(node)
	down := r.between(time.Second, 15*time.Second)
	r.t.Logf("node %d killed, for %.1f s", node, down.Seconds())
	r.pass(down)
	own.Up()
	r.flow(3_000)
	r.verified()
}

func anyNode(r *round) int { return 1 + r.rng.IntN(3) }

func transactionCoordinator(r *round) int {
	ctx, cancel := r.kafka.Ask()
	defer cancel()
	id := "weir." + r.pipe.Name + ".0"
	return r.coordinator(r.kafka.Admin.FindTxnCoordinators(ctx, id)[id])
}

func groupCoordinator(r *round) int {
	ctx, cancel := r.kafka.Ask()
	defer cancel()
	return r.coordinator(r.kafka.Admin.FindGroupCoordinators(ctx, r.pipe.Group())[r.pipe.Group()])
}

func (r *round) coordinator(found kadm.FindCoordinatorResponse) int {
	r.t.Helper()
	require.NoError(r.t, found.Err)
	return int(found.NodeID)
}

func rollingRestart(r *round) {
	own := r.ownCluster(3)
	for node := 1; node <= own.Nodes(); node++ {
		own.Stop(node)
		own.Up()
		r.flow(1_000)
	}
	r.verified()
}

func killOnlyBroker(r *round) {
	own := r.ownCluster(1)
	for range 2 {
		own.Kill(1)
		own.Up()
		r.flow(1_000)
		r.pass(r.between(0, time.Second))
	}
	r.verified()
}

// missInSync leaves a journal without enough replicas in sync: no commit can succeed, and weir has to wait.
func missInSync(r *round) {
	own := r.ownCluster(3)
	r.configure(r.pipe.Journal(), map[string]string{"min.insync.replicas": "3"})
	own.Kill(anyNode(r))
	// The brokers notice after 9 s.
	before := r.committed()
	r.pass(r.between(14*time.Second, 20*time.Second))
	require.Less(r.t, r.committed()-before, int64(14*1_500), "readings committed although the journal lacks a replica")
	own.Up()
	r.flow(3_000)
	r.verified()
}

// committed is how many source records the pipeline has committed.
func (r *round) committed() int64 {
	r.t.Helper()
	return rig.Total(r.kafka.Committed(r.pipe.Pipeline))
}

// configure changes settings of a topic.
func (r *round) configure(topic string, settings map[string]string) {
	r.t.Helper()
	ctx, cancel := r.kafka.Ask()
	defer cancel()
	var changes []kadm.AlterConfig
	for name, value := range settings {
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
	}
	answers, err := r.kafka.Admin.AlterTopicConfigs(ctx, changes, topic)
	require.NoError(r.t, err)
	_, err = answers.On(topic, nil)
	require.NoError(r.t, err)
}

// timeOutTransaction freezes weir inside a transaction until the brokers have given that up.
func timeOutTransaction(r *round) {
	r.prepare(setting{})
	w := r.process()
	point := []string{"produced", "offset_sent"}[r.rng.IntN(2)]
	w.Env = []string{fmt.Sprintf("WEIR_FAILPOINT=%s:*:%d=stop", point, 40+r.rng.IntN(40))}
	w.Start()
	r.feed(loadOptions{})
	rig.Await(r.t, "stop at "+point, 30*time.Second, func() (bool, string) {
		w.Alive()
		return w.Frozen(), "it runs\n" + w.LogTail()
	})
	open := r.openPartitions()
	require.Positive(r.t, open, "it was stopped at %s, and no transaction is open", point)
	r.nothingOpen()
	r.t.Logf("stopped at %s with a transaction open on %d partitions, until the brokers had aborted it", point, open)
	w.Signal(syscall.SIGCONT)
	r.flow(3_000)
	r.verified()
}

// openPartitions is how many partitions that weir writes have a transaction open.
func (r *round) openPartitions() int {
	r.t.Helper()
	open := 0
	for _, topic := range r.pipe.written() {
		stable, ends := r.kafka.Stable(topic), r.kafka.Ends(topic)
		for p, end := range ends {
			if stable[p] != end {
				open++
			}
		}
	}
	return open
}
