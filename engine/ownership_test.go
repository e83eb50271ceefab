package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// PROTOCOL 2: while the broker is still resolving a dead owner's transaction,
// recovery waits for it.
func TestRecoveryWaitsForResolution(t *testing.T) {
	for _, fault := range []struct {
		name string
		kfake.Fault
	}{
		{"concurrent transactions", kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ConcurrentTransactions}},
		{"unstable offset", kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Topic: "readings", Err: kerr.UnstableOffsetCommit}},
		{"coordinator loading", kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Group: "weir.test", Err: kerr.CoordinatorLoadInProgress}},
		{"transaction coordinator moving", kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.NotCoordinator}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			lines := history(400)
			b := newBench(t, benchOptions{pipeline: patient})
			store := newMemoryStore()
			b.fold(store, lines[:200]...)
			fault.Fault.Count = 5
			b.cluster.Fault(fault.Fault)
			b.fold(store, lines[200:]...)
			b.sameOutputs(lines)
		})
	}
}

// PROTOCOL 6: a clean stop gives the seat up at once, unless it is to be kept.
func TestSeatAfterStop(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep=%t", keep), func(t *testing.T) {
			b := newBench(t, benchOptions{pipeline: patient})
			o := b.options(newMemoryStore())
			o.KeepSeat = keep
			run := b.start(o)
			run.settled(0, 0)
			require.NoError(t, run.wait())
			members := len(b.cluster.GroupInfo("weir.test").Members)
			require.Equal(t, keep, members == 1, "%d members", members)
		})
	}
}

// PROTOCOL 1: a batch whose record is greater than a broker takes travels in parts,
// and is seen only when all of them are.
func TestLargeRecordsTravelInParts(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	start := time.Now().Add(-time.Hour).UnixMilli()
	var lines []string
	for i := range 60_000 {
		lines = append(lines, reading{fmt.Sprintf("a-device-with-a-rather-long-name-%06d", i), start, float64(i%70) + 0.123, 1}.String())
	}
	b.produce(0, lines...)
	b.fold(newMemoryStore())
	require.Greater(t, b.widest("weir.test.journal"), 500_000, "a part of that size is one of several")
	require.Less(t, b.widest("weir.test.journal"), maxBatchBytes)
	// The disk is lost: all of it comes back out of the parts.
	run := b.start(b.options(newMemoryStore()))
	run.settled(0, int64(len(lines)))
	require.Equal(t, len(lines), run.engine.Status()[0].Devices)
	require.NoError(t, run.wait())
}

// widest is the size of a topic's largest record.
func (b *bench) widest(topic string) int {
	b.t.Helper()
	most := 0
	for _, line := range b.read(topic, 0) {
		most = max(most, len(line))
	}
	return most
}

// PROTOCOL 3: many tasks of one process share a bounded rate of transactions.
func TestCommitIntervalStretches(t *testing.T) {
	require.Equal(t, 100*time.Millisecond, stretch(100*time.Millisecond, 8))
	require.Equal(t, 2500*time.Millisecond, stretch(100*time.Millisecond, 1_000))
	require.LessOrEqual(t, 1_000/stretch(100*time.Millisecond, 1_000).Seconds(), float64(maxTransactions))
}

// PROTOCOL 3: what is too much for one batch commits before its interval.
func TestLargeBatchCommitsEarly(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: withLine(patient, "commit_interval: 10ms", "commit_interval: 1m")})
	run := b.start(b.options(newMemoryStore()))
	run.settled(0, 0)
	value := make([]byte, 60_000)
	for i := range value {
		value[i] = 'x'
	}
	var bad []*kgo.Record
	for range 200 { // each goes to quarantine with its payload: 12 MB of outputs
		bad = append(bad, &kgo.Record{Topic: "readings", Value: value})
	}
	require.NoError(t, b.client.ProduceSync(context.Background(), bad...).FirstErr())
	eventually(t, "committed before the minute is over", func() bool { return run.engine.Status()[0].Counters.Bad > 50 })
	require.NoError(t, run.wait())
	require.Len(t, b.read("weir.test.quarantine", 0), 200)
}
