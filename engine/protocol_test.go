package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
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
	"github.com/twmb/franz-go/pkg/kversion"
)

// patient is testPipeline without silence: its outputs depend on the readings
// alone, so that two runs can be compared byte by byte.
var patient = strings.NewReplacer("idle_after: 5s", "idle_after: 10m").Replace(testPipeline)

// history is n readings of a few devices, minutes in the past: temperatures that
// cross the rule's threshold now and then, each 20th reading repeated.
func history(n int) []string {
	r := rand.New(rand.NewPCG(7, 7))
	start := time.Now().Add(-30*time.Minute).UnixMilli() / 1000 * 1000
	var lines []string
	for i := range n {
		device := i % 7
		line := reading{fmt.Sprintf("pump-%d", device), start + int64(i)*40, float64(40 + r.IntN(50)), i / 7}.String()
		lines = append(lines, line)
		if i%20 == 19 {
			lines = append(lines, line)
		}
	}
	return lines
}

// uninterrupted is what an engine makes of the lines when nothing goes wrong.
func uninterrupted(t *testing.T, lines []string) (aggregates, alerts []string) {
	t.Helper()
	b := newBench(t, benchOptions{pipeline: patient})
	b.produce(0, lines...)
	run := b.start(b.options(newMemoryStore()))
	run.settled(0, int64(len(lines)))
	require.NoError(t, run.wait())
	aggregates, alerts = b.read("aggregates", 0), b.read("alerts", 0)
	require.NotEmpty(t, aggregates)
	require.NotEmpty(t, alerts)
	return aggregates, alerts
}

// sameOutputs compares a disturbed run with the uninterrupted one.
func (b *bench) sameOutputs(lines []string) {
	b.t.Helper()
	aggregates, alerts := uninterrupted(b.t.(*testing.T), lines)
	sameLines(b.t, "aggregates", aggregates, b.read("aggregates", 0))
	sameLines(b.t, "alerts", alerts, b.read("alerts", 0))
}

// sameLines compares record by record and shows the first difference only.
func sameLines(t testing.TB, what string, want, have []string) {
	t.Helper()
	for i := range min(len(want), len(have)) {
		if want[i] != have[i] {
			require.Failf(t, what+" differ", "record %d of %d (%d):\nwant %s\nhave %s", i, len(want), len(have), want[i], have[i])
		}
	}
	require.Len(t, have, len(want), what)
}

// PROTOCOL 3 and 6: whatever step a process freezes at, its successor finishes
// the work, and the frozen one, waking up as a zombie, changes nothing.
func TestFreezeAtEveryStep(t *testing.T) {
	for _, point := range []string{"begun", "produced", "offset_sent", "ended", "confirmed", "flushed", "marked"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			lines := history(2_000)
			b := newBench(t, benchOptions{pipeline: patient})
			store := newMemoryStore()
			o := b.options(store)
			frozen, thaw := make(chan struct{}), make(chan struct{})
			var once sync.Once
			var hits atomic.Int32
			at := int32(3)
			if point == "flushed" || point == "marked" {
				at = 1
			}
			o.Failpoint = func(p string, _ int32) {
				if p == point && hits.Add(1) == at {
					once.Do(func() { close(frozen) })
					<-thaw
				}
			}
			zombie := b.start(o)
			go func() {
				for i := 0; i < len(lines); i += 100 {
					b.produce(0, lines[i:min(i+100, len(lines))]...)
				}
			}()
			select {
			case <-frozen:
			case <-time.After(60 * time.Second):
				require.Fail(t, "never reached "+point)
			}
			next := b.start(b.options(store.copy()))
			next.settled(0, int64(len(lines)))
			close(thaw)
			err := zombie.ended(t)
			var refused *RefusedError
			require.ErrorAs(t, err, &refused, "a process whose seat was taken must say so")
			require.NoError(t, next.wait())
			b.sameOutputs(lines)
		})
	}
}

// PROTOCOL 2: a crash in the middle of recovery is a crash like any other.
func TestFreezeInRecovery(t *testing.T) {
	for _, point := range []string{"restoring", "replaying"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			lines := history(1_000)
			b := newBench(t, benchOptions{pipeline: patient})
			b.produce(0, lines[:500]...)
			first := b.start(b.options(newMemoryStore()))
			first.settled(0, 500)
			require.NoError(t, first.wait())

			frozen, thaw := make(chan struct{}), make(chan struct{})
			var once sync.Once
			o := b.options(newMemoryStore()) // the disk is lost: everything comes from the journal
			o.Failpoint = func(p string, _ int32) {
				if p == point {
					once.Do(func() { close(frozen) })
					<-thaw
				}
			}
			zombie := b.start(o)
			<-frozen
			next := b.start(b.options(newMemoryStore()))
			b.produce(0, lines[500:]...)
			next.settled(0, int64(len(lines)))
			close(thaw)
			require.Error(t, zombie.ended(t))
			require.NoError(t, next.wait())
			b.sameOutputs(lines)
		})
	}
}

