package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/statestore"
)

// PROTOCOL 2.1: what a dead owner left open is resolved before recovery reads,
// and never seen.
func TestOpenTransactionOfDeadOwnerIsAborted(t *testing.T) {
	lines := history(600)
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	b.fold(store, lines[:300]...)

	dead, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.TransactionalID("weir.test.0"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer dead.Close()
	require.NoError(t, dead.BeginTransaction())
	require.NoError(t, dead.ProduceSync(context.Background(), &kgo.Record{Topic: "aggregates", Value: []byte("half done")}).FirstErr())

	run := b.start(b.options(store))
	b.produce(0, lines[300:]...)
	run.settled(0, int64(len(lines)))
	require.Error(t, dead.EndTransaction(context.Background(), kgo.TryCommit), "the zombie must not be able to commit")
	require.NoError(t, run.wait())
	b.sameOutputs(lines)
}

// PROTOCOL 2.2: the first commit pins K before any reading.
func TestFirstCommitPinsTheStart(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	b.produce(0, history(10)...)
	_, err := b.admin.DeleteRecords(context.Background(), offsetsOf("readings", 0, 4))
	require.NoError(t, err)
	o := b.options(newMemoryStore())
	live := make(chan struct{})
	var once sync.Once
	o.Failpoint = func(p string, _ int32) {
		if p == "confirmed" {
			once.Do(func() { close(live) })
			select {}
		}
	}
	e, err := New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go e.Run(ctx)
	<-live
	info := b.cluster.GroupInfo("weir.test")
	require.Equal(t, int64(4), info.Commits["readings"][0].Offset)
	m, err := parseMetadata(info.Commits["readings"][0].Metadata)
	require.NoError(t, err)
	require.Equal(t, uint64(1), m.seq)
}

func offsetsOf(topic string, p int32, at int64) (o kadm.Offsets) {
	o = kadm.Offsets{}
	o.AddOffset(topic, p, at, -1)
	return o
}

// PROTOCOL 2.2: a group loses its offsets after days without members; the
// journal's last record is K then.
func TestGroupOffsetsLost(t *testing.T) {
	for _, disk := range []string{"kept", "lost"} {
		t.Run("disk "+disk, func(t *testing.T) {
			lines := history(600)
			b := newBench(t, benchOptions{pipeline: patient})
			store := newMemoryStore()
			b.fold(store, lines[:300]...)
			_, err := b.admin.DeleteGroup(context.Background(), "weir.test")
			require.NoError(t, err)
			if disk == "lost" {
				store = newMemoryStore()
			}
			b.fold(store, lines[300:]...)
			b.sameOutputs(lines)
		})
	}
}

// PROTOCOL 2.4 and 4: every kind of local copy gives the same outputs.
func TestLocalCopies(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(*memoryTask)
		loads int // how often its pages may be used
	}{
		{"sealed, other boot", func(m *memoryTask) { m.marker.BootID = "another" }, 1},
		{"not sealed, same boot", func(m *memoryTask) { m.marker.Sealed = false }, 1},
		{"not sealed, other boot", func(m *memoryTask) { m.marker.Sealed, m.marker.BootID = false, "another" }, 0},
		{"another lineage", func(m *memoryTask) { m.marker.Lineage[0] ^= 1 }, 0},
		{"snapshot damaged", func(m *memoryTask) { m.marker.Snapshot = m.marker.Snapshot[:20] }, 0},
		{"page damaged", func(m *memoryTask) {
			for id, data := range m.pages {
				bad := append([]byte(nil), data...)
				bad[len(bad)/2] ^= 0xff
				m.pages[id] = bad
			}
		}, 1},
		{"gone", func(m *memoryTask) { m.marked, m.pages = false, nil }, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			lines := history(600)
			b := newBench(t, benchOptions{pipeline: patient})
			store := newMemoryStore()
			b.fold(store, lines[:300]...)
			local := store.tasks[0]
			require.True(t, local.marker.Sealed, "a clean stop seals")
			local.loads = 0
			c.spoil(local)
			b.fold(store, lines[300:]...)
			assert.Equal(t, c.loads, local.loads)
			b.sameOutputs(lines)
		})
	}
}

