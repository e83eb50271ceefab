package kafka

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/internal/brokers"
)

const partitions = 3

func start(t *testing.T) (*brokers.Kafka, *Producer) {
	t.Helper()
	k, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: partitions})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	p, err := OpenProducer(ProducerOptions{Topic: "readings", Client: []kgo.Opt{kgo.SeedBrokers(k.Addr())}})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return k, p
}

// read fetches n records of the topic.
func read(t *testing.T, k *brokers.Kafka, n int) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addr()), kgo.ConsumeTopics("readings"))
	require.NoError(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var records []*kgo.Record
	for len(records) < n {
		fetches := client.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "only %d of %d records: %v", len(records), n, fetches.Errors())
		records = append(records, fetches.Records()...)
	}
	return records
}

func produce(t *testing.T, p *Producer, m Message) error {
	t.Helper()
	done := make(chan error, 1)
	p.Produce(t.Context(), m, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		require.Fail(t, "no promise")
		return nil
	}
}

func TestProducerPartitionsByKeyAndRoute(t *testing.T) {
	k, p := start(t)
	partition, err := Partitioner("murmur2")
	require.NoError(t, err)
	for i := range 20 {
		name := fmt.Appendf(nil, "device-%d", i)
		require.NoError(t, produce(t, p, Message{
			Key: name, Value: []byte("v"), Headers: []Header{{Key: "weir-device", Value: name}},
		}))
		require.NoError(t, produce(t, p, Message{Value: name, Route: name}))
	}
	for _, r := range read(t, k, 40) {
		if len(r.Key) > 0 {
			assert.EqualValues(t, partition(r.Key, partitions), r.Partition)
			assert.Equal(t, []kgo.RecordHeader{{Key: "weir-device", Value: r.Key}}, r.Headers)
		} else {
			assert.EqualValues(t, partition(r.Value, partitions), r.Partition)
		}
	}
}

func TestProducerReplacesWhatIsTooLarge(t *testing.T) {
	k, p := start(t)
	// Noise, so that compression does not make it fit.
	value := make([]byte, 2<<20)
	state := uint32(1)
	for i := range value {
		state = state*1664525 + 1013904223
		value[i] = byte(state >> 24)
	}
	require.NoError(t, produce(t, p, Message{Key: []byte("camera"), Value: value}))
	r := read(t, k, 1)[0]
	assert.Equal(t, "camera", string(r.Key))
	assert.Equal(t, value[:truncatedBytes], r.Value)
	assert.Equal(t, []kgo.RecordHeader{{Key: TruncatedHeader, Value: []byte("2097152")}}, r.Headers)
	assert.EqualValues(t, 1, p.Truncated())
}

func TestProducerReportsRefusal(t *testing.T) {
	k, p := start(t)
	k.Cluster().Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1,
	})
	require.ErrorIs(t, produce(t, p, Message{Key: []byte("a"), Value: []byte("v")}), kerr.TopicAuthorizationFailed)
}

func TestProducerRetriesWhatPasses(t *testing.T) {
	k, p := start(t)
	fault := k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 2})
	require.NoError(t, produce(t, p, Message{Key: []byte("a"), Value: []byte("v")}))
	assert.Equal(t, 2, fault.Hits())
	assert.Len(t, read(t, k, 1), 1)
}

func TestOpenProducerRefuses(t *testing.T) {
	_, err := OpenProducer(ProducerOptions{})
	require.ErrorContains(t, err, "no topic")
	_, err = OpenProducer(ProducerOptions{Topic: "t", Partitioner: "CRC32"})
	require.ErrorContains(t, err, `partitioner "CRC32"`)
}
