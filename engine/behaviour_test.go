package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest"
)

func withLine(pipeline, old, line string) string { return strings.Replace(pipeline, old, line, 1) }

// eventually waits for a condition, asking again and again.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 15*time.Second, 5*time.Millisecond, what)
}

func (b *bench) journalEnd() int64 {
	b.t.Helper()
	ends, err := b.admin.ListEndOffsets(context.Background(), "weir.test.journal")
	require.NoError(b.t, err)
	end, _ := ends.Lookup("weir.test.journal", 0)
	return end.Offset
}

// PROTOCOL 3: an alert commits at once, whatever the interval.
func TestAlertCommitsAtOnce(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: withLine(patient, "commit_interval: 10ms", "commit_interval: 1m")})
	run := b.start(b.options(newMemoryStore()))
	now := time.Now().UnixMilli()
	b.produce(0, reading{"pump-1", now, 50, 1}.String())
	b.produce(0, reading{"pump-1", now + 1, 95, 2}.String())
	run.settled(0, 2)
	require.Len(t, b.read("alerts", 0), 1)
	require.NoError(t, run.wait())
}

// PROTOCOL 3: without an alert the interval counts.
func TestQuietReadingsWaitForTheInterval(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: withLine(patient, "commit_interval: 10ms", "commit_interval: 1m")})
	run := b.start(b.options(newMemoryStore()))
	run.settled(0, 0)
	before := run.engine.Totals().Commits
	b.produce(0, reading{"pump-1", time.Now().UnixMilli(), 50, 1}.String())
	eventually(t, "folded", func() bool { return run.engine.Status()[0].Position == 1 })
	require.Equal(t, before, run.engine.Totals().Commits)
	require.NoError(t, run.wait(), "a clean stop commits what is pending")
	require.Equal(t, int64(1), b.cluster.GroupInfo("weir.test").Commits["readings"][0].Offset)
}

// PROTOCOL 3: an idle task opens no transaction, though wall time goes on.
func TestIdleTaskOpensNoTransaction(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	run := b.start(b.options(newMemoryStore()))
	b.produce(0, history(20)...)
	run.settled(0, 21)
	before := b.journalEnd()
	asked := b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "readings", Observe: true, Count: -1})
	require.NoError(t, waitHits(asked, 4), "time passes")
	require.Equal(t, before, b.journalEnd())
	require.NoError(t, run.wait())
}

// PROTOCOL 3 and 5: a device falls silent, and only a timer commits its window.
func TestSilenceCommitsWithoutReadings(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: withLine(testPipeline, "idle_after: 5s", "idle_after: 200ms")})
	run := b.start(b.options(newMemoryStore()))
	now := time.Now().UnixMilli()
	b.produce(0, reading{"pump-1", now, 42, 1}.String())
	eventually(t, "provisional", func() bool { return len(b.read("aggregates", 0)) == 1 })
	require.Contains(t, b.read("aggregates", 0)[0], `"revision":1,"final":false,"count":1,"sum":42`)

	b.produce(0, reading{"pump-1", now + 5, 44, 2}.String(), reading{"pump-1", now + 2_500, 50, 3}.String())
	eventually(t, "final", func() bool { return len(grep(b.read("aggregates", 0), `"final":true`)) == 1 })
	require.Contains(t, grep(b.read("aggregates", 0), `"final":true`)[0], `"revision":2`, "its readings were not late")
	require.NoError(t, run.wait())
}

