package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/ingest/codec"
)

// ceiling is no engine but the work that none can do without: it reads the source to its end with weir's client, as weir does, and ends.
// ceiling-scan also decodes every record with weir's scanner. It is this program, run again as a process of its own.
type ceiling struct{ label string }

func (c ceiling) name() string                  { return c.label }
func (c ceiling) prepare(context.Context) error { return nil }
func (c ceiling) group(job) string              { return "" }
func (c ceiling) decoder() decoder              { return nil }
func (c ceiling) losses() []loss                { return nil }

func (c ceiling) commands(j job) ([]command, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return []command{{Args: []string{self, c.label, j.Brokers, j.Source}, Dir: j.State, Log: filepath.Join(j.State, "log")}}, nil
}

// runCeiling is the process: one client for each partition, with the fetch settings of engine.openSource.
func runCeiling(ctx context.Context, brokers, topic string, scan bool) error {
	c := cluster{addr: brokers}
	var err error
	if c.client, err = kgo.NewClient(kgo.SeedBrokers(brokers)); err != nil {
		return err
	}
	defer c.client.Close()
	c.admin = kadm.NewClient(c.client)
	ends, err := c.stable(ctx, topic)
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	failed := make([]error, len(ends[topic]))
	for p, end := range ends[topic] {
		wait.Go(func() { failed[p] = readTo(ctx, brokers, stretch{topic: topic, partition: p, end: end, scan: scan}) })
	}
	wait.Wait()
	return errors.Join(failed...)
}

// stretch is what one client reads.
type stretch struct {
	topic     string
	partition int32
	end       int64
	scan      bool
}

func readTo(ctx context.Context, brokers string, s stretch) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: {s.partition: kgo.NewOffset().At(0)}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxPartitionBytes(512<<10), kgo.FetchMinBytes(1))
	if err != nil {
		return err
	}
	defer client.Close()
	scanner, err := codec.NewScanner(codec.Options{Device: "device", Metric: "metric", Time: "ts", Unit: "ms", Value: "value", Metrics: []string{metricName}})
	if err != nil {
		return err
	}
	var batch codec.Batch
	decoded := int64(0)
	for next := int64(0); next < s.end; {
		fetches := client.PollFetches(ctx)
		if err := errors.Join(fetches.Err(), ctx.Err()); err != nil {
			return fmt.Errorf("read %s/%d: %w", s.topic, s.partition, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			if s.scan {
				batch.Reset()
				scanner.Decode(r.Value, &batch)
				if len(batch.Readings) == 1 && batch.Readings[0].Bad == "" {
					decoded++
				}
			}
		})
	}
	if s.scan && decoded != s.end {
		return fmt.Errorf("%d of %d records of %s/%d decoded", decoded, s.end, s.topic, s.partition)
	}
	return nil
}
