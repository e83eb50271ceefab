package aggregate_test

import (
	"math"
	"math/big"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

func TestNewNamesTheKnownOnes(t *testing.T) {
	for _, name := range everyName() {
		assert.Equal(t, name, newAggregate(t, name).Name())
		assert.True(t, aggregate.Known(name))
	}
	for _, name := range []string{"", "p", "pNN", "p9999", "p9.", "P95", "p-1", "95", "avg", "sum "} {
		_, err := aggregate.New(name, aggregate.Options{HalfLife: 1})
		assert.EqualError(t, err, "unknown aggregate "+strconv.Quote(name)+": known are count, sum, min, max, mean, range, first, last, delta, rate, "+
			"variance, stddev, median, mode, distinct, ewma, slope, integral, time_weighted_mean and pNN such as p95")
		assert.False(t, aggregate.Known(name))
	}
	_, err := aggregate.New("ewma", aggregate.Options{})
	assert.EqualError(t, err, "ewma weighs readings by age, for which the window must have a length in time")
}

func TestResults(t *testing.T) {
	const greatest = math.MaxFloat64
	for _, c := range []struct {
		name   string
		values []float64 // a second apart
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
		{"range", []float64{3, -2, 7}, 9},
		{"range", []float64{4}, 0},
		{"range", []float64{-greatest, greatest}, greatest},
		{"first", []float64{1, 2, 3}, 1},
		{"last", []float64{1, 2, 3}, 3},
		{"delta", []float64{1, 9, 3}, 2},
		{"rate", []float64{1, 9, 3}, 1},
		{"rate", []float64{1}, 0},
		{"rate", []float64{greatest, 0, -greatest}, -greatest},
		{"variance", []float64{2, 4, 4, 4, 5, 5, 7, 9}, 32.0 / 7},
		{"variance", []float64{3}, 0},
		{"variance", []float64{1e200, -1e200}, greatest},
		{"stddev", []float64{1, 3}, math.Sqrt2},
		{"stddev", []float64{greatest, -greatest}, greatest},
		{"stddev", []float64{0, 0x1p700}, math.Sqrt2 / 2 * 0x1p700},
		{"median", []float64{7, 7, 7}, 7},
		{"p0", []float64{3, 1, 2}, 1},
		{"mode", []float64{3, 1, 2, 1, 2}, 1},
		{"mode", []float64{0, math.Copysign(0, -1), 5}, 0},
		{"distinct", []float64{0, math.Copysign(0, -1), 5, 5}, 2},
		{"ewma", []float64{4}, 4},
		{"ewma", []float64{7, 7, 7}, 7},
		{"slope", []float64{1, 3, 5, 7}, 2},
		{"slope", []float64{4}, 0},
		{"slope", []float64{-greatest, greatest}, greatest},
		{"integral", []float64{1, 3, 3}, 5},
		{"integral", []float64{4}, 0},
		{"integral", []float64{greatest, greatest, greatest}, greatest},
		{"time_weighted_mean", []float64{1, 3, 3}, 2.5},
		{"time_weighted_mean", []float64{4}, 4},
		{"time_weighted_mean", []float64{1e308, 1e308, 1e308}, 1e308},
	} {
		a := newAggregate(t, c.name)
		w := fold(a, aSecondApart(c.values))
		assert.Equal(t, c.want, a.Result(w, uint64(len(c.values))), "%s of %v", c.name, c.values)
	}
}

func TestFirstAndLastGoByTime(t *testing.T) {
	readings := []reading{{20, 1}, {10, 2}, {20, 3}, {10, 4}}
	for name, want := range map[string]float64{"first": 2, "last": 3, "delta": 1, "rate": 100} {
		a := newAggregate(t, name)
		assert.Equal(t, want, a.Result(fold(a, readings), 4), "%s: of the same time first is the one folded first, last the one folded last", name)
	}
}

func TestEqualTimes(t *testing.T) {
	readings := []reading{{20, 1}, {20, 2}, {20, 6}}
	for name, want := range map[string]float64{"rate": 0, "slope": 0, "integral": 0, "time_weighted_mean": 3, "ewma": 3} {
		a := newAggregate(t, name)
		assert.Equal(t, want, a.Result(fold(a, readings), 3), name)
	}
}

// A reading one half-life old weighs half.
func TestEwmaFades(t *testing.T) {
	a := newAggregate(t, "ewma")
	w := fold(a, []reading{{5000, 0}, {5000 + halfLife, 3}})
	assert.InDelta(t, 2, a.Result(w, 2), 1e-15)
	assert.NotEqual(t, a.State(), must(aggregate.New("ewma", aggregate.Options{HalfLife: 2500.5})).State(), "words of another half-life are others")
}

// Aggregates that share words agree on them.
func TestStatesAreShared(t *testing.T) {
	words := map[string]int{}
	for _, name := range everyName() {
		a := newAggregate(t, name)
		if n, ok := words[a.State()]; ok {
			assert.Equal(t, n, a.Words(), name)
		}
		words[a.State()] = a.Words()
	}
	assert.Equal(t, 0, aggregate.Words([]string{"count", "nothing"}))
	assert.Equal(t, 2, aggregate.Words([]string{"mean", "sum", "count"}))
	assert.Equal(t, 129+4+4+39, aggregate.Words([]string{"p95", "median", "p5", "stddev", "variance", "delta", "rate", "integral", "time_weighted_mean"}))
}

// The compensated sum of any finite values is off by a rounding or two of the
// result, and by second-order terms of the sum of magnitudes.
func TestSumIsAccurate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newAggregate(t, "sum")
		values := rapid.SliceOfN(rapid.Float64Range(-1e15, 1e15), 1, 200).Draw(t, "values")
		exact, magnitude := new(big.Float).SetPrec(2000), 0.0
		for _, v := range values {
			exact.Add(exact, big.NewFloat(v))
			magnitude += math.Abs(v)
		}
		want, _ := exact.Float64()
		got := a.Result(fold(a, aSecondApart(values)), uint64(len(values)))
		const eps = 0x1p-52
		n := float64(len(values))
		require.InDelta(t, want, got, eps*math.Abs(want)+n*n*eps*eps*magnitude)
	})
}

func aSecondApart(values []float64) []reading {
	readings := make([]reading, len(values))
	for i, v := range values {
		readings[i] = reading{event.Time(1000 * i), v}
	}
	return readings
}

func must(a aggregate.Aggregate, err error) aggregate.Aggregate {
	if err != nil {
		panic(err)
	}
	return a
}