// PROTOCOL 5: a backlog after downtime never looks like silence.
func TestBacklogIsNotSilence(t *testing.T) {
	for _, createTime := range []bool{false, true} {
		t.Run(fmt.Sprintf("createTime=%t", createTime), func(t *testing.T) {
			b := newBench(t, benchOptions{pipeline: withLine(testPipeline, "idle_after: 5s", "idle_after: 2s"), createTime: createTime})
			store := newMemoryStore()
			run := b.start(b.options(store))
			// The device speaks on and on; the process is down for longer than
			// idle_after meanwhile.
			stop, spoke := make(chan struct{}), make(chan int)
			go func() {
				ticker := time.NewTicker(20 * time.Millisecond)
				defer ticker.Stop()
				for n := 0; ; n++ {
					b.produce(0, reading{"pump-1", time.Now().UnixMilli(), 10, n}.String())
					select {
					case <-stop:
						spoke <- n + 1
						return
					case <-ticker.C:
					}
				}
			}()
			run.settled(0, 1)
			require.NoError(t, run.wait())
			<-time.After(2_500 * time.Millisecond) // the downtime itself
			run = b.start(b.options(store))
			run.settled(0, 20)
			close(stop)
			run.settled(0, int64(<-spoke))
			assert.Empty(t, grep(b.read("aggregates", 0), `"final":false`))
			require.NoError(t, run.wait())
		})
	}
}

// PROTOCOL 5: a task that is not caught up is told no wall time.
func TestAdvanceWaitsUntilCaughtUp(t *testing.T) {
	r := &runner{e: &Engine{trust: &wallTrust{}, status: newRegistry()}}
	r.e.trust.compare(1_000_000, 0)
	r.position = 99
	r.ends = endOffset{w: 1_000_000, mono: 0, end: 100}
	r.advance() // would panic: there is no task
	require.Equal(t, int64(100), r.ends.end, "kept until the position gets there")
}

// PROTOCOL 5: wall time is let in only while the clocks agree.
func TestWallClockIsComparedWithBrokers(t *testing.T) {
	trust := &wallTrust{}
	_, known := trust.skew(1_000, 0)
	require.False(t, known, "not compared yet")
	trust.compare(1_000_000, 500)
	skew, known := trust.skew(1_000_700, 1_200)
	require.True(t, known)
	require.Equal(t, event.Time(0), skew, "700 ms later by both clocks")
	skew, _ = trust.skew(1_000_700+86_400_000, 1_200)
	require.Equal(t, event.Time(86_400_000), skew, "a step of the wall clock shows without asking again")

	for step, fires := range map[event.Time]bool{0: true, 50_000: true, 61_000: false, -61_000: false, 86_400_000: false} {
		r := &runner{e: &Engine{trust: trust, status: newRegistry()}}
		r.ends = endOffset{w: 1_000_700 + step, mono: 1_200}
		if fires {
			require.Panics(t, r.advance, "lets time in, and there is no task (step %d)", step)
			continue
		}
		r.advance()
		require.False(t, func() bool { return !r.e.status.untrusted.Load() }(), "step %d", step)
	}
}

// PROTOCOL 3: an output its topic refuses for size is replaced by a small one
// that refers to it; nothing is stuck.
func TestOversizedOutputIsReplaced(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	require.NoError(t, b.cluster.CreateTopic("weir.test.quarantine", 1, map[string]string{"max.message.bytes": "4000"}))
	run := b.start(b.options(newMemoryStore()))
	b.produce(0, `{"device":"pump-1","metric":"temperature","value":`+strings.Repeat("x", 5_000)+`}`, `{"short`)
	run.settled(0, 2)
	quarantine := b.read("weir.test.quarantine", 0)
	require.Len(t, quarantine, 2)
	require.Contains(t, quarantine[0], `"schema":"weir.oversize/1"`)
	require.Contains(t, quarantine[0], `"before_offset":2`)
	require.Contains(t, quarantine[1], `"reason":"malformed"`)
	require.NoError(t, run.wait())
}

// PROTOCOL 4: no image reaches the disk before its record is confirmed.
func TestImagesWaitForConfirmation(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	o := b.options(store)
	frozen := make(chan struct{})
	var once sync.Once
	var armed atomic.Bool
	o.Failpoint = func(p string, _ int32) {
		if p == "offset_sent" && armed.Load() { // this batch wants to be saved; its commit never ends
			once.Do(func() { close(frozen) })
			select {}
		}
	}
	e, err := New(o)
	require.NoError(t, err)
	e.tailCells = 1
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go e.Run(ctx)
	local := store.Task(0).(*memoryTask)
	lines := history(100)
	b.produce(0, lines[:50]...) // makes a checkpoint due at the next batch
	eventually(t, "the first batch is committed", func() bool {
		s := e.Status()
		return len(s) == 1 && s[0].Offset == b.sent
	})
	armed.Store(true)
	b.produce(0, lines[50:]...)
	<-frozen
	require.Never(t, func() bool {
		local.mu.Lock()
		defer local.mu.Unlock()
		return len(local.pages) > 0
	}, 300*time.Millisecond, 10*time.Millisecond)
}

