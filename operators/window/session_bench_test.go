package window_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// sessionFleet is a session window with a still row, fed with a reading every
// second and a pause of more than the gap after every 100.
type sessionFleet struct {
	*window.Session
	row   *stillRow
	clock event.Time
	due   event.Time
	n     int
	spoke int
	emit  window.Emit
}

func newSessionFleet(tb testing.TB, gap event.Time, compute []string) *sessionFleet {
	s, err := window.NewSession(window.SessionSpec{Name: "s", Gap: gap, Compute: compute}, window.Time{WaitForLate: 30_000, MaxFutureSkew: 300_000, Backfill: 60_000})
	require.NoError(tb, err)
	f := &sessionFleet{Session: s, due: event.Never, clock: 1_700_000_000_000}
	f.row = &stillRow{words: make([]uint64, s.Cells()*s.Words()), each: s.Words()}
	f.emit = func(*window.Result) uint8 { f.spoke++; return 1 }
	return f
}

func (f *sessionFleet) reading(gap event.Time) {
	now := f.clock + 1000
	if f.n++; f.n%100 == 0 {
		now += gap
	}
	if now >= f.due {
		f.Close(f.row, window.Span{From: f.clock, To: now}, f.emit)
		f.due = f.NextDue(f.row.words, now)
	}
	if f.Late(f.row.words, now, f.clock) {
		return
	}
	folded := f.Fold(f.row, now, float64(now%100), now, f.emit)
	f.due = min(f.due, folded.Due)
	f.Revise(f.row, folded.Cell, now, f.emit)
	f.clock = now
}

func TestSessionAllocatesNothing(t *testing.T) {
	const gap = 10_000
	f := newSessionFleet(t, gap, []string{"count", "sum", "min", "max", "mean", "last"})
	late := func(by event.Time) {
		folded := f.Fold(f.row, f.clock-by, 1, f.clock, f.emit)
		f.Revise(f.row, folded.Cell, f.clock, f.emit)
		f.Change(f.row, folded.Cell, f.clock, f.emit)
	}
	merged := 0
	f.emit = func(r *window.Result) uint8 {
		if r.Merged {
			merged++
		}
		f.spoke++
		return 1
	}
	round := func() {
		for range 250 {
			f.reading(gap)
		}
		f.clock += 80_000
		f.reading(gap)
		f.Provisional(f.row, f.clock, f.emit)
		late(40_000)
		late(25_000)
		late(33_000) // between the two
		late(44_000) // before them
		f.Running(f.row.words, f.clock)
	}
	round()
	assert.Zero(t, testing.AllocsPerRun(50, round))
	assert.NotZero(t, f.spoke)
	assert.NotZero(t, merged)
}

// BenchmarkSession is the cost of a reading, a second after the one before, one in
// 100 of which begins a session. B/series is the state of a series.
func BenchmarkSession(b *testing.B) {
	for _, gap := range []event.Time{1_000, 10_000, 1_800_000} {
		for _, compute := range [][]string{{"mean"}, {"count", "sum", "min", "max", "mean", "last"}} {
			b.Run(fmt.Sprintf("window=session-%v/compute=%d", span(gap), len(compute)), func(b *testing.B) {
				f := newSessionFleet(b, gap, compute)
				for range 1000 {
					f.reading(gap)
				}
				f.spoke = 0
				b.ReportAllocs()
				for b.Loop() {
					f.reading(gap)
				}
				b.ReportMetric(float64(f.spoke)/float64(b.N), "results/op")
				b.ReportMetric(float64(8*len(f.row.words)), "B/series")
			})
		}
	}
}
