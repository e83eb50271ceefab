//go:build real

package realbrokers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/internal/realbrokers"
)

// deadline bounds one test; a broker that starts under load takes its time.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// ownName makes a name nobody else uses on a shared broker.
func ownName(t *testing.T) string {
	return fmt.Sprintf("%s-%d-%d", strings.ToLower(t.Name()), os.Getpid(), time.Now().UnixNano())
}

func client(t *testing.T, addr string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(strings.Split(addr, ",")...))...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// createTopic returns the topic's id.
func createTopic(ctx context.Context, t *testing.T, admin *kadm.Client, topic string, partitions int32) kadm.TopicID {
	t.Helper()
	created, err := admin.CreateTopic(ctx, partitions, -1, nil, topic)
	require.NoError(t, err)
	return created.ID
}

func TestKafkaServes(t *testing.T) {
	ctx := deadline(t)
	addr := realbrokers.Kafka(t)

	cluster, err := realbrokers.AwaitKafka(ctx, strings.Split(addr, ","), 1)
	require.NoError(t, err)
	require.GreaterOrEqual(t, cluster.TransactionVersion, 2)

	producer := client(t, addr)
	topic := ownName(t)
	createTopic(ctx, t, kadm.NewClient(producer), topic, 3)
	require.NoError(t, producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("21.5")}).FirstErr())

	fetches := client(t, addr, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())).PollFetches(ctx)
	require.NoError(t, fetches.Err())
	require.Equal(t, "21.5", string(fetches.Records()[0].Value))
}

func TestKafkaDoesNotCreateTopicsByAccident(t *testing.T) {
	ctx := deadline(t)
	producer := client(t, realbrokers.Kafka(t), kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	err := producer.ProduceSync(ctx, &kgo.Record{Topic: ownName(t), Value: []byte("x")}).FirstErr()
	require.ErrorIs(t, err, kerr.UnknownTopicOrPartition)
}

// One committed and one aborted transaction, each with records and a source offset sent as a raw TxnOffsetCommit: the way weir commits.
func TestKafkaTransactionWithOffsets(t *testing.T) {
	ctx := deadline(t)
	addr := realbrokers.Kafka(t)
	name := ownName(t)
	producer := client(t, addr, kgo.TransactionalID(name), kgo.DefaultProduceTopic(name))
	admin := kadm.NewClient(producer)
	topicID := createTopic(ctx, t, admin, name, 1)

	transact := func(value string, offset int64, how kgo.TransactionEndTry) {
		require.NoError(t, producer.BeginTransaction())
		require.NoError(t, producer.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr())
		commitOffset(ctx, t, producer, rawCommit{group: name, topic: name, topicID: topicID, offset: offset})
		require.NoError(t, producer.EndTransaction(ctx, how))
	}
	transact("first", 7, kgo.TryCommit)
	_, epoch, err := producer.ProducerID(ctx)
	require.NoError(t, err)
	transact("aborted", 8, kgo.TryAbort)
	_, later, err := producer.ProducerID(ctx)
	require.NoError(t, err)
	require.Equal(t, epoch+1, later, "transaction.version 2 gives every transaction an epoch of its own")
	require.Equal(t, int64(7), committedOffset(ctx, t, admin, name))

	transact("second", 9, kgo.TryCommit)
	require.Equal(t, int64(9), committedOffset(ctx, t, admin, name))
	awaitMarkers(ctx, t, admin, name)
	require.Equal(t, "first\nsecond\n", kcatReads(ctx, t, kcatOptions{addr: addr, topic: name, isolation: "read_committed"}))
	require.Equal(t, "first\naborted\nsecond\n", kcatReads(ctx, t, kcatOptions{addr: addr, topic: name, isolation: "read_uncommitted"}))
}

type rawCommit struct {
	group, topic string
	topicID      kadm.TopicID
	offset       int64
}

func commitOffset(ctx context.Context, t *testing.T, producer *kgo.Client, commit rawCommit) {
	t.Helper()
	id, epoch, err := producer.ProducerID(ctx)
	require.NoError(t, err)
	partition := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	partition.Offset = commit.offset
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = commit.topic, commit.topicID
	topic.Partitions = append(topic.Partitions, partition)
	request := kmsg.NewPtrTxnOffsetCommitRequest()
	request.TransactionalID, request.Group = commit.group, commit.group
	request.ProducerID, request.ProducerEpoch = id, epoch
	request.Generation = -1
	request.Topics = append(request.Topics, topic)

	response, err := request.RequestWith(ctx, producer)
	require.NoError(t, err)
	require.GreaterOrEqual(t, response.Version, int16(5), "version 5 is the first that needs no AddOffsetsToTxn before it")
	require.NoError(t, kerr.ErrorForCode(response.Topics[0].Partitions[0].ErrorCode))
}

// committedOffset asks for a stable offset: the end of a transaction is answered before its markers are written, and until then a
// plain fetch still tells the offset before it.
func committedOffset(ctx context.Context, t *testing.T, admin *kadm.Client, group string) int64 {
	t.Helper()
	var at int64
	await(ctx, t, "a stable offset", func() bool {
		offsets, err := admin.FetchOffsets(kadm.RequireStable(ctx), group)
		require.NoError(t, err)
		offset, ok := offsets.Lookup(group, 0)
		require.True(t, ok)
		at = offset.At
		return !errors.Is(offset.Err, kerr.UnstableOffsetCommit)
	})
	return at
}

// awaitMarkers waits until no transaction of the topic is open: only then does a read_committed reader see all of it.
func awaitMarkers(ctx context.Context, t *testing.T, admin *kadm.Client, topic string) {
	t.Helper()
	await(ctx, t, "the transaction markers", func() bool {
		ends, err := admin.ListEndOffsets(ctx, topic)
		require.NoError(t, err)
		stable, err := admin.ListCommittedOffsets(ctx, topic)
		require.NoError(t, err)
		return ends.KOffsets()[topic][0] == stable.KOffsets()[topic][0]
	})
}

func await(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			require.FailNow(t, "waited in vain for "+what)
		case <-again.C:
		}
	}
}