// PROTOCOL 6: a store that fails ends the process's tasks; nothing is lost.
func TestStoreErrorEndsTheEngine(t *testing.T) {
	lines := history(600)
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	b.fold(store, lines[:300]...)
	store.tasks[0].broken = errors.New("no space left")
	store.tasks[0].marked = false // so that the next start saves at once
	err := b.start(b.options(store)).ended(t)
	var broken *StoreError
	require.ErrorAs(t, err, &broken)
	store.tasks[0].broken = nil
	b.fold(store, lines[300:]...)
	b.sameOutputs(lines)
}

// A stop that cannot save the state says so; nothing is lost.
func TestStoreErrorAtStopIsSaid(t *testing.T) {
	lines := history(600)
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	run := b.start(b.options(store))
	b.produce(0, lines[:300]...)
	run.settled(0, b.sent)
	store.tasks[0].breaks(errors.New("no space left"))
	var broken *StoreError
	require.ErrorAs(t, run.wait(), &broken)
	store.tasks[0].breaks(nil)
	b.fold(store, lines[300:]...)
	b.sameOutputs(lines)
}

// PROTOCOL 6: processes come and go; every partition's outputs stay exact. The
// commit of a partition that stays must carry the generation of the latest
// rebalance, not that of its assignment.
func TestScaleUpAndDown(t *testing.T) {
	const partitions = 4
	b := newBench(t, benchOptions{pipeline: patient, partitions: partitions})
	lines := history(1_600)
	total := len(lines)
	feed := func(from, to int) {
		for p := range int32(partitions) {
			b.produce(p, lines[from:to]...)
		}
	}
	engines := []*running{}
	begin := func(name string) {
		o := b.options(newMemoryStore())
		o.Instance = name
		engines = append(engines, b.start(o))
	}
	tasks := func(n int) func() bool {
		return func() bool {
			live := 0
			for _, r := range engines {
				for _, s := range r.engine.Status() {
					if s.State == Live {
						live++
					}
				}
			}
			return live == partitions && n == len(engines)
		}
	}
	begin("a")
	eventually(t, "one process owns all", tasks(1))
	feed(0, 500)
	begin("b")
	eventually(t, "two share", func() bool { return tasks(2)() && len(engines[1].engine.Status()) == 2 })
	feed(500, 1000)
	begin("c")
	eventually(t, "three share", func() bool { return tasks(3)() && len(engines[2].engine.Status()) >= 1 })
	feed(1000, total)
	require.NoError(t, engines[0].wait())
	engines = engines[1:]
	eventually(t, "the others take over", tasks(2))
	for p := range int32(partitions) {
		eventually(t, "all committed", func() bool {
			return b.cluster.GroupInfo("weir.test").Commits["readings"][p].Offset == int64(total)
		})
	}
	for _, r := range engines {
		require.NoError(t, r.wait())
	}
	aggregates, alerts := uninterrupted(t, lines)
	for p := range int32(partitions) {
		sameLines(t, "aggregates", aggregates, b.read("aggregates", p))
		want := make([]string, len(alerts))
		for i, line := range alerts {
			want[i] = strings.Replace(line, `"partition":0`, fmt.Sprintf(`"partition":%d`, p), 1)
		}
		sameLines(t, "alerts", timeless(want), timeless(b.read("alerts", p)))
	}
}

