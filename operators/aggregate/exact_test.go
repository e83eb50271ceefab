package aggregate_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// series are values that aggregates get wrong when they are done carelessly.
type series struct {
	name  string
	value func(i int) float64
}

func adversaries(rng *rand.Rand) []series {
	return []series{
		{"constant", func(int) float64 { return 0.1 }},
		{"1e16 and a little", func(i int) float64 { return 1e16 + float64(2*(i%5)) }},
		{"a ramp far from zero", func(i int) float64 { return 1e9 + float64(i)*1e-5 }},
		{"an outlier first", func(i int) float64 { return map[bool]float64{true: 1e9, false: float64(i % 7)}[i == 0] }},
		{"zeros of both signs and the least numbers", func(i int) float64 {
			return []float64{0, math.Copysign(0, -1), 5e-324, -5e-324, 1e-310}[rng.IntN(5)]
		}},
		{"around 1e300", func(int) float64 { return 1e300 * (rng.Float64() - 0.4) }},
		{"the greatest numbers", func(i int) float64 { return []float64{math.MaxFloat64, -math.MaxFloat64, 1}[i%3] }},
		{"turning huge", func(i int) float64 { return float64(i) + map[bool]float64{true: 1e200}[i == 20_000] }},
		{"in and out of what squares can hold", func(i int) float64 { return math.Abs(float64(i-25_000)) * 0x1p467 }},
		{"alternating signs", func(i int) float64 { return float64(1-2*(i%2)) * 1e9 * rng.Float64() }},
		{"two clusters", func(i int) float64 { return []float64{1e-3 + 1e-9*rng.Float64(), 1e6 + rng.Float64()}[i%2] }},
		{"through zero", func(i int) float64 { return float64(i-25_000) * 1e-5 }},
		{"all magnitudes", func(int) float64 {
			return math.Copysign(math.Pow(10, 600*rng.Float64()-300), rng.Float64()-0.5)
		}},
		{"few values", func(int) float64 { return float64(rng.IntN(30)) - 7.5 }},
	}
}

// Every aggregate against its definition, folded into one pane and into many that
// are merged: a million readings of a sensor, and as many of worse.
func TestAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	walk := 20.0
	sensor := series{"a sensor", func(int) float64 {
		walk += rng.NormFloat64() * 0.01
		return math.Round(100*walk) / 100
	}}
	check := func(s series, n int) {
		t.Run(s.name, func(t *testing.T) {
			readings := arrive(rng, s, n)
			truth := newTruth(readings)
			require.True(t, truth.inPane)
			one, panes := map[string][]uint64{}, map[string][]uint64{}
			for _, name := range everyName() {
				a := newAggregate(t, name)
				if one[a.State()] == nil {
					one[a.State()], panes[a.State()] = fold(a, readings), foldPanes(a, readings, event.Time(n*10))
				}
				within(t, truth.of(name), a.Result(one[a.State()], uint64(n)), name)
				within(t, truth.of(name), a.Result(panes[a.State()], uint64(n)), name+" of panes")
			}
		})
	}
	check(sensor, 1_000_000)
	for _, s := range adversaries(rng) {
		check(s, 50_000)
	}
}

// arrive gives the values times a second apart, more or less, and has them come a
// little out of order.
func arrive(rng *rand.Rand, s series, n int) []reading {
	readings, at := make([]reading, n), event.Time(1_700_000_000_000)
	for i := range readings {
		at += event.Time(rng.IntN(2000))
		readings[i] = reading{at, s.value(i)}
	}
	for i := 0; i+8 <= n; i += 8 {
		rng.Shuffle(8, func(a, b int) { readings[i+a], readings[i+b] = readings[i+b], readings[i+a] })
	}
	return readings
}

// foldPanes folds each reading into the pane of its time and merges them.
func foldPanes(a aggregate.Aggregate, readings []reading, length event.Time) []uint64 {
	panes := map[event.Time][]reading{}
	var order []event.Time
	for _, r := range readings {
		p := r.time / length
		if panes[p] == nil {
			order = append(order, p)
		}
		panes[p] = append(panes[p], r)
	}
	slices.Sort(order)
	merged := slices.Repeat([]uint64{0xdead_beef_dead_beef}, a.Words()) // Merge with First takes no notice of it
	for i, p := range order {
		a.Merge(merged, fold(a, panes[p]), aggregate.Merge{First: i == 0})
	}
	return merged
}

func within(t require.TestingT, want answer, got float64, name string) {
	if math.IsInf(got, 0) || math.IsNaN(got) {
		assert.Fail(t, "not finite", "%s is %v", name, got)
		t.FailNow()
	}
	if apart := math.Abs(got/2 - want.want/2); apart*2 > want.tolerance && !math.IsInf(want.tolerance, 1) {
		assert.Fail(t, "too far", "%s is %v and should be %v, within %v", name, got, want.want, want.tolerance)
		t.FailNow()
	}
}

func newAggregate(t require.TestingT, name string) aggregate.Aggregate {
	a, err := aggregate.New(name, aggregate.Options{HalfLife: halfLife})
	require.NoError(t, err)
	return a
}

func fold(a aggregate.Aggregate, readings []reading) []uint64 {
	w := make([]uint64, a.Words())
	for i, r := range readings {
		a.Fold(w, aggregate.Sample{Time: r.time, Value: r.value, First: i == 0})
	}
	return w
}