// PROTOCOL 3: errors of the broker at every request of a transaction neither
// lose nor repeat anything.
func TestBrokerErrorsInTransaction(t *testing.T) {
	for _, fault := range []struct {
		name string
		kfake.Fault
	}{
		{"produce refused", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "aggregates", Err: kerr.InvalidRecord}},
		{"journal refused", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "weir.test.journal", Err: kerr.InvalidRecord}},
		{"produce timed out though appended", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "alerts", Err: kerr.RequestTimedOut}},
		{"not enough replicas after append", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "alerts", Err: kerr.NotEnoughReplicasAfterAppend}},
		{"offset: illegal generation", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration}},
		{"offset: rebalance", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.RebalanceInProgress}},
		{"offset: coordinator moves", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.NotCoordinator}},
		{"offset: unknown member", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.UnknownMemberID}},
		{"offset: abortable", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.TransactionAbortable}},
		{"end: timed out though done", kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.RequestTimedOut}},
		{"end: unknown error", kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError}},
		{"end: fenced", kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.ProducerFenced}},
		{"end: coordinator loads", kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.CoordinatorLoadInProgress}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			lines := history(1_500)
			b := newBench(t, benchOptions{pipeline: patient})
			run := b.start(b.options(newMemoryStore()))
			b.produce(0, lines[:500]...)
			run.settled(0, 500)
			fault.Fault.Count = 2
			handle := b.cluster.Fault(fault.Fault)
			b.produce(0, lines[500:]...)
			require.NoError(t, waitHits(handle, 1))
			run.settled(0, int64(len(lines)))
			require.NoError(t, run.wait())
			b.sameOutputs(lines)
		})
	}
}

func waitHits(h *kfake.FaultHandle, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	return h.Wait(ctx, n)
}

// PROTOCOL 3.4: the reply to EndTxn is cut, once before the broker acted and
// once after: only its offset decides.
func TestEndTxnReplyCut(t *testing.T) {
	for _, acted := range []bool{false, true} {
		t.Run(fmt.Sprintf("acted=%t", acted), func(t *testing.T) {
			t.Parallel()
			lines := history(1_000)
			b := newBench(t, benchOptions{pipeline: patient})
			run := b.start(b.options(newMemoryStore()))
			b.produce(0, lines[:500]...)
			run.settled(0, 500)
			cut := make(chan struct{})
			if acted {
				// The broker acts on a request whose sender has hung up: the frozen
				// sender below is dropped right after its request went out.
				b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.RequestTimedOut, Count: 3})
				close(cut)
			} else {
				b.cluster.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
					close(cut)
					return nil, errors.New("cut"), true
				})
			}
			b.produce(0, lines[500:]...)
			<-cut
			run.settled(0, int64(len(lines)))
			require.NoError(t, run.wait())
			b.sameOutputs(lines)
		})
	}
}

