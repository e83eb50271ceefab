package window_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// codesOf has another number in place of each, 0 in place of 0.
func codesOf(t *rapid.T, name string) *[256]uint8 {
	by := uint8(rapid.IntRange(1, 255).Draw(t, name))
	c := &[256]uint8{}
	for i := 1; i < len(c); i++ {
		c[i] = uint8(i) ^ by
	}
	return c
}

// What windows of a ring remember of what they said is recoded window by window, and nothing else of them.
func TestRingIsRecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := []window.Spec{{Name: "a", Size: 40, Every: 20, Compute: []string{"count"}}, {Name: "b", Size: 20, Every: 20, Compute: []string{"count"}}, {Name: "c", Size: 60, Every: 20, Compute: []string{"count"}}}
		rings, _, err := window.PlanRings(specs, window.Time{WaitForLate: 10, Backfill: 200, MaxFutureSkew: 20})
		require.NoError(t, err)
		require.Len(t, rings, 1)
		r, row := rings[0], newMovingRow(rings[0].Cells(), rings[0].Words())
		type instance struct {
			window int
			end    event.Time
		}
		said, revisions := map[instance]uint8{}, map[instance]int{}
		emit := func(res *window.Result) uint8 {
			at := instance{res.Window, res.End}
			require.Equal(t, said[at], res.Digest, "%+v", at)
			require.Equal(t, revisions[at]+1, res.Revision, "%+v", at)
			said[at], revisions[at] = uint8(rapid.SampledFrom([]int{0, 1, 2, 255}).Draw(t, "digest")), res.Revision
			return said[at]
		}
		clock := event.Time(1000)
		for range rapid.IntRange(1, 30).Draw(t, "readings") {
			before := clock
			clock += event.Time(rapid.IntRange(0, 15).Draw(t, "pass"))
			r.Close(row, window.Span{From: before, To: clock}, emit)
			if at := clock - event.Time(rapid.IntRange(0, 100).Draw(t, "behind")); !r.Late(at, before) {
				r.Fold(row, at, 1)
				r.Revise(row, at, clock, emit)
			}
			switch rapid.IntRange(0, 3).Draw(t, "then") {
			case 0:
				r.Provisional(row, clock, emit)
			case 1:
				codes := []*[256]uint8{codesOf(t, "a"), nil, codesOf(t, "c")}
				r.Recode(row, codes)
				for at, digest := range said {
					if codes[at.window] != nil {
						said[at] = codes[at.window][digest]
					}
				}
			}
		}
	})
}

// So is what a session remembers.
func TestSessionIsRecoded(t *testing.T) {
	s, err := window.NewSession(window.SessionSpec{Name: "s", Gap: 10, Compute: []string{"count"}}, window.Time{Backfill: 1000})
	require.NoError(t, err)
	row := newMovingRow(s.Cells(), s.Words())
	var before []uint8
	emit := func(res *window.Result) uint8 {
		before = append(before, res.Digest)
		return 3
	}
	s.Fold(row, 100, 1, 100, emit)
	s.Fold(row, 200, 1, 200, emit)
	s.Provisional(row, 200, emit)
	codes := &[256]uint8{3: 9}
	s.Recode(row, codes)
	s.Provisional(row, 200, emit) // nothing has come
	s.Fold(row, 201, 1, 201, emit)
	s.Provisional(row, 201, emit)
	require.Equal(t, []uint8{0, 9}, before)
}
