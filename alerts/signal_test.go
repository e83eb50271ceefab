package alerts_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
)

// TestSignal tells a rule what to think of its samples.
func TestSignal(t *testing.T) {
	r := alerts.CompileSignal()
	w := make([]uint64, r.Words())
	var all []alerts.Event
	take := func(at event.Time, what alerts.Signal, value float64) bool {
		changed, events := r.Signal(w, alerts.Sample{Time: at, Value: value}, what)
		for _, e := range events.All() {
			require.True(t, math.IsNaN(e.Threshold))
			e.Threshold = 0
			all = append(all, e)
		}
		return changed
	}
	require.False(t, take(1, alerts.Calm, 7))
	require.False(t, take(2, alerts.Lasts, 7), "what never began")
	require.True(t, take(3, alerts.Begins, 8))
	require.True(t, take(4, alerts.Lasts, 9))
	require.Equal(t, alerts.View{State: alerts.Firing, EpisodeStart: 3, Last: 4, Value: 9, Number: 1}, r.View(w))
	again, ok := r.Again(w, 10)
	require.True(t, ok)
	require.Equal(t, 9.0, again.Value)
	require.True(t, take(11, alerts.Begins, 1))
	require.True(t, take(12, alerts.Calm, 2))
	require.False(t, take(13, alerts.Calm, 2))
	require.Equal(t, []alerts.Event{
		{State: alerts.EventFiring, Level: 0, Previous: -1, Value: 8, Time: 3, EpisodeStart: 3, Number: 1},
		{State: alerts.EventResolved, Level: 0, Previous: 0, Value: 1, Time: 11, EpisodeStart: 3, Number: 3},
		{State: alerts.EventFiring, Level: 0, Previous: -1, Value: 1, Time: 11, EpisodeStart: 11, Number: 1},
		{State: alerts.EventResolved, Level: 0, Previous: 0, Value: 2, Time: 12, EpisodeStart: 11, Number: 2},
	}, all)
	require.True(t, r.Quiet(w, math.Inf(1)))
	require.Equal(t, -1, r.Crossed(math.Inf(1)))
	take(14, alerts.Begins, 3)
	e, open := r.Forget(w, 20)
	require.True(t, open)
	require.Equal(t, alerts.EventResolved, e.State)
	require.Equal(t, make([]uint64, r.Words()), w)
}
