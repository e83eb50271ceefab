package engine

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

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
		{"another source topic", func(b *bench, _ *memoryStore) {
			require.NoError(b.t, b.cluster.CreateTopic("others", 1, map[string]string{"message.timestamp.type": "LogAppendTime"}))
			b.plan = compile(b.t, withLine(patient, "topic: readings", "topic: others"))
		}, "source.topic is others, and the state of this pipeline was made of topic readings"},
		{"another partitioner", func(b *bench, _ *memoryStore) {
			b.plan = compile(b.t, withLine(patient, "topic: readings", "topic: readings\n  partitioner: crc32"))
		}, "source.partitioner is crc32, and the state of this pipeline was made with murmur2"},
		{"another source topic, disk lost", func(b *bench, store *memoryStore) {
			delete(store.tasks, 0)
			require.NoError(b.t, b.cluster.CreateTopic("others", 1, map[string]string{"message.timestamp.type": "LogAppendTime"}))
			b.plan = compile(b.t, withLine(patient, "topic: readings", "topic: others"))
		}, "source.topic is others, and the state of this pipeline was made of topic readings"},
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
			b.fold(store, history(286)...)
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

// Partitions added while the pipeline runs are noticed by themselves: what
// producers put there would wait, and its devices would look silent.
func TestPartitionsAddedWhileRunning(t *testing.T) {
	t.Parallel()
	b := newBench(t, benchOptions{pipeline: patient})
	run := b.start(b.options(newMemoryStore()))
	b.produce(0, history(20)...)
	run.settled(0, 20)
	_, err := b.admin.UpdatePartitions(context.Background(), 2, "readings")
	require.NoError(t, err)
	require.ErrorContains(t, run.ended(t), `topic "readings" has 2 partitions now and had 1 when the process started`)
}

// commit sets the group's offset as an operator would.
func (b *bench) commit(at int64, metadata string) {
	b.t.Helper()
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: "readings", Partition: 0, At: at, LeaderEpoch: -1, Metadata: metadata})
	require.NoError(b.t, b.admin.CommitAllOffsets(context.Background(), "weir.test", o))
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
	b.fold(store, reading{"pump-1", now, 86, 2}.String())
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
