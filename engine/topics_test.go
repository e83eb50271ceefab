package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What weir makes is as safe as the source: a journal with fewer replicas would
// be lost before the readings are.
func TestTopicsAreReplicatedAsTheSource(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.MetadataMinAge(10*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	b := &bench{t: t, cluster: cluster, plan: compile(t, testPipeline), client: client, admin: kadm.NewClient(client)}
	ctx := context.Background()
	stamp := "LogAppendTime"
	_, err = b.admin.CreateTopic(ctx, 1, 2, map[string]*string{"message.timestamp.type": &stamp}, "readings")
	require.NoError(t, err)

	e, err := New(b.options(newMemoryStore()))
	require.NoError(t, err)
	e.admin = b.admin
	require.NoError(t, e.prepareOnce(ctx))
	topics, err := b.admin.ListTopics(ctx, "readings", "weir.test.journal", "aggregates", "alerts", "weir.test.quarantine")
	require.NoError(t, err)
	for name, topic := range topics {
		require.Len(t, topic.Partitions[0].Replicas, 2, name)
	}
	journal, err := e.configs(ctx, "weir.test.journal")
	require.NoError(t, err)
	require.Equal(t, "2", journal["min.insync.replicas"])
}

// A broker that has just started does not know its topics for a moment: they are
// not gone, neither at the start nor while the pipeline runs.
func TestTopicUnknownForAMoment(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	lines := history(600)
	unknown := func() kfake.Fault {
		return kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "readings", Err: kerr.UnknownTopicOrPartition, Count: 3, When: func(req kmsg.Request) bool {
			return len(req.(*kmsg.MetadataRequest).Topics) == 1 // the engine's question, not that of a producer
		}}
	}
	starting := b.cluster.Fault(unknown())
	run := b.start(b.options(newMemoryStore()))
	eventually(t, "the source is found", func() bool { return len(run.engine.Status()) == 1 && run.engine.Status()[0].State == Live })
	require.Equal(t, 3, starting.Hits())
	b.produce(0, lines...)
	run.settled(0, b.sent)
	running := b.cluster.Fault(unknown())
	require.NoError(t, run.engine.verifyTopics(t.Context()))
	require.Equal(t, 3, running.Hits())
	b.sameOutputs(lines)
}
