package engine

import (
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
	plan := &task.Plan{Pipeline: &configs.Pipeline{}}
	plan.Pipeline.Source.Topic = "readings"
	f, err := newFeed(&Engine{log: slog.New(slog.DiscardHandler), o: Options{Plan: plan, WallClock: time.Now, Brokers: []string{"127.0.0.1:1"}}})
	require.NoError(t, err)
	defer f.client.CloseAllowingRebalance()
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
