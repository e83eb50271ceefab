package window_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
	"github.com/weirstream/weir/operators/window"
)

func TestPlanRefuses(t *testing.T) {
	mean := []string{"mean"}
	for _, c := range []struct {
		name string
		spec window.Spec
		time window.Time
		want string
	}{
		{"no size", window.Spec{Name: "w", Compute: mean}, window.Time{},
			`window "w": size=0ms must be between 1ms and 4398046511104ms`},
		{"no step", window.Spec{Name: "w", Size: 60, Compute: mean}, window.Time{},
			`window "w": every=0ms must be between 1ms and size=60ms`},
		{"step beyond size", window.Spec{Name: "w", Size: 60, Every: 120, Compute: mean}, window.Time{},
			`window "w": every=120ms must be between 1ms and size=60ms`},
		{"step that does not divide", window.Spec{Name: "w", Size: 60, Every: 7, Compute: mean}, window.Time{},
			`window "w": every=7ms must divide size=60ms`},
		{"nothing to compute", window.Spec{Name: "w", Size: 60, Every: 60}, window.Time{},
			`window "w": compute is empty: name at least one aggregate`},
		{"unknown aggregate", window.Spec{Name: "w", Size: 60, Every: 60, Compute: []string{"mean", "avg"}}, window.Time{},
			`window "w": compute[1]: unknown aggregate "avg": known are ` + strings.Join(aggregate.Names(), ", ") + ` and pNN such as p95`},
		{"twice the same", window.Spec{Name: "w", Size: 60, Every: 60, Compute: []string{"mean", "mean"}}, window.Time{},
			`window "w": compute[1]: "mean" is there already`},
		{"negative time", window.Spec{Name: "w", Size: 60, Every: 60, Compute: mean}, window.Time{Backfill: -1},
			`allow_backfill=-1ms must be between 0ms and 4398046511104ms`},
		{"too many panes", window.Spec{Name: "w", Size: 86_400_000, Every: 1000, Compute: mean}, window.Time{WaitForLate: 30_000},
			`window "w": size=86400000ms with wait_for_late=30000ms, allow_backfill=0ms and max_future_skew=0ms takes 86430 panes of every=1000ms for each device, at most 20000 are allowed: use a larger every, or shorten the others`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := window.PlanRings([]window.Spec{c.spec}, c.time)
			assert.EqualError(t, err, c.want)
		})
	}
}

// A plan has every window once, at most three to a ring, and never takes more
// words than a ring for each window would.
func TestPlanCostsNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs, times := drawSpecs(t), drawTime(t)
		rings, members, err := window.PlanRings(specs, times)
		require.NoError(t, err)
		size := func(rings []*window.Ring) (words int) {
			for _, r := range rings {
				words += r.Cells() * r.Words()
			}
			return words
		}
		seen, apart := map[int]bool{}, 0
		for i := range specs {
			alone, _, err := window.PlanRings(specs[i:i+1], times)
			require.NoError(t, err)
			apart += size(alone)
		}
		for _, m := range members {
			require.LessOrEqual(t, len(m), 3)
			require.IsIncreasing(t, append([]int{-1}, m...))
			for _, i := range m {
				require.False(t, seen[i])
				seen[i] = true
			}
		}
		require.Len(t, seen, len(specs))
		require.LessOrEqual(t, size(rings), apart)
	})
}

// Nothing is written for a window that was never emitted before it closed: the
// journal has the readings, and closing follows from them.
func TestClosingWritesNothing(t *testing.T) {
	for _, backfill := range []event.Time{0, 60_000} {
		ring, row := oneRing(t, window.Spec{Name: "w", Size: 60_000, Every: 10_000, Compute: []string{"mean"}}, window.Time{Backfill: backfill})
		ring.Fold(row, 5_000, 1)
		row.writes = 0
		emitted := 0
		ring.Close(row, window.Span{From: 5_000, To: 500_000}, func(*window.Result) uint8 { emitted++; return 0 })
		assert.Equal(t, 6, emitted)
		assert.Zero(t, row.writes, "backfill %d", backfill)
	}
}

// A reading that would displace a newer pane is a broken invariant, not a result.
func TestFoldOfLateReadingPanics(t *testing.T) {
	ring, row := oneRing(t, window.Spec{Name: "w", Size: 10, Every: 10, Compute: []string{"mean"}}, window.Time{})
	ring.Fold(row, 100, 1)
	require.True(t, ring.Late(50, 100))
	assert.PanicsWithValue(t, "window ring: pane 5 would displace the newer pane 10", func() { ring.Fold(row, 50, 1) })
}

// Revisions stop at 255, and go on saying so.
func TestRevisionSaturates(t *testing.T) {
	ring, row := oneRing(t, window.Spec{Name: "w", Size: 10, Every: 10, Compute: []string{"count"}}, window.Time{})
	var last window.Result
	for range 300 {
		ring.Fold(row, 5, 1)
		ring.Provisional(row, 5, func(r *window.Result) uint8 { last = *r; return 9 })
	}
	assert.Equal(t, 255, last.Revision)
	assert.Equal(t, uint64(300), last.Count)
	assert.Equal(t, uint8(9), last.Digest)
}

func oneRing(t testing.TB, s window.Spec, times window.Time) (*window.Ring, *movingRow) {
	rings, _, err := window.PlanRings([]window.Spec{s}, times)
	require.NoError(t, err)
	return rings[0], newMovingRow(rings[0].Cells(), rings[0].Words())
}
