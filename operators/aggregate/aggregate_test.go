package aggregate_test

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

func TestNewNamesTheKnownOnes(t *testing.T) {
	for _, name := range aggregate.Names() {
		a, err := aggregate.New(name)
		require.NoError(t, err)
		assert.Equal(t, name, a.Name())
	}
	_, err := aggregate.New("median")
	assert.EqualError(t, err, `unknown aggregate "median": known are count, sum, min, max, mean, last`)
}

func TestResults(t *testing.T) {
	greatest := math.MaxFloat64
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"count", []float64{5, 5, 5}, 3},
		{"sum", []float64{1, 2, 3.5}, 6.5},
		{"sum", []float64{1, 1e100, 1, -1e100}, 2},
		{"sum", []float64{greatest, greatest, 1}, greatest},
		{"sum", []float64{-greatest, -greatest}, -greatest},
		{"mean", []float64{2, 4, 9}, 5},
		{"mean", []float64{1e100, 3, -1e100}, 1},
		{"min", []float64{3, -2, 7}, -2},
		{"min", []float64{4}, 4},
		{"max", []float64{-3, -2, -7}, -2},
		{"max", []float64{-4}, -4},
		{"last", []float64{1, 2, 3}, 3},
	} {
		a, err := aggregate.New(c.name)
		require.NoError(t, err)
		w := fold(a, inOrder(c.values))
		assert.Equal(t, c.want, a.Result(w, uint64(len(c.values))), "%s of %v", c.name, c.values)
	}
}

func TestLastGoesByTime(t *testing.T) {
	a, err := aggregate.New("last")
	require.NoError(t, err)
	w := fold(a, []reading{{20, 1}, {10, 2}, {20, 3}, {5, 4}})
	assert.Equal(t, 3.0, a.Result(w, 4), "of the same time the one folded last")
}

// Panes merged in order of time say what one pane would say.
func TestMergeEqualsFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, err := aggregate.New(rapid.SampledFrom(aggregate.Names()).Draw(t, "aggregate"))
		require.NoError(t, err)
		readings := drawReadings(t)
		slices.SortStableFunc(readings, func(a, b reading) int { return cmp.Compare(a.time, b.time) })
		cut := rapid.SliceOfN(rapid.IntRange(1, 5), 1, 20).Draw(t, "panes")
		merged := make([]uint64, a.Words())
		for i := range merged {
			merged[i] = rapid.Uint64().Draw(t, "rubbish") // Merge with First takes no notice of it
		}
		first := true
		for rest := readings; len(rest) > 0; {
			n := len(rest)
			if len(cut) > 0 {
				n, cut = min(n, cut[0]), cut[1:]
			}
			a.Merge(merged, fold(a, rest[:n]), aggregate.Merge{First: first})
			first, rest = false, rest[n:]
		}
		count := uint64(len(readings))
		require.Equal(t, a.Result(fold(a, readings), count), a.Result(merged, count))
	})
}

// The compensated sum of any finite values is off by a rounding or two of the
// result, and by second-order terms of the sum of magnitudes.
func TestSumIsAccurate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, err := aggregate.New("sum")
		require.NoError(t, err)
		values := rapid.SliceOfN(rapid.Float64Range(-1e15, 1e15), 1, 200).Draw(t, "values")
		exact, magnitude := new(big.Float).SetPrec(2000), 0.0
		for _, v := range values {
			exact.Add(exact, big.NewFloat(v))
			magnitude += math.Abs(v)
		}
		want, _ := exact.Float64()
		got := a.Result(fold(a, inOrder(values)), uint64(len(values)))
		const eps = 0x1p-52
		n := float64(len(values))
		require.InDelta(t, want, got, eps*math.Abs(want)+n*n*eps*eps*magnitude)
	})
}

// Every result of finite values is finite, whatever they are.
func TestResultsAreFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64(), 1, 20).Draw(t, "values")
		for i, v := range values {
			if math.IsInf(v, 0) || math.IsNaN(v) {
				values[i] = math.MaxFloat64
			}
		}
		for _, name := range aggregate.Names() {
			a, err := aggregate.New(name)
			require.NoError(t, err)
			half := len(values) / 2
			w := fold(a, inOrder(values[half:]))
			if half > 0 {
				a.Merge(w, fold(a, inOrder(values[:half])), aggregate.Merge{})
			}
			got := a.Result(w, uint64(len(values)))
			require.False(t, math.IsInf(got, 0) || math.IsNaN(got), "%s of %v is %v", name, values, got)
		}
	})
}

type reading struct {
	time  event.Time
	value float64
}

// drawReadings draws values whose sums are exact.
func drawReadings(t *rapid.T) []reading {
	readings := make([]reading, rapid.IntRange(1, 30).Draw(t, "readings"))
	for i := range readings {
		readings[i] = reading{
			time:  event.Time(rapid.IntRange(0, 9).Draw(t, "time")),
			value: float64(rapid.IntRange(-1000, 1000).Draw(t, "value")),
		}
	}
	return readings
}

func inOrder(values []float64) []reading {
	readings := make([]reading, len(values))
	for i, v := range values {
		readings[i] = reading{event.Time(i), v}
	}
	return readings
}

func fold(a aggregate.Aggregate, readings []reading) []uint64 {
	w := make([]uint64, a.Words())
	for i, r := range readings {
		a.Fold(w, aggregate.Sample{Time: r.time, Value: r.value, First: i == 0})
	}
	return w
}

func BenchmarkFold(b *testing.B) {
	for _, name := range aggregate.Names() {
		b.Run(name, func(b *testing.B) {
			a, err := aggregate.New(name)
			require.NoError(b, err)
			w := make([]uint64, a.Words())
			b.ReportAllocs()
			s := aggregate.Sample{First: true}
			for b.Loop() {
				a.Fold(w, s)
				s = aggregate.Sample{Time: s.Time + 1, Value: s.Value + 1}
			}
		})
	}
}
