package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// check reads output topics read_committed from their beginning to their last stable offsets, and gives every record to the sheet. It
// returns how many there are.
func (c *cluster) check(ctx context.Context, s *sheet, decode decoder, topics []string) (int64, error) {
	records := int64(0)
	err := c.read(ctx, topics, func(r *kgo.Record) {
		records++
		t, err := decode(r.Value)
		if err != nil {
			s.broken(err)
			return
		}
		s.take(t)
	})
	return records, err
}

// read gives all committed records of topics to a function.
func (c *cluster) read(ctx context.Context, topics []string, take func(*kgo.Record)) error {
	ends, err := c.stable(ctx, topics...)
	if err != nil {
		return err
	}
	from, left := map[string]map[int32]kgo.Offset{}, map[string]map[int32]int64{}
	for topic, partitions := range ends {
		for p, end := range partitions {
			if end == 0 {
				continue
			}
			if from[topic] == nil {
				from[topic], left[topic] = map[int32]kgo.Offset{}, map[int32]int64{}
			}
			from[topic][p], left[topic][p] = kgo.NewOffset().At(0), end
		}
	}
	if len(left) == 0 {
		return nil
	}
	// Control records are kept because one of them is the last of a partition that was written in transactions.
	client, err := kgo.NewClient(kgo.SeedBrokers(c.addr), kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxPartitionBytes(4<<20))
	if err != nil {
		return fmt.Errorf("connect the reader: %w", err)
	}
	defer client.Close()
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := errors.Join(fetches.Err(), ctx.Err()); err != nil {
			return fmt.Errorf("read %v: %w", topics, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				take(r)
			}
			if end, ok := left[r.Topic][r.Partition]; ok && r.Offset+1 >= end {
				delete(left[r.Topic], r.Partition)
				if len(left[r.Topic]) == 0 {
					delete(left, r.Topic)
				}
			}
		})
	}
	return nil
}