// PROTOCOL 3: a revoked partition whose transaction hangs is given up within two
// seconds, not held against the group.
func TestHangingCommitDoesNotHoldTheGroup(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	o := b.options(newMemoryStore())
	hung := make(chan struct{})
	var once sync.Once
	release := make(chan struct{})
	hits := 0
	o.Failpoint = func(p string, _ int32) {
		if p != "begun" {
			return
		}
		if hits++; hits == 2 {
			once.Do(func() { close(hung) })
			<-release
		}
	}
	run := b.start(o)
	run.settled(0, 0)
	b.produce(0, history(50)...)
	<-hung
	began := time.Now()
	ended := make(chan struct{})
	go func() { run.wait(); close(ended) }()
	time.AfterFunc(handOverTimeout+200*time.Millisecond, func() { close(release) })
	<-ended
	require.Less(t, time.Since(began), handOverTimeout+5*time.Second)
}

// Readings keep their device from the header that the MQTT bridge writes.
func TestDeviceFromHeader(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	run := b.start(b.options(newMemoryStore()))
	rec := &kgo.Record{Topic: "readings", Value: []byte(fmt.Sprintf(`{"metric":"temperature","ts":%d,"value":99}`, time.Now().UnixMilli())),
		Headers: []kgo.RecordHeader{{Key: ingest.DeviceHeader, Value: []byte("pump-9")}}}
	require.NoError(t, b.client.ProduceSync(context.Background(), rec).FirstErr())
	run.settled(0, 1)
	require.NoError(t, run.wait())
	require.Len(t, grep(b.read("alerts", 0), `"device":"pump-9"`), 1)
}

// A service that traces what it does goes on where the gateway left off.
func TestTraceReachesTheAlert(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	b := newBench(t, benchOptions{pipeline: patient})
	run := b.start(b.options(newMemoryStore()))
	now := time.Now().UnixMilli()
	require.NoError(t, b.client.ProduceSync(context.Background(),
		&kgo.Record{Topic: "readings", Value: []byte(reading{"pump-1", now, 99, 1}.String()), Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte(trace)}}},
		&kgo.Record{Topic: "readings", Value: []byte(reading{"pump-2", now, 99, 1}.String())}).FirstErr())
	run.settled(0, 2)
	require.NoError(t, run.wait())
	alerts := b.records("alerts", 0)
	require.Len(t, alerts, 2)
	for _, rec := range alerts {
		last := rec.Headers[len(rec.Headers)-1]
		if string(rec.Key) == "pump-1" {
			require.Equal(t, kgo.RecordHeader{Key: "traceparent", Value: []byte(trace)}, last)
			require.Contains(t, string(rec.Value), `"traceparent":"`+trace+`"}`)
		} else {
			require.NotEqual(t, "traceparent", last.Key)
			require.NotContains(t, string(rec.Value), "traceparent")
		}
	}
}

// PROTOCOL 2.3: transactions of an upstream that were aborted are no readings,
// and their markers do not keep the task from catching up.
func TestAbortedUpstreamTransactions(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: withLine(testPipeline, "idle_after: 5s", "idle_after: 300ms")})
	run := b.start(b.options(newMemoryStore()))
	up, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.TransactionalID("upstream"))
	require.NoError(t, err)
	defer up.Close()
	ctx := context.Background()
	for i, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		require.NoError(t, up.BeginTransaction())
		r := reading{fmt.Sprintf("pump-%d", i), time.Now().UnixMilli(), 95, 1}
		require.NoError(t, up.ProduceSync(ctx, &kgo.Record{Topic: "readings", Value: []byte(r.String())}).FirstErr())
		require.NoError(t, up.EndTransaction(ctx, commit))
	}
	eventually(t, "silence is seen behind the abort marker", func() bool { return len(b.read("aggregates", 0)) == 1 })
	require.NoError(t, run.wait())
	require.Len(t, b.read("alerts", 0), 1)
}

