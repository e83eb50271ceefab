package window_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/aggregate"
	"github.com/weirstream/weir/operators/window"
)

// allAggregates are all names there are, and some percentiles.
func allAggregates() []string { return append(aggregate.Names(), "p95", "p05") }

// What a window computes beside others does not change what it says: windows of
// one ring, with words that many aggregates share, say what windows say that
// compute one aggregate and nothing else, over panes of the same length.
func TestSharedStatesEqualOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		compute := rapid.SliceOfNDistinct(rapid.SampledFrom(allAggregates()), 2, 8, rapid.ID[string]).Draw(t, "compute")
		together := []window.Spec{
			{Name: "hop", Size: 40, Every: 20, Compute: compute},
			{Name: "tumble", Size: 20, Every: 20, Compute: compute[1:]},
		}
		var alone []window.Spec
		for _, s := range together {
			for _, name := range s.Compute {
				one := s
				one.Compute = []string{name}
				alone = append(alone, one)
			}
		}
		readings := make([]sample, rapid.IntRange(1, 40).Draw(t, "readings"))
		now := event.Time(100)
		for i := range readings {
			now += event.Time(rapid.IntRange(0, 9).Draw(t, "pass"))
			readings[i] = sample{now - event.Time(rapid.IntRange(0, 15).Draw(t, "behind")), float64(rapid.IntRange(-9, 9).Draw(t, "value"))}
		}
		want := map[string]float64{}
		for _, s := range alone {
			results(t, []window.Spec{s}, readings, want)
		}
		got := map[string]float64{}
		results(t, together, readings, got)
		require.Equal(t, want, got)
	})
}

// results notes what the windows say of the readings when they close.
func results(t *rapid.T, specs []window.Spec, readings []sample, into map[string]float64) {
	rings, members, err := window.PlanRings(specs, window.Time{WaitForLate: 30})
	require.NoError(t, err)
	for k, r := range rings {
		row, clock := newMovingRow(r.Cells(), r.Words()), event.Time(0)
		emit := func(res *window.Result) uint8 {
			spec := specs[members[k][res.Window]]
			for i, name := range spec.Compute {
				into[fmt.Sprintf("%s %d %s", spec.Name, res.End, name)] = res.Values[i]
			}
			return 0
		}
		for _, s := range readings {
			now := operators.Advance(clock, operators.Arrival{Event: s.time, Append: s.time})
			r.Close(row, window.Span{From: clock, To: now}, emit)
			r.Fold(row, s.time, s.value)
			clock = now
		}
		r.Flush(row, clock, emit)
	}
}

// Words are shared between the windows of a ring as well, but not those of ewma:
// its half-life is a quarter of the window.
func TestWordsOfAPane(t *testing.T) {
	words := func(specs ...window.Spec) int {
		rings, _, err := window.PlanRings(specs, window.Time{})
		require.NoError(t, err)
		require.Len(t, rings, 1)
		return rings[0].Words()
	}
	hop := window.Spec{Name: "a", Size: 40, Every: 20, Compute: []string{"sum", "median", "ewma"}}
	tumble := window.Spec{Name: "b", Size: 20, Every: 20, Compute: []string{"mean", "p95", "ewma"}}
	assert.Equal(t, 2+aggregate.Words(hop.Compute), words(hop))
	assert.Equal(t, 2+aggregate.Words(hop.Compute)+aggregate.Words([]string{"ewma"}), words(hop, tumble))
}

func TestCountSharesStates(t *testing.T) {
	var compute []string
	for _, name := range allAggregates() {
		if name != "ewma" {
			compute = append(compute, name)
		}
	}
	all, err := window.NewCount(window.CountSpec{Name: "c", N: 30, Compute: compute})
	require.NoError(t, err)
	row := newMovingRow(all.Cells(), all.Words())
	for i := range 50 {
		all.Insert(row, event.Time(i*7%50), float64(i%11))
	}
	together, full := all.Result(row.Words())
	require.True(t, full)
	for i, name := range compute {
		one, err := window.NewCount(window.CountSpec{Name: "c", N: 30, Compute: []string{name}})
		require.NoError(t, err)
		r, _ := one.Result(row.Words())
		assert.Equal(t, r.Values[0], together.Values[i], name)
	}
	_, err = window.NewCount(window.CountSpec{Name: "c", N: 30, Compute: []string{"ewma"}})
	assert.EqualError(t, err, `window "c": compute[0]: ewma weighs readings by age, for which the window must have a length in time`)
}