// PROTOCOL 4: a copy older than the journal reaches back to is no use, and no harm.
func TestStaleCopyBehindTrim(t *testing.T) {
	lines := history(900)
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	b.fold(store, lines[:300]...)
	stale := store.copy()
	b.fold(store, lines[300:600]...)
	m, err := parseMetadata(b.cluster.GroupInfo("weir.test").Commits["readings"][0].Metadata)
	require.NoError(t, err)
	require.Greater(t, m.baseSeq, stale.tasks[0].marker.Seq, "the base has moved on")
	require.NoError(t, b.cluster.DeleteRecords("weir.test.journal", 0, m.baseOffset))

	b.fold(stale, lines[600:]...)
	b.sameOutputs(lines)
}

// PROTOCOL 4: the journal is trimmed once it is longer than it may be, and what
// is left of it is enough. Where its length is not told just now, it stays.
func TestJournalIsTrimmedAndEnough(t *testing.T) {
	for _, c := range []struct {
		name    string
		slack   int64
		answer  *kerr.Error // to who asks for its length
		trimmed bool
	}{
		{"of any length", -1, nil, true},
		{"too long", 10_000, nil, true},
		{"short", 0, nil, false},
		{"too long, and a broker is down", 10_000, kerr.BrokerNotAvailable, false},
		{"too long, and nobody may know", 10_000, kerr.ClusterAuthorizationFailed, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := history(3_000)
			b := newBench(t, benchOptions{pipeline: patient})
			if c.answer != nil {
				b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeLogDirs}, Err: c.answer, Count: -1, TopLevel: true})
			}
			store := newMemoryStore()
			for i := 0; i < len(lines); i += 500 {
				o := b.options(store)
				o.JournalSlack = c.slack
				run := b.start(o)
				end := min(i+500, len(lines))
				b.produce(0, lines[i:end]...)
				run.settled(0, int64(end))
				require.NoError(t, run.wait())
				store = newMemoryStore() // the disk is lost every time
			}
			starts, err := b.admin.ListStartOffsets(context.Background(), "weir.test.journal")
			require.NoError(t, err)
			start, _ := starts.Lookup("weir.test.journal", 0)
			require.Equal(t, c.trimmed, start.Offset > 0, "begins at %d", start.Offset)
			b.sameOutputs(lines)
		})
	}
}

// PROTOCOL 2.3: somebody deletes journal records that the state needs, before
// recovery looks or while it reads. What is left is whole records in sequence, and
// still not the state.
func TestPartOfJournalIsNotTaken(t *testing.T) {
	for _, moment := range []string{"before", "restoring"} {
		t.Run(moment, func(t *testing.T) {
			b := newBench(t, benchOptions{pipeline: patient})
			var lines []string // of so many devices that a refresh cycle takes several records
			for i := range 600 {
				lines = append(lines, reading{fmt.Sprintf("pump-%d", i), time.Now().UnixMilli(), 50, 1}.String())
			}
			b.fold(newMemoryStore(), lines[:597]...)
			b.fold(newMemoryStore(), lines[597:]...)
			o := b.options(newMemoryStore()) // the disk is lost
			deleted := false
			remove := func() {
				if !deleted {
					deleted = true
					starts, err := b.admin.ListStartOffsets(context.Background(), "weir.test.journal")
					require.NoError(t, err)
					start, _ := starts.Lookup("weir.test.journal", 0)
					require.NoError(t, b.cluster.DeleteRecords("weir.test.journal", 0, max(start.Offset, b.base(0))+1))
				}
			}
			if moment == "before" {
				remove()
			}
			o.Failpoint = func(p string, _ int32) {
				if p == moment {
					remove()
				}
			}
			err := b.start(o).ended(t)
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, "records of the journal that the committed state needs are gone")
		})
	}
}

// base is where the live journal begins, by the group's offset.
func (b *bench) base(partition int32) int64 {
	b.t.Helper()
	offsets, err := b.admin.FetchOffsets(context.Background(), "weir.test")
	require.NoError(b.t, err)
	committed, ok := offsets.Lookup("readings", partition)
	require.True(b.t, ok)
	m, err := parseMetadata(committed.Metadata)
	require.NoError(b.t, err)
	return m.baseOffset
}

