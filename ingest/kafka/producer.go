package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TruncatedHeader is the header of a record whose value Kafka refused for its
// size. It holds the size the value had, in bytes; the record holds the first
// kilobyte of it.
const TruncatedHeader = "weir-truncated"

const (
	truncatedBytes = 1 << 10
	linger         = 2 * time.Millisecond // the price of a batch: fewer requests, this much latency
)

// Header is a header of a record. It is an alias of an unnamed struct, like
// Message, so that Producer fits the interface of a package that does not know
// this one.
type Header = struct {
	Key   string
	Value []byte
}

// Message becomes one record. It must not be changed after it was handed over.
type Message = struct {
	Key     []byte
	Value   []byte
	Route   []byte // what chooses the partition where Key is empty
	Headers []Header
}

// ProducerOptions says where to produce to.
type ProducerOptions struct {
	Topic       string
	Partitioner string    // as in Partitioner
	Client      []kgo.Opt // seed brokers, client id, TLS, SASL
}

// Producer appends to one topic: idempotent, acks=all, retrying for as long as
// it takes. What is refused for its size is replaced by its first kilobyte, so
// that one oversized message neither vanishes nor blocks those behind it.
type Producer struct {
	client    *kgo.Client
	truncated atomic.Int64
}

// routeKey is the context key of a Message's Route.
type routeKey struct{}

// OpenProducer makes a producer. It connects when it is first used; Close it.
func OpenProducer(o ProducerOptions) (*Producer, error) {
	if o.Topic == "" {
		return nil, errors.New("kafka producer: no topic")
	}
	partition, err := Partitioner(o.Partitioner)
	if err != nil {
		return nil, fmt.Errorf("kafka producer: %w", err)
	}
	opts := append([]kgo.Opt{
		kgo.DefaultProduceTopic(o.Topic),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(linger),
		kgo.RecordPartitioner(byRoute(partition)),
	}, o.Client...)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("kafka producer: %w", err)
	}
	return &Producer{client: client}, nil
}

// byRoute partitions by the key, or by the route where the key is empty.
func byRoute(partition func([]byte, int) int) kgo.Partitioner {
	return kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
		return func(r *kgo.Record, n int) int {
			if len(r.Key) > 0 {
				return partition(r.Key, n)
			}
			route, _ := r.Context.Value(routeKey{}).([]byte)
			return partition(route, n)
		}
	})
}

// Produce appends m and calls promise exactly once, with nil when every
// in-sync replica has it. It blocks while too much is buffered, until ctx is
// done. Messages of one key are appended in the order of the calls; one that
// was replaced for its size comes later than those behind it.
func (p *Producer) Produce(ctx context.Context, m Message, promise func(error)) {
	if len(m.Key) == 0 {
		ctx = context.WithValue(ctx, routeKey{}, m.Route)
	}
	r := &kgo.Record{Key: m.Key, Value: m.Value, Headers: headers(m.Headers)}
	p.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
		if errors.Is(err, kerr.MessageTooLarge) && len(m.Value) > truncatedBytes {
			// Not from the promise's own goroutine: a full buffer would wait
			// for the promises behind this one.
			go p.truncate(ctx, m, promise)
			return
		}
		promise(err)
	})
}

func (p *Producer) truncate(ctx context.Context, m Message, promise func(error)) {
	size := strconv.Itoa(len(m.Value))
	r := &kgo.Record{
		Key:     m.Key,
		Value:   m.Value[:truncatedBytes],
		Headers: append(headers(m.Headers), kgo.RecordHeader{Key: TruncatedHeader, Value: []byte(size)}),
	}
	p.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
		if err == nil {
			p.truncated.Add(1)
		}
		promise(err)
	})
}

func headers(hs []Header) []kgo.RecordHeader {
	if len(hs) == 0 {
		return nil
	}
	out := make([]kgo.RecordHeader, len(hs), len(hs)+1)
	for i, h := range hs {
		out[i] = kgo.RecordHeader(h)
	}
	return out
}

// Truncated returns how many messages were replaced for their size.
func (p *Producer) Truncated() int64 { return p.truncated.Load() }

// Close gives up what is still buffered and lets go of the connections. Stop
// whatever produces first.
func (p *Producer) Close() { p.client.Close() }
