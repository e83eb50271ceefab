package window_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

func TestSessionSpecs(t *testing.T) {
	good := window.SessionSpec{Name: "s", Gap: 10, Compute: []string{"mean"}}
	for _, c := range []struct {
		name string
		spec func(*window.SessionSpec, *window.Time)
		want string
	}{
		{"no gap", func(s *window.SessionSpec, _ *window.Time) { s.Gap = 0 }, `window "s": gap=0ms must be between 1ms and 4398046511104ms`},
		{"no result", func(s *window.SessionSpec, _ *window.Time) { s.Compute = nil }, `window "s": compute is empty: name at least one aggregate`},
		{"wait", func(_ *window.SessionSpec, t *window.Time) { t.WaitForLate = -1 }, `wait_for_late=-1ms must be between 0ms and 4398046511104ms`},
		{"cells", func(_ *window.SessionSpec, t *window.Time) {
			t.WaitForLate, t.Backfill, t.MaxFutureSkew = 50_000, 100_000, 50_000
		},
			`window "s": gap=10ms with wait_for_late=50000ms, allow_backfill=100000ms and max_future_skew=50000ms takes 20001 sessions for each device, at most 20000 are allowed: use a longer gap, or shorten the others`},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, times := good, window.Time{}
			c.spec(&spec, &times)
			_, err := window.NewSession(spec, times)
			assert.EqualError(t, err, c.want)
		})
	}
}

// As many sessions as there are cells can be kept: no fewer would do.
func TestSessionsFillTheirCells(t *testing.T) {
	for _, times := range []window.Time{
		{}, {WaitForLate: 1}, {WaitForLate: 10}, {WaitForLate: 11}, {MaxFutureSkew: 9, WaitForLate: 1}, {Backfill: 20, WaitForLate: 5, MaxFutureSkew: 6},
	} {
		const gap, clock = 10, event.Time(1000)
		d, err := newSessionDevice(window.SessionSpec{Name: "s", Gap: gap, Compute: []string{"count"}}, times)
		require.NoError(t, err)
		d.clock = clock
		at := clock - times.WaitForLate - times.Backfill - gap + 1
		kept := 0
		for ; at <= clock+times.MaxFutureSkew; at += gap {
			// Later ones than now move no clock past the append time.
			_, ok := d.reading(operators.Arrival{Event: at, Append: clock}, 1)
			require.True(t, ok)
			kept++
		}
		require.Equal(t, d.Cells(), kept, "%+v", times)
		require.NoError(t, d.Check(d.row.words, d.clock))
	}
}

// A caller that lets readings in which it should have refused is told.
func TestSessionPanicsWithoutRoom(t *testing.T) {
	s, err := window.NewSession(window.SessionSpec{Name: "s", Gap: 10, Compute: []string{"count"}}, window.Time{})
	require.NoError(t, err)
	row := newMovingRow(s.Cells(), s.Words())
	s.Fold(row, 100, 1, 100, nil)
	assert.PanicsWithValue(t, `session window "s": all 1 cells hold kept sessions at a reading of time 200: [100 100 72057594037927937 0]`, func() {
		s.Fold(row, 200, 1, 100, nil)
	})
}
