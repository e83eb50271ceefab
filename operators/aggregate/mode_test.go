package aggregate_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

// With more values than it holds, mode still says a value that is there, with its
// exact count, and the same one in whatever order and panes they came.
func TestModeIsAFunctionOfItsReadings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newAggregate(t, "mode")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		values := rapid.SampledFrom([]int{1, 31, 32, 33, 200}).Draw(t, "values")
		readings, counts := make([]reading, rapid.IntRange(1, 400).Draw(t, "readings")), map[float64]uint64{}
		for i := range readings {
			readings[i] = reading{event.Time(i), float64(rng.IntN(values))}
			counts[readings[i].value]++
		}
		w := fold(a, readings)
		got := a.Result(w, uint64(len(readings)))
		require.NotZero(t, counts[got])
		most := uint64(0)
		for i := range int(w[0]) {
			most = max(most, w[2+2*i])
		}
		require.Equal(t, counts[got], most)
		require.Equal(t, w, foldPanes(a, readings, event.Time(rapid.IntRange(1, 100).Draw(t, "pane"))))
		slices.Reverse(readings)
		require.Equal(t, w, fold(a, readings))
	})
}
