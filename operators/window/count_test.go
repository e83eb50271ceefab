package window_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// A count window holds what a sorted list cut to its last N holds.
func TestCountEqualsSortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "n")
		compute := []string{"count", "sum", "min", "max", "mean", "last"}
		c, err := window.NewCount(window.CountSpec{Name: "c", N: n, Compute: compute})
		require.NoError(t, err)
		row := newMovingRow(c.Cells(), c.Words())
		var kept []sample
		for i := range rapid.IntRange(1, 40).Draw(t, "readings") {
			s := sample{event.Time(rapid.IntRange(0, 30).Draw(t, "time")), float64(i)}
			after := slices.Clone(kept)
			at, _ := slices.BinarySearchFunc(after, s.time+1, func(e sample, t event.Time) int { return int(e.time - t) })
			after = slices.Insert(after, at, s)
			after = after[max(0, len(after)-n):]
			changed := !slices.Equal(kept, after)
			kept = after

			require.Equal(t, changed, c.Insert(row, s.time, s.value))
			r, full := c.Result(row.Words())
			require.Equal(t, len(kept) == n, full)
			if !full {
				continue
			}
			require.Equal(t, kept[0].time, r.Start)
			require.Equal(t, kept[n-1].time+1, r.End)
			for k, name := range compute {
				require.Equal(t, naive(name, kept), r.Values[k], name)
			}
		}
	})
}

// In order of time, a reading changes its own cell and the header.
func TestCountWritesTwoCells(t *testing.T) {
	c, err := window.NewCount(window.CountSpec{Name: "c", N: 5, Compute: []string{"mean"}})
	require.NoError(t, err)
	row := newMovingRow(c.Cells(), c.Words())
	for i := range 20 {
		row.writes = 0
		c.Insert(row, event.Time(i), 1)
		assert.Equal(t, 2, row.writes)
	}
	row.writes = 0
	c.Insert(row, 3, 1)
	assert.Zero(t, row.writes, "older than all")
}

func TestCountRefuses(t *testing.T) {
	for _, c := range []struct {
		spec window.CountSpec
		want string
	}{
		{window.CountSpec{Name: "c", N: 0, Compute: []string{"mean"}},
			`window "c": count=0 must be between 1 and 10000`},
		{window.CountSpec{Name: "c", N: 10_001, Compute: []string{"mean"}},
			`window "c": count=10001 must be between 1 and 10000`},
		{window.CountSpec{Name: "c", N: 3},
			`window "c": compute is empty: name at least one aggregate`},
	} {
		_, err := window.NewCount(c.spec)
		assert.EqualError(t, err, c.want)
	}
}
