package aggregate_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// Integrals of parts are summed up, and their time-weighted mean is the sum over
// that of their spans, whatever the order in which they are merged and however
// great the values are.
func TestPartsAreSummedUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		huge := rapid.Bool().Draw(t, "huge")
		scale := 1.0
		if huge {
			scale = 0x1p500
		}
		var parts [][]uint64
		area, span, sum, count, magnitudes := 0.0, 0.0, 0.0, 0, 0.0
		for range rapid.IntRange(1, 6).Draw(t, "parts") {
			a := newAggregate(t, "integral")
			w := make([]uint64, a.Words())
			at, before := event.Time(0), 0.0
			n := rapid.IntRange(1, 5).Draw(t, "readings")
			for i := range n {
				v := float64(rapid.IntRange(-9, 9).Draw(t, "value"))
				if rapid.Bool().Draw(t, "scaled") {
					v *= scale
				}
				step := event.Time(rapid.SampledFrom([]int{0, 1, 700, 5_000}).Draw(t, "step"))
				if i > 0 {
					at += step
					area += (before + v) / 2 * float64(step) / 1000
					magnitudes += (math.Abs(before) + math.Abs(v)) / 2 * float64(step) / 1000
				}
				before, sum, count = v, sum+v, count+1
				a.Fold(w, aggregate.Sample{Time: at, Value: v, First: i == 0})
			}
			span += float64(at) / 1000
			parts = append(parts, aggregate.Condense(nil, a, w))
		}
		integral, err := aggregate.New("integral", aggregate.Options{Parts: true})
		require.NoError(t, err)
		mean, err := aggregate.New("time_weighted_mean", aggregate.Options{Parts: true})
		require.NoError(t, err)
		require.Equal(t, integral.State(), mean.State())
		all := make([]uint64, integral.Words())
		for i, p := range rapid.Permutation(parts).Draw(t, "order") {
			require.Len(t, p, integral.Words())
			integral.Merge(all, p, aggregate.Merge{First: i == 0})
		}
		assert.InDelta(t, area, integral.Result(all, uint64(count)), 1e-9*magnitudes)
		want := sum / float64(count)
		if span > 0 {
			want = area / span
		}
		assert.InDelta(t, want, mean.Result(all, uint64(count)), 1e-9*math.Max(magnitudes, math.Abs(want)))
	})
}

// What is no polyline is told as it is.
func TestCondenseLeavesOthersAlone(t *testing.T) {
	for _, name := range aggregate.Names() {
		a := newAggregate(t, name)
		w := make([]uint64, a.Words())
		a.Fold(w, aggregate.Sample{Time: 1, Value: 2, First: true})
		told := aggregate.Condense(nil, a, w)
		if aggregate.Condenses(a) {
			assert.Contains(t, []string{"integral", "time_weighted_mean"}, name)
			continue
		}
		assert.Equal(t, w, append([]uint64{}, told...), name)
	}
}