type kcatOptions struct {
	addr, topic, isolation string
}

func kcatReads(ctx context.Context, t *testing.T, options kcatOptions) string {
	t.Helper()
	out, err := exec.CommandContext(ctx, realbrokers.Kcat(t), "-b", options.addr, "-C", "-t", options.topic, "-o", "beginning", "-e",
		"-q", "-X", "isolation.level="+options.isolation).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func TestPrivateKafkaKeepsItsDataWhenKilled(t *testing.T) {
	ctx := deadline(t)
	cluster := realbrokers.PrivateKafka(t, realbrokers.PrivateKafkaOptions{})
	producer := client(t, cluster.Addr)
	topic := ownName(t)
	createTopic(ctx, t, kadm.NewClient(producer), topic, 1)
	require.NoError(t, producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("before")}).FirstErr())

	cluster.Kill(1)
	_, err := realbrokers.AwaitKafka(cancelled(ctx), []string{cluster.Addr}, 1)
	require.Error(t, err)
	cluster.Up()

	require.NoError(t, producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("after")}).FirstErr())
	require.Equal(t, "before\nafter\n", kcatReads(ctx, t, kcatOptions{addr: cluster.Addr, topic: topic, isolation: "read_committed"}))
}

func TestPrivateKafkaKeepsItsDataWhenStopped(t *testing.T) {
	ctx := deadline(t)
	cluster := realbrokers.PrivateKafka(t, realbrokers.PrivateKafkaOptions{})
	require.Equal(t, 1, cluster.Nodes())
	producer := client(t, cluster.Addr)
	topic := ownName(t)
	createTopic(ctx, t, kadm.NewClient(producer), topic, 1)
	require.NoError(t, producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("before")}).FirstErr())

	cluster.Stop(1)
	_, err := realbrokers.AwaitKafka(cancelled(ctx), []string{cluster.Addr}, 1)
	require.Error(t, err)
	log, err := os.ReadFile(filepath.Join(cluster.Data(1), topic+"-0", "00000000000000000000.log"))
	require.NoError(t, err)
	require.Contains(t, string(log), "before")
	cluster.Up()
	require.Equal(t, "before\n", kcatReads(ctx, t, kcatOptions{addr: cluster.Addr, topic: topic, isolation: "read_committed"}))
}

// cancelled makes AwaitKafka ask once and then give up.
func cancelled(parent context.Context) context.Context {
	ctx, cancel := context.WithCancel(parent)
	cancel()
	return ctx
}