// PROTOCOL 5: what an upstream transaction holds back was appended all the same. As
// long as it is open the task has not caught up, so nobody is silent.
func TestOpenUpstreamTransactionIsNotSilence(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: withLine(testPipeline, "idle_after: 5s", "idle_after: 300ms")})
	run := b.start(b.options(newMemoryStore()))
	up, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.TransactionalID("upstream"))
	require.NoError(t, err)
	defer up.Close()
	ctx := context.Background()
	send := func(i int) {
		r := reading{"pump-1", time.Now().UnixMilli(), float64(i), i}
		require.NoError(t, up.ProduceSync(ctx, &kgo.Record{Topic: "readings", Value: []byte(r.String())}).FirstErr())
	}
	require.NoError(t, up.BeginTransaction())
	send(1)
	require.NoError(t, up.EndTransaction(ctx, kgo.TryCommit))
	run.settled(0, 1)
	require.NoError(t, up.BeginTransaction())
	send(2)
	var asked atomic.Int64
	b.cluster.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		asked.Add(1)
		return nil, nil, false
	})
	began := time.Now()
	eventually(t, "the ends are asked for long after idle_after", func() bool { return asked.Load() > 8 && time.Since(began) > time.Second })
	require.Empty(t, b.read("aggregates", 0), "it spoke, though nobody may read it yet")
	require.NoError(t, up.EndTransaction(ctx, kgo.TryCommit))
	require.NoError(t, run.wait())
}

// PROTOCOL 4: one checkpoint after the other, while readings flow, with pages that
// are written again before they were saved; every copy is complete, and a
// process that dies at any moment leaves one that can be used.
func TestCheckpointsWhileReadingsFlow(t *testing.T) { checkpointsWhileReadingsFlow(t, 0) }

// With room for a fraction of the state pages are dropped and read again, and the
// outputs are the same.
func TestStateGreaterThanMemory(t *testing.T) {
	store := checkpointsWhileReadingsFlow(t, 64<<10)
	require.Positive(t, store.tasks[0].reads.Load(), "pages read back")
}

// checkpointsWhileReadingsFlow runs with that much memory, 0: the pipeline's own,
// and returns the store of the last process.
func checkpointsWhileReadingsFlow(t *testing.T, memory int64) *memoryStore {
	t.Helper()
	b := newBench(t, benchOptions{pipeline: patient})
	b.tailCells = 200
	if memory > 0 {
		b.plan.Pipeline.State.Memory = memory
	}
	start := time.Now().Add(-time.Hour).UnixMilli()
	var lines []string
	for i := range 12_000 {
		lines = append(lines, reading{fmt.Sprintf("pump-%04d", i%2_000), start + int64(i/2_000)*700, float64(i % 90), i / 2_000}.String())
	}
	store := newMemoryStore()
	last := store
	o := b.options(store)
	marked := make(chan struct{}, 1_000)
	o.Failpoint = func(p string, _ int32) {
		if p == "marked" {
			marked <- struct{}{}
		}
	}
	for i := 0; i < len(lines); i += 3_000 {
		last = store
		run := b.start(o)
		for k := i; k < i+3_000; k += 500 {
			b.produce(0, lines[k:k+500]...)
			run.settled(0, int64(k+500))
		}
		copied := store.copy() // as the disk is at this moment: the process is killed
		require.NoError(t, run.wait())
		o.Store = copied
		store = copied
	}
	require.Greater(t, len(marked), 8, "checkpoints")
	b.sameOutputs(lines)
	return last
}

// The metadata of a committed offset survives the trip, and what is not weir's
// is known as such.
func TestMetadataRoundTrip(t *testing.T) {
	m := metadata{lineage: lineage{id: [16]byte{1}, source: [16]byte{2}, journal: [16]byte{3}, partitions: 3, partitioner: 2}, seq: 9, journalOffset: -1, baseSeq: 4, baseOffset: 77}
	back, err := parseMetadata(m.String())
	require.NoError(t, err)
	require.Equal(t, m, back)
	require.Less(t, len(m.String()), 200)
	m.partitioner = 0
	older := m.lineage.append(nil)
	l, err := parseLineage(older[:len(older)-1])
	require.NoError(t, err)
	require.Equal(t, m.lineage, l, "written before lineages named the partitioner")
	require.Empty(t, l.differs(lineage{source: l.source, journal: l.journal, partitions: 3, partitioner: 1}))
	for _, bad := range []string{"", "w1.short", "somebody's", "w1." + strings.Repeat("!", 112)} {
		_, err = parseMetadata(bad)
		require.Error(t, err, bad)
	}
}
