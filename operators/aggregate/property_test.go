package aggregate_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// However readings are split into panes, and in whatever order they come to a
// pane, the result is the one of the definition.
func TestPanesAndOrderDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readings := drawReadings(t, drawValue)
		length := event.Time(rapid.SampledFrom([]int{1, 3, 20, 1000}).Draw(t, "pane"))
		truth := newTruth(readings)
		for _, name := range everyName() {
			a := newAggregate(t, name)
			within(t, truth.of(name), a.Result(fold(a, readings), uint64(len(readings))), name)
			within(t, truth.of(name), a.Result(foldPanes(a, readings, length), uint64(len(readings))), name+" of panes")
		}
	})
}

// A pane that others were merged into can be folded into further, as one that
// holds all of them: sessions that become one.
func TestFoldAfterMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readings := drawReadings(t, drawValue)
		older := slices.Clone(readings)
		slices.SortStableFunc(older, func(a, b reading) int { return cmp.Compare(a.time, b.time) })
		cut := rapid.IntRange(1, len(older)).Draw(t, "cut")
		older, newer := older[:cut], older[cut:]
		more := drawReadings(t, drawValue)
		all := slices.Concat(older, newer, more)
		truth := newTruth(all)
		for _, name := range everyName() {
			a := newAggregate(t, name)
			w := fold(a, older)
			if len(newer) > 0 {
				a.Merge(w, fold(a, newer), aggregate.Merge{})
			}
			for _, r := range more {
				a.Fold(w, aggregate.Sample{Time: r.time, Value: r.value})
			}
			within(t, truth.of(name), a.Result(w, uint64(len(all))), name)
		}
	})
}

// Every result of finite values is finite, whatever they are.
func TestResultsAreFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readings := drawReadings(t, func(t *rapid.T) float64 {
			return max(-math.MaxFloat64, min(rapid.Float64().Draw(t, "value"), math.MaxFloat64))
		})
		for _, name := range everyName() {
			a := newAggregate(t, name)
			for _, length := range []event.Time{1, 7, 1000} {
				got := a.Result(foldPanes(a, readings, length), uint64(len(readings)))
				require.False(t, math.IsInf(got, 0) || math.IsNaN(got), "%s of %v is %v", name, readings, got)
			}
		}
	})
}

func drawReadings(t *rapid.T, value func(*rapid.T) float64) []reading {
	readings := make([]reading, rapid.IntRange(1, 60).Draw(t, "readings"))
	at := event.Time(0)
	for i := range readings {
		at += event.Time(rapid.IntRange(0, 3).Draw(t, "pass"))
		readings[i] = reading{max(0, at-event.Time(rapid.IntRange(0, 12).Draw(t, "behind"))), value(t)}
	}
	return readings
}

// drawValue draws values of which some are equal and some far apart.
func drawValue(t *rapid.T) float64 {
	v := float64(rapid.IntRange(-9, 9).Draw(t, "value"))
	return v * rapid.SampledFrom([]float64{1, 1, 1, 0.1, 1e-120, 1e15, 1e200, 1e290}).Draw(t, "scale")
}
