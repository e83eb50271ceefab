package window_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// one is the ring of a single window.
func one(t require.TestingT, s window.Spec, times window.Time) *window.Ring {
	rings, _, err := window.PlanRings([]window.Spec{s}, times)
	require.NoError(t, err)
	return rings[0]
}

// Readings of several devices, gathered in panes of their own, drained whenever
// and absorbed in any order of devices, are the window that folds them itself.
func TestAbsorbedPartialsAreTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size, every := event.Time(60), event.Time(rapid.SampledFrom([]int{60, 20, 10}).Draw(t, "every"))
		compute := []string{"count", "sum", "min", "max", "mean"}
		times := window.Time{MaxFutureSkew: 200}
		direct := one(t, window.Spec{Name: "w", Size: size, Every: every, Compute: compute}, times)
		group := one(t, window.Spec{Name: "w", Size: size, Every: every, Compute: compute}, times)
		pane := one(t, window.Spec{Name: "w", Size: every, Every: every, Compute: compute}, times)
		require.Equal(t, group.PartialWords(), pane.PartialWords())

		want, got := newMovingRow(direct.Cells(), direct.Words()), newMovingRow(group.Cells(), group.Words())
		var devices []*movingRow
		for range 3 {
			devices = append(devices, newMovingRow(pane.Cells(), pane.Words()))
		}
		openedWant, openedGot := 0, 0
		move := func(d int, before event.Time) {
			last := event.Time(-1)
			pane.Drain(devices[d], before, func(p window.Partial) {
				require.Less(t, last, p.Start, "oldest first")
				require.Less(t, p.Start, before)
				require.Equal(t, every, p.End-p.Start)
				last = p.Start
				fresh, opened := group.Absorb(got, p, 1000)
				require.False(t, !fresh && opened > 0)
				openedGot += opened
			})
			start, _ := pane.Held(devices[d].Words(), -1)
			require.GreaterOrEqual(t, start, before)
		}
		for range rapid.IntRange(1, 40).Draw(t, "readings") {
			d := rapid.IntRange(0, 2).Draw(t, "device")
			at, v := event.Time(rapid.IntRange(1000, 1199).Draw(t, "at")), float64(rapid.IntRange(-9, 9).Draw(t, "value"))
			if direct.Fold(want, at, v) {
				openedWant += direct.Opened(want.Words(), at, 1000)
			}
			pane.Fold(devices[d], at, v)
			if rapid.Bool().Draw(t, "drain") {
				move(d, event.Time(rapid.IntRange(1000, 1220).Draw(t, "before")))
			}
		}
		for d := range devices {
			move(d, event.Never)
			_, end := pane.Held(devices[d].Words(), -1)
			require.Equal(t, event.Never, end)
		}
		require.Equal(t, openedWant, openedGot)
		say := func(said *[]string) window.Emit {
			return func(r *window.Result) uint8 {
				*said = append(*said, fmt.Sprint(r.Start, r.End, r.Count, r.Values, r.Revision, r.Final))
				return 0
			}
		}
		var wanted, have []string
		direct.Close(want, window.Span{From: 1000, To: 1300}, say(&wanted))
		group.Close(got, window.Span{From: 1000, To: 1300}, say(&have))
		require.Equal(t, wanted, have)
		require.Len(t, have, openedGot)
	})
}

// What comes when the window has closed without it is a revision, and of
// a window that had closed without any reading the first one.
func TestRevisionsOfPartials(t *testing.T) {
	times := window.Time{Backfill: 500}
	group := one(t, window.Spec{Name: "w", Size: 100, Every: 100, Compute: []string{"sum"}}, times)
	row := newMovingRow(group.Cells(), group.Words())
	device := newMovingRow(group.Cells(), group.Words())
	var said []string
	emit := func(r *window.Result) uint8 {
		said = append(said, fmt.Sprint(r.Start, " ", r.Count, " ", r.Values, " rev ", r.Revision, " ", r.Final))
		return 0
	}
	late := func(at event.Time, values ...float64) {
		for _, v := range values {
			group.Fold(device, at, v)
		}
		group.Drain(device, event.Never, func(p window.Partial) {
			group.Absorb(row, p, 1300)
			group.ReviseWith(row, p, 1300, emit)
		})
	}
	late(1010, 1, 2, 3)
	late(1020, 4, 5)
	late(1110, 6, 7)
	require.Equal(t, []string{"1000 3 [6] rev 1 true", "1000 5 [15] rev 2 true", "1100 2 [13] rev 1 true"}, said)
}

// A row holds one chunk of panes without a clash, wherever the clock is.
func TestChunkFitsARow(t *testing.T) {
	r := one(t, window.Spec{Name: "w", Size: 100, Every: 20, Compute: []string{"count"}}, window.Time{MaxFutureSkew: 77})
	row := newMovingRow(r.Cells(), r.Words())
	first := event.Time(1_000_000)
	chunk, panes := r.Chunk(first), 0
	for at := first - event.Time(r.Cells())*20; at < first+event.Time(r.Cells())*20; at += 20 {
		if r.Chunk(at) == chunk {
			require.True(t, r.Fold(row, at, 1))
			panes++
		}
	}
	require.Equal(t, r.Cells(), panes)
	drained := 0
	r.Drain(row, event.Never, func(window.Partial) { drained++ })
	require.Equal(t, panes, drained)
}