// PROTOCOL 2.1: what a dead owner left open is resolved before recovery reads,
// and never seen.
func TestOpenTransactionOfDeadOwnerIsAborted(t *testing.T) {
	lines := history(600)
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	run := b.start(b.options(store))
	b.produce(0, lines[:300]...)
	run.settled(0, 300)
	require.NoError(t, run.wait())

	dead, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.TransactionalID("weir.test.0"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer dead.Close()
	require.NoError(t, dead.BeginTransaction())
	require.NoError(t, dead.ProduceSync(context.Background(), &kgo.Record{Topic: "aggregates", Value: []byte("half done")}).FirstErr())

	run = b.start(b.options(store))
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
			run := b.start(b.options(store))
			b.produce(0, lines[:300]...)
			run.settled(0, 300)
			require.NoError(t, run.wait())
			_, err := b.admin.DeleteGroup(context.Background(), "weir.test")
			require.NoError(t, err)
			if disk == "lost" {
				store = newMemoryStore()
			}
			run = b.start(b.options(store))
			b.produce(0, lines[300:]...)
			run.settled(0, int64(len(lines)))
			require.NoError(t, run.wait())
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
			run := b.start(b.options(store))
			b.produce(0, lines[:300]...)
			run.settled(0, 300)
			require.NoError(t, run.wait())
			local := store.tasks[0]
			require.True(t, local.marker.Sealed, "a clean stop seals")
			local.loads = 0
			c.spoil(local)
			run = b.start(b.options(store))
			b.produce(0, lines[300:]...)
			run.settled(0, int64(len(lines)))
			require.NoError(t, run.wait())
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
	run := b.start(b.options(store))
	b.produce(0, lines[:300]...)
	run.settled(0, 300)
	require.NoError(t, run.wait())
	stale := store.copy()
	run = b.start(b.options(store))
	b.produce(0, lines[300:600]...)
	run.settled(0, 600)
	require.NoError(t, run.wait())
	m, err := parseMetadata(b.cluster.GroupInfo("weir.test").Commits["readings"][0].Metadata)
	require.NoError(t, err)
	require.Greater(t, m.baseSeq, stale.tasks[0].marker.Seq, "the base has moved on")
	require.NoError(t, b.cluster.DeleteRecords("weir.test.journal", 0, m.baseOffset))

	run = b.start(b.options(stale))
	b.produce(0, lines[600:]...)
	run.settled(0, int64(len(lines)))
	require.NoError(t, run.wait())
	b.sameOutputs(lines)
}

// PROTOCOL 4: the journal is trimmed, and what is left of it is enough.
func TestJournalIsTrimmedAndEnough(t *testing.T) {
	lines := history(3_000)
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	for i := 0; i < len(lines); i += 500 {
		run := b.start(b.options(store))
		end := min(i+500, len(lines))
		b.produce(0, lines[i:end]...)
		run.settled(0, int64(end))
		require.NoError(t, run.wait())
		store = newMemoryStore() // the disk is lost every time
	}
	starts, err := b.admin.ListStartOffsets(context.Background(), "weir.test.journal")
	require.NoError(t, err)
	start, _ := starts.Lookup("weir.test.journal", 0)
	require.Positive(t, start.Offset, "nothing was trimmed")
	b.sameOutputs(lines)
}

// PROTOCOL 8: what is refused, and that the message tells what to do.
func TestRefusals(t *testing.T) {
	cases := []struct {
		name string
		harm func(b *bench, store *memoryStore)
		want string
	}{
		{"source recreated", func(b *bench, _ *memoryStore) {
			require.NoError(b.t, b.cluster.DeleteTopic("readings"))
			require.NoError(b.t, b.cluster.CreateTopic("readings", 1, map[string]string{"message.timestamp.type": "LogAppendTime"}))
		}, "source topic was deleted and created again"},
		{"journal recreated", func(b *bench, _ *memoryStore) {
			require.NoError(b.t, b.cluster.DeleteTopic("weir.test.journal"))
		}, "journal topic was deleted and created again"},
		{"partitions added", func(b *bench, _ *memoryStore) {
			_, err := b.admin.UpdatePartitions(context.Background(), 2, "readings", "weir.test.journal", "alerts", "aggregates", "weir.test.quarantine")
			require.NoError(b.t, err)
		}, "source topic has 2 partitions now and had 1"},
		{"partitions added to the source only", func(b *bench, _ *memoryStore) {
			_, err := b.admin.UpdatePartitions(context.Background(), 2, "readings")
			require.NoError(b.t, err)
		}, `topic "weir.test.journal" has 1 partitions and source topic "readings" has 2`},
		{"journal trimmed", func(b *bench, store *memoryStore) {
			delete(store.tasks, 0)
			require.NoError(b.t, b.cluster.DeleteRecords("weir.test.journal", 0, -1))
		}, "records of the journal that the committed state needs are gone"},
		{"foreign record in the journal", func(b *bench, _ *memoryStore) {
			require.NoError(b.t, b.client.ProduceSync(context.Background(), &kgo.Record{Topic: "weir.test.journal", Value: []byte("hello")}).FirstErr())
		}, "that is not weir's: something else writes this topic"},
		{"local state ahead", func(_ *bench, store *memoryStore) { store.tasks[0].marker.Seq += 3 }, "the brokers lost committed data or the group's offsets were reset"},
		{"offset moved by hand", func(b *bench, _ *memoryStore) {
			commit := b.cluster.GroupInfo("weir.test").Commits["readings"][0]
			b.commit(commit.Offset-5, commit.Metadata)
		}, "offsets were changed by hand"},
		{"offset of somebody else", func(b *bench, _ *memoryStore) { b.commit(7, "") }, "something else commits for this group"},
		{"source trimmed below K", func(b *bench, _ *memoryStore) {
			b.produce(0, history(50)...)
			require.NoError(b.t, b.cluster.DeleteRecords("readings", 0, 330))
		}, "readings behind it were deleted (retention) before they were folded"},
		{"source compacted", func(b *bench, _ *memoryStore) { b.configure("readings", "cleanup.policy", "compact") }, "is compacted"},
		{"journal with retention", func(b *bench, _ *memoryStore) { b.configure("weir.test.journal", "retention.ms", "1000") }, "must have retention.ms=-1"},
		{"everything but the disk gone", func(b *bench, _ *memoryStore) {
			_, err := b.admin.DeleteGroup(context.Background(), "weir.test")
			require.NoError(b.t, err)
			require.NoError(b.t, b.cluster.DeleteTopic("weir.test.journal"))
		}, "the brokers know no commit of this pipeline"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, benchOptions{pipeline: patient})
			store := newMemoryStore()
			run := b.start(b.options(store))
			b.produce(0, history(286)...)
			run.settled(0, 300)
			require.NoError(t, run.wait())
			c.harm(b, store)
			err := b.start(b.options(store)).ended(t)
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func (b *bench) configure(topic, key, value string) {
	b.t.Helper()
	_, err := b.admin.AlterTopicConfigs(context.Background(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: kadm.StringPtr(value)}}, topic)
	require.NoError(b.t, err)
}

// commit sets the group's offset as an operator would.
func (b *bench) commit(at int64, metadata string) {
	b.t.Helper()
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: "readings", Partition: 0, At: at, LeaderEpoch: -1, Metadata: metadata})
	require.NoError(b.t, b.admin.CommitAllOffsets(context.Background(), "weir.test", o))
}

