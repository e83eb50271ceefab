package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	chunkRecords = 4096                 // readings written into one piece of memory
	linger       = 5 * time.Millisecond // the default of Kafka's own producer (linger.ms, since 4.0)
)

// sender appends readings of an input to a source topic, one producer, so that each partition holds them in the order of the input.
type sender struct {
	client *kgo.Client
	topic  string
	failed atomic.Pointer[error]
	memory []byte
}

type senderOptions struct {
	Brokers string
	Topic   string
}

// newSender connects. Keys choose partitions by murmur2, as with all Kafka clients; values are sent as they are, uncompressed, so that no
// engine's figures hold the work of a codec.
func newSender(o senderOptions) (*sender, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.Brokers), kgo.DefaultProduceTopic(o.Topic), kgo.ProducerLinger(linger),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(200_000), kgo.ProducerBatchMaxBytes(900_000))
	if err != nil {
		return nil, fmt.Errorf("connect the sender: %w", err)
	}
	return &sender{client: client, topic: o.Topic}, nil
}

// send appends one reading and does not wait for the answer; it waits while too much is under way.
func (s *sender) send(ctx context.Context, r reading) {
	const keyBytes = 12
	if cap(s.memory)-len(s.memory) < keyBytes+readingBytes {
		s.memory = make([]byte, 0, chunkRecords*(keyBytes+readingBytes))
	}
	start := len(s.memory)
	s.memory = appendKey(s.memory, r.device)
	middle := len(s.memory)
	s.memory = appendValue(s.memory, r)
	end := len(s.memory)
	s.client.Produce(ctx, &kgo.Record{Key: s.memory[start:middle:middle], Value: s.memory[middle:end:end]}, s.answered)
}

func (s *sender) answered(_ *kgo.Record, err error) {
	if err != nil {
		s.failed.CompareAndSwap(nil, &err)
	}
}

// flush waits for all answers.
func (s *sender) flush(ctx context.Context) error {
	if err := s.client.Flush(ctx); err != nil {
		return fmt.Errorf("flush %s: %w", s.topic, err)
	}
	if failed := s.failed.Load(); failed != nil {
		return fmt.Errorf("append to %s: %w", s.topic, *failed)
	}
	return nil
}

func (s *sender) close() { s.client.Close() }

// loadOptions say what a topic is filled with.
type loadOptions struct {
	Topic      string
	Partitions int
	Input      input
	Readings   int64
	Closing    bool // append the closing readings
}

// load makes a source topic and fills it.
func load(ctx context.Context, c *cluster, o loadOptions) error {
	if err := c.source(ctx, o.Topic, o.Partitions); err != nil {
		return err
	}
	s, err := newSender(senderOptions{Brokers: c.addr, Topic: o.Topic})
	if err != nil {
		return err
	}
	defer s.close()
	for k := range o.Readings {
		s.send(ctx, o.Input.at(k))
	}
	if o.Closing {
		closeAll(ctx, s, o.Input, o.Readings)
	}
	return s.flush(ctx)
}

// closeAll sends the closing reading of every device that has sent.
func closeAll(ctx context.Context, s *sender, in input, readings int64) {
	for position := range min(int64(in.devices), readings) {
		s.send(ctx, in.closing(in.device(position, 0), readings))
	}
}
