//go:build real

package chaos

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/weirstream/weir/internal/rig"
)

func topicScripts() map[string]script {
	return map[string]script{
		"offsets-deleted":             func(r *round) { r.loseOffsets(r.stopped()) },
		"offsets-deleted-killed":      loseOffsetsAndState,
		"offsets-rewound":             rewindOffsets,
		"source-trimmed":              trimSourceWhileStopped,
		"source-trimmed-ahead":        trimSourceWhileFrozen,
		"source-recreated":            recreateSource,
		"source-recreated-running":    func(r *round) { w := r.flowing(); r.recreate(r.pipe.Source); r.refused(w) },
		"partitions-added":            func(r *round) { w := r.stopped(); r.widen(r.pipe.Source); w.Start(); r.refused(w) },
		"partitions-added-running":    func(r *round) { w := r.flowing(); r.widen(r.pipe.Source); r.refused(w) },
		"partitions-added-everywhere": widenEverything,
		"output-partitions-added":     func(r *round) { r.flowing(); r.widen(r.pipe.alerts); r.flow(3_000); r.verified() },
	}
}

// flowing starts weir and the load, and returns when some of it is committed.
func (r *round) flowing() *rig.Process {
	r.t.Helper()
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	r.flow(3_000)
	return w
}

// stopped is a process that was ended with SIGTERM while readings flow. They go on flowing.
func (r *round) stopped() *rig.Process {
	r.t.Helper()
	w := r.flowing()
	w.Stop()
	return w
}

// deleteGroup deletes the group with its offsets, as soon as its last member is known to be gone.
func (r *round) deleteGroup() {
	r.t.Helper()
	rig.Await(r.t, "group deleted", 30*time.Second, func() (bool, string) {
		ctx, cancel := r.kafka.Ask()
		defer cancel()
		answer, err := r.kafka.Admin.DeleteGroup(ctx, r.pipe.Group())
		if err == nil {
			err = answer.Err
		}
		if err != nil {
			return false, err.Error()
		}
		return true, ""
	})
	require.Empty(r.t, r.kafka.Committed(r.pipe.Pipeline))
}

// loseOffsets leaves the journal alone to say where the pipeline stands.
func (r *round) loseOffsets(w *rig.Process) {
	r.t.Helper()
	r.deleteGroup()
	w.Start()
	r.flow(3_000)
	r.verified()
}

func loseOffsetsAndState(r *round) {
	w := r.flowing()
	w.Kill()
	require.NoError(r.t, os.RemoveAll(w.StateDir()))
	r.loseOffsets(w)
}

// rewindOffsets does what `kafka-consumer-groups.sh --reset-offsets` does.
func rewindOffsets(r *round) {
	w := r.stopped()
	ctx, cancel := r.kafka.Ask()
	defer cancel()
	offsets := kadm.Offsets{}
	for p, at := range r.kafka.Committed(r.pipe.Pipeline) {
		offsets.AddOffset(r.pipe.Source, p, at/2, -1)
	}
	answers, err := r.kafka.Admin.CommitOffsets(ctx, r.pipe.Group(), offsets)
	require.NoError(r.t, err)
	require.NoError(r.t, answers.Error())
	w.Start()
	r.refused(w)
}

// trimSource deletes readings of partition 0 that are not committed yet.
func (r *round) trimSource() {
	r.t.Helper()
	rig.Await(r.t, "readings behind the committed offset", 30*time.Second, func() (bool, string) {
		return r.kafka.Ends(r.pipe.Source)[0] > r.kafka.Committed(r.pipe.Pipeline)[0]+200, "too few"
	})
	r.deleteRecords(r.pipe.Source, 0, r.kafka.Committed(r.pipe.Pipeline)[0]+100)
}

// deleteRecords deletes what a partition holds before an offset.
func (r *round) deleteRecords(topic string, partition int32, before int64) {
	r.t.Helper()
	ctx, cancel := r.kafka.Ask()
	defer cancel()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, partition, before, -1)
	answers, err := r.kafka.Admin.DeleteRecords(ctx, offsets)
	require.NoError(r.t, err)
	require.NoError(r.t, answers.Error())
}

func trimSourceWhileStopped(r *round) {
	w := r.stopped()
	r.trimSource()
	w.Start()
	r.refused(w)
}

func trimSourceWhileFrozen(r *round) {
	w := r.flowing()
	w.Signal(syscall.SIGSTOP)
	// What it had fetched ahead is gone through first.
	r.pass(time.Second)
	ends := r.kafka.Ends(r.pipe.Source)[0]
	rig.Await(r.t, "readings that were not fetched ahead", 30*time.Second, func() (bool, string) {
		return r.kafka.Ends(r.pipe.Source)[0] > ends+1_000, "too few"
	})
	r.deleteRecords(r.pipe.Source, 0, ends+1_000)
	w.Signal(syscall.SIGCONT)
	r.refused(w)
}

// recreate deletes a topic and makes it again with the same settings. The load ends before: it would not survive that of its topic.
func (r *round) recreate(topic string) {
	r.t.Helper()
	if topic == r.pipe.Source {
		r.load.end()
	}
	r.deleteTopic(topic)
	settings := map[string]string{"message.timestamp.type": "LogAppendTime"}
	if topic == r.pipe.Journal() {
		settings["retention.ms"] = "-1"
		settings["retention.bytes"] = "-1"
	}
	pointers := map[string]*string{}
	for name, value := range settings {
		pointers[name] = &value
	}
	rig.Await(r.t, "topic made again", 30*time.Second, func() (bool, string) {
		ctx, cancel := r.kafka.Ask()
		defer cancel()
		_, err := r.kafka.Admin.CreateTopic(ctx, int32(r.pipe.partitions), -1, pointers, topic)
		if err != nil {
			return false, err.Error() // it is still being deleted
		}
		return true, ""
	})
	r.known(topic, r.pipe.partitions)
}

// known waits until the brokers tell of a topic's partitions.
func (r *round) known(topic string, partitions int) {
	r.t.Helper()
	rig.Await(r.t, "topic known", 30*time.Second, func() (bool, string) {
		ctx, cancel := r.kafka.Ask()
		defer cancel()
		list, err := r.kafka.Admin.ListTopics(ctx, topic)
		if err != nil {
			return false, err.Error()
		}
		n := len(list[topic].Partitions)
		return n == partitions, fmt.Sprintf("%d partitions", n)
	})
}

func (r *round) deleteTopic(topic string) {
	r.t.Helper()
	ctx, cancel := r.kafka.Ask()
	defer cancel()
	_, err := r.kafka.Admin.DeleteTopic(ctx, topic)
	require.NoError(r.t, err)
}

func recreateSource(r *round) {
	w := r.stopped()
	r.recreate(r.pipe.Source)
	w.Start()
	r.refused(w)
}

// widen gives a topic twice as many partitions.
func (r *round) widen(topic string) {
	r.t.Helper()
	ctx, cancel := r.kafka.Ask()
	defer cancel()
	answers, err := r.kafka.Admin.UpdatePartitions(ctx, 2*r.pipe.partitions, topic)
	require.NoError(r.t, err)
	require.NoError(r.t, answers.Error())
	r.known(topic, 2*r.pipe.partitions)
}

func widenEverything(r *round) {
	w := r.stopped()
	for _, topic := range append(r.pipe.written(), r.pipe.Source) {
		if topic != r.pipe.Commands() { // has one partition in any case
			r.widen(topic)
		}
	}
	w.Start()
	r.refused(w)
}