// A state larger than its memory comes back from the journal alone within that
// memory: by way of the disk.
func TestRestoreWithinMemory(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	b.plan.Pipeline.State.Memory = 200 << 10
	start := time.Now().Add(-time.Hour).UnixMilli()
	var lines []string
	for i := range 18_000 {
		lines = append(lines, reading{fmt.Sprintf("pump-%04d", i%3_000), start + int64(i/3_000)*700, float64(i % 90), i / 3_000}.String())
	}
	for i := 0; i < len(lines); i += 3_000 {
		store := newMemoryStore() // the disk is lost every time
		o := b.options(store)
		written := -1 // pages when the replay is over
		o.Failpoint = func(point string, p int32) {
			if point == "begun" && written < 0 {
				written = len(store.tasks[p].pages)
			}
		}
		run := b.start(o)
		b.produce(0, lines[i:i+3_000]...)
		run.settled(0, int64(i+3_000))
		if i > 0 {
			require.Greater(t, written, 20, "pages written by the replay")
		}
		require.NoError(t, run.wait())
	}
	b.sameOutputs(lines)
}

// slowStore takes its time over each page, and counts those that were taken.
type slowStore struct {
	*memoryStore
	taken *atomic.Int64
}

func (s slowStore) Task(p int32) LocalTask {
	return slowTask{s.memoryStore.Task(p).(*memoryTask), s.taken}
}

type slowTask struct {
	*memoryTask
	taken *atomic.Int64
}

func (t slowTask) Load(fn func(statestore.Image) error) error {
	return t.memoryTask.Load(func(im statestore.Image) error {
		time.Sleep(200 * time.Millisecond)
		err := fn(im)
		if err == nil {
			t.taken.Add(1)
		}
		return err
	})
}

// PROTOCOL 6: a task that is recovering has nothing to hand over, and lets go at
// once, also one that waits for its turn to load.
func TestStopWhileLoading(t *testing.T) {
	const partitions = 4
	b := newBench(t, benchOptions{pipeline: patient, partitions: partitions})
	store := newMemoryStore()
	run := b.start(b.options(store))
	lines := history(300)
	for p := range int32(partitions) {
		b.produce(p, lines...)
		run.settled(p, int64(len(lines)))
	}
	require.NoError(t, run.wait())
	pages := 0
	for p := range int32(partitions) {
		pages += len(store.tasks[p].pages)
	}
	var taken atomic.Int64
	run = b.start(b.options(slowStore{store, &taken}))
	eventually(t, "all recover", func() bool { return len(run.engine.Status()) == partitions })
	require.NoError(t, run.wait())
	require.Less(t, taken.Load(), int64(pages/4), "a stop that loads many of the %d pages first", pages)
}

// PROTOCOL 4: what a life leaves of the journal behind the local copy counts for
// the next one: short lives get to a checkpoint too.
func TestShortLivesSave(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	b.tailCells = 2_000
	store := newMemoryStore()
	lines := history(6_000)
	b.fold(store, lines[:100]...)
	first, lives := store.tasks[0].marker.Seq, 0
	for i := 100; i < len(lines) && store.tasks[0].marker.Seq == first; i += 200 {
		lives++
		run := b.start(b.options(store))
		b.produce(0, lines[i:min(i+200, len(lines))]...)
		run.settled(0, b.sent)
		copied := store.copy() // as the disk is at this moment: the process is killed
		require.NoError(t, run.wait())
		store = copied
	}
	require.NotEqual(t, first, store.tasks[0].marker.Seq, "no checkpoint in %d lives", lives)
	require.Greater(t, lives, 1)
}

// PROTOCOL 2.1: an offset that nobody resolves holds the task up, however long,
// and is not cleared: what it belongs to may be committed elsewhere.
func TestHalfDoneTransactionIsWaitedFor(t *testing.T) {
	t.Parallel()
	lines := history(600)
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	b.fold(store, lines[:300]...)
	hanging := b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Topic: "readings", Err: kerr.UnstableOffsetCommit, Count: -1})
	run := b.start(b.options(store))
	b.produce(0, lines[300:]...)
	before := b.journalEnd()
	require.Eventually(t, func() bool { return run.engine.Totals().Recoveries > 0 }, 3*requestTimeout, 50*time.Millisecond, "the task asks again from the start")
	require.Equal(t, before, b.journalEnd(), "nothing is written meanwhile")
	hanging.Remove()
	run.settled(0, b.sent)
	require.NoError(t, run.wait())
	b.sameOutputs(lines)
}
