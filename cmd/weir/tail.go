package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	askTimeout = 10 * time.Second
	// tailPatience is how long records may be missing that the brokers count, before it
	// is taken that compaction, or an abort, has left a hole there.
	tailPatience = 5 * time.Second
)

// errNoTopic says that the pipeline has not run yet, or elsewhere.
var errNoTopic = errors.New("there is no such topic: weir run makes it")

// tail reads the committed records of a topic from its beginning, and later what has
// come since. It is not for several goroutines.
type tail struct {
	topic string
	kafka []kgo.Opt
	begin func() // called before the topic is read from its beginning; may be nil
	visit func(*kgo.Record)
	only  map[int32]kgo.Offset // nil: all partitions from the beginning

	client *kgo.Client
	next   map[int32]int64
}

// catchUp visits what has been committed by now and was not visited yet. After an error
// the topic is read from its beginning.
func (t *tail) catchUp(ctx context.Context) error {
	if t.client == nil {
		if err := t.open(); err != nil {
			return fmt.Errorf("topic %q: %w", t.topic, err)
		}
	}
	if err := t.readOn(ctx); err != nil {
		t.close()
		return fmt.Errorf("topic %q: %w", t.topic, err)
	}
	return nil
}

func (t *tail) open() error {
	options := append([]kgo.Opt{
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxPartitionBytes(4 << 20),
	}, t.kafka...)
	if t.only == nil {
		options = append(options, kgo.ConsumeTopics(t.topic))
	} else {
		options = append(options, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.topic: t.only}))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	t.client, t.next = client, map[int32]int64{}
	if t.begin != nil {
		t.begin()
	}
	return nil
}

func (t *tail) close() {
	if t.client != nil {
		t.client.Close()
		t.client = nil
	}
}

func (t *tail) readOn(ctx context.Context) error {
	ends, err := t.ends(ctx)
	if err != nil {
		return err
	}
	for !t.reached(ends) {
		poll, cancel := context.WithTimeout(ctx, tailPatience)
		fetches := t.client.PollFetches(poll)
		late := poll.Err() != nil
		cancel()
		if err := ctx.Err(); err != nil {
			return err
		}
		for records := fetches.RecordIter(); !records.Done(); {
			r := records.Next()
			t.next[r.Partition] = r.Offset + 1
			if !r.Attrs.IsControl() {
				t.visit(r)
			}
		}
		switch err := fetches.Err(); {
		case late && fetches.NumRecords() == 0:
			if _, err := t.ends(ctx); err != nil { // it was not the end, but the brokers
				return err
			}
			t.skip(ends)
		case err != nil && !late:
			return err
		}
	}
	return nil
}

// ends is how far the partitions are to be read. What retention has deleted counts as
// read.
func (t *tail) ends(ctx context.Context) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	admin := kadm.NewClient(t.client)
	starts, err := admin.ListStartOffsets(ctx, t.topic)
	if err != nil {
		return nil, fmt.Errorf("ask for its beginning: %w", err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, t.topic)
	if err != nil {
		return nil, fmt.Errorf("ask for its end: %w", err)
	}
	if len(ends[t.topic]) == 0 || len(starts[t.topic]) == 0 {
		return nil, errNoTopic
	}
	all := map[int32]int64{}
	for p, end := range ends[t.topic] {
		if _, wanted := t.only[p]; t.only != nil && !wanted {
			continue
		}
		if err := errors.Join(end.Err, starts[t.topic][p].Err); errors.Is(err, kerr.UnknownTopicOrPartition) {
			return nil, errNoTopic
		} else if err != nil {
			return nil, fmt.Errorf("partition %d: %w", p, err)
		}
		all[p] = end.Offset
		t.next[p] = max(t.next[p], starts[t.topic][p].Offset)
		if from, ok := t.only[p]; ok {
			t.next[p] = max(t.next[p], from.EpochOffset().Offset)
		}
	}
	return all, nil
}

func (t *tail) reached(ends map[int32]int64) bool {
	for p, end := range ends {
		if t.next[p] < end {
			return false
		}
	}
	return true
}

func (t *tail) skip(ends map[int32]int64) {
	for p, end := range ends {
		t.next[p] = max(t.next[p], end)
	}
}