// Other windows cannot read old windows' state: said, not guessed.
func TestChangedWindowsAreRefused(t *testing.T) {
	for _, disk := range []string{"kept", "lost"} {
		t.Run("disk "+disk, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, benchOptions{pipeline: patient})
			store := newMemoryStore()
			run := b.start(b.options(store))
			b.produce(0, history(20)...)
			run.settled(0, 21)
			require.NoError(t, run.wait())
			if disk == "lost" {
				store = newMemoryStore()
			}
			b.plan = compile(t, strings.Replace(patient, "tumbling: 1s", "tumbling: 2s", 1))
			require.ErrorContains(t, b.start(b.options(store)).ended(t), "the windows or rules of this pipeline have changed")
		})
	}
}

// A threshold is no state: it may change.
func TestChangedThresholdKeepsState(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	run := b.start(b.options(store))
	now := time.Now().UnixMilli()
	b.produce(0, reading{"pump-1", now - 100, 85, 1}.String())
	run.settled(0, 1)
	require.NoError(t, run.wait())
	b.plan = compile(t, strings.Replace(patient, "above: 80, clear_below: 70", "above: 90, clear_below: 88", 1))
	run = b.start(b.options(store))
	b.produce(0, reading{"pump-1", now, 86, 2}.String())
	run.settled(0, 2)
	require.NoError(t, run.wait())
	alerts := b.read("alerts", 0)
	require.Len(t, alerts, 2)
	require.Contains(t, alerts[1], `"state":"resolved"`)
}

// PROTOCOL 8: producers that partition otherwise than declared would split a
// device's state.
func TestWrongPartitionerIsRefused(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient, partitions: 2})
	o := b.options(newMemoryStore())
	o.PartitionOf = func([]byte, int) int { return 1 }
	run := b.start(o)
	r := reading{"pump-1", time.Now().UnixMilli(), 85, 1}
	require.NoError(t, b.client.ProduceSync(context.Background(), &kgo.Record{Topic: "readings", Partition: 0, Key: []byte("pump-1"), Value: []byte(r.String())}).FirstErr())
	err := run.ended(t)
	var refused *RefusedError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, `puts device "pump-1" in partition 1, but its record at offset 0 lies in partition 0`)
}

// PROTOCOL 8: brokers on which a zombie's late request could join the next
// transaction.
func TestOldBrokersAreRefused(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.MaxVersions(kversion.V3_9_0()))
	require.NoError(t, err)
	defer cluster.Close()
	b := newBench(t, benchOptions{})
	o := b.options(newMemoryStore())
	o.Brokers = cluster.ListenAddrs()
	err = b.start(o).ended(t)
	require.ErrorContains(t, err, "transaction.version")
}

// PROTOCOL 8: two processes must not share an identity; the elder one goes.
func TestSecondProcessOfOneIdentity(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	elder := b.start(b.options(newMemoryStore()))
	b.produce(0, history(20)...)
	elder.settled(0, 21)
	younger := b.start(b.options(newMemoryStore()))
	require.ErrorContains(t, elder.ended(t), "another process has the identity")
	younger.settled(0, 21)
	require.NoError(t, younger.wait())
}
