package engine

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A turn of a task's loop that hangs shows, an idle task does not; and it is over when the turn is.
func TestStalledTaskShows(t *testing.T) {
	t.Parallel()
	b := newBench(t, benchOptions{pipeline: patient, partitions: 2})
	o := b.options(newMemoryStore())
	var armed atomic.Bool
	hangs, release := make(chan struct{}), make(chan struct{})
	o.Failpoint = func(step string, partition int32) {
		if step == "confirmed" && partition == 0 && armed.CompareAndSwap(true, false) {
			close(hangs)
			<-release
		}
	}
	run := b.start(o)
	run.settled(0, 0)
	run.settled(1, 0)
	for range 20 {
		require.Less(t, run.engine.Stalled(), 2*time.Second)
		<-time.After(time.Millisecond)
	}
	armed.Store(true)
	b.produce(0, history(20)...)
	<-hangs
	run.engine.Stalled()
	eventually(t, "the hanging turn shows", func() bool { return run.engine.Stalled() >= 100*time.Millisecond })
	close(release)
	eventually(t, "the task moves again", func() bool { return run.engine.Stalled() == 0 })
	require.NoError(t, run.wait())
}

// More processes than partitions: the one without is ready once the group has had time to give it one, and not when it is no member any more.
func TestSpareProcessIsReady(t *testing.T) {
	t.Parallel()
	b := newBench(t, benchOptions{pipeline: patient})
	first := b.start(b.options(newMemoryStore()))
	first.settled(0, 0)
	o := b.options(newMemoryStore())
	o.Instance = "spare"
	second := b.start(o)
	e := second.engine
	eventually(t, "the second is a member", func() bool { return e.spare.since.Load() != 0 })
	require.Empty(t, e.Status())
	require.False(t, e.Ready(), "a partition may be on its way")
	e.spare.assigned(e.mono.now() - spareAfter.Milliseconds())
	require.True(t, e.Ready())
	e.group.onLost(context.Background(), nil, nil)
	require.False(t, e.Ready())
	require.NoError(t, second.wait())
	require.NoError(t, first.wait())
}
