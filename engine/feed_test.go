package engine

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
)

// A partition whose task does not keep up is fetched no more until it does, and is not left paused for the task that comes after.
func TestASlowPartitionIsPaused(t *testing.T) {
	f := idleFeed(t)
	paused := func() int { return len(f.client.PauseFetchPartitions(nil)["readings"]) }
	s := &sourceReader{feed: f, partition: 3, slabs: make(chan *slab, maxQueued+1)}
	f.add(s)
	fetched := &kgo.Fetch{Topics: []kgo.FetchTopic{{Topic: "readings", Partitions: []kgo.FetchPartition{{Partition: 3, Records: []*kgo.Record{{Value: []byte("x")}}}}}}}
	deal := func(n int) {
		for range n {
			f.deal(kgo.Fetches{*fetched})
		}
	}
	deal(maxQueued - 1)
	require.Zero(t, paused())
	deal(1)
	require.Equal(t, 1, paused())
	for range maxQueued - resumeQueued {
		require.Equal(t, 1, paused())
		s.free(<-s.slabs)
	}
	require.Zero(t, paused())
	deal(maxQueued - resumeQueued)
	require.Equal(t, 1, paused())
	f.remove(s)
	require.Zero(t, paused())
	deal(1)
	require.Len(t, s.slabs, maxQueued, "nothing reaches a reader that was removed")
}

// What is under way when a partition is paused, and errors, come all the same. The feed serves all partitions, so it waits for no reader: one that is being
// closed waits for the feed.
func TestTheFeedWaitsForNoReader(t *testing.T) {
	f := idleFeed(t)
	s := &sourceReader{feed: f, partition: 3, slabs: make(chan *slab, maxQueued+1)}
	f.add(s)
	partition := kgo.FetchPartition{Partition: 3}
	deal := func(offset int64, err error) {
		partition.Err, partition.Records = err, []*kgo.Record{{Offset: offset, Value: []byte("x")}}
		f.deal(kgo.Fetches{{Topics: []kgo.FetchTopic{{Topic: "readings", Partitions: []kgo.FetchPartition{partition}}}}})
	}
	const all = 3 * maxQueued
	for i := range all {
		deal(int64(i), nil)
	}
	for i := range int64(all + 4) {
		next := <-s.slabs
		require.Equal(t, i, next.records[0].Offset, "in the order of the source")
		if i < 4 {
			deal(all+i, nil) // between two looks of the reader
		} else if i == 4 {
			deal(0, errors.New("broken"))
		}
		s.free(next)
	}
	require.Error(t, (<-s.slabs).err)
}

// idleFeed is a feed that nobody runs, of brokers that are not there.
func idleFeed(t *testing.T) *feed {
	plan := &task.Plan{Pipeline: &configs.Pipeline{}}
	plan.Pipeline.Source.Topic = "readings"
	f, err := newFeed(&Engine{log: slog.New(slog.DiscardHandler), o: Options{Plan: plan, WallClock: time.Now, Brokers: []string{"127.0.0.1:1"}}})
	require.NoError(t, err)
	t.Cleanup(f.client.CloseAllowingRebalance)
	return f
}
