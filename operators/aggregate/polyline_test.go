package aggregate_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// A reading after 14 later ones is put in its place; one after 15 is left out, and
// so is one that is older than what has settled.
func TestPolylineTakesWhatIsNotTooLate(t *testing.T) {
	a := newAggregate(t, "integral")
	for later, want := range map[int]float64{14: 5 + 13, 15: 14} {
		w := fold(a, nil)
		for i := range later {
			foldInto(a, w, reading{event.Time(10+i) * 1000, 1})
		}
		foldInto(a, w, reading{0, 0})
		assert.Equal(t, want, a.Result(w, uint64(later+1)), "after %d later ones", later)
	}
	w := fold(a, nil)
	for i := range 40 {
		foldInto(a, w, reading{event.Time(i) * 1000, 1})
	}
	foldInto(a, w, reading{24_500, 3})
	assert.Equal(t, 39.0, a.Result(w, 41), "after 15 later ones")
	foldInto(a, w, reading{25_500, 3})
	assert.Equal(t, 40.0, a.Result(w, 42), "after 14 later ones")
}

// Panes that were merged take what one pane would take.
func TestPolylineAfterMerge(t *testing.T) {
	a := newAggregate(t, "integral")
	for _, held := range [][2]int{{1, 1}, {3, 4}, {10, 10}, {15, 15}, {20, 3}, {3, 20}, {40, 40}} {
		var all []reading
		for i := range held[0] + held[1] {
			all = append(all, reading{event.Time(i) * 1000, float64(i % 3)})
		}
		merged := fold(a, all[:held[0]])
		a.Merge(merged, fold(a, all[held[0]:]), aggregate.Merge{})
		one := fold(a, all)
		assert.Equal(t, a.Result(one, 0), a.Result(merged, 0), held)
		for i := range all {
			late := reading{all[i].time + 500, 7}
			foldInto(a, merged, late)
			foldInto(a, one, late)
			assert.InDelta(t, a.Result(one, 0), a.Result(merged, 0), 1e-9, "%v, %d", held, i)
		}
	}
}

// foldInto folds a reading into words that hold others, or none.
func foldInto(a aggregate.Aggregate, w []uint64, r reading) {
	first := true
	for _, x := range w {
		first = first && x == 0
	}
	a.Fold(w, aggregate.Sample{Time: r.time, Value: r.value, First: first})
}
