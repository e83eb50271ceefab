package window_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// kinds are the windows whose cost is watched: a reading every second.
func kinds() map[string][]window.Spec {
	const minute = 60_000
	all := []string{"count", "sum", "min", "max", "mean", "last"}
	return map[string][]window.Spec{
		"tumbling 1m mean":        {{Name: "w", Size: minute, Every: minute, Compute: []string{"mean"}}},
		"tumbling 1m all":         {{Name: "w", Size: minute, Every: minute, Compute: all}},
		"hopping 5m every 1m":     {{Name: "w", Size: 5 * minute, Every: minute, Compute: []string{"mean", "max"}}},
		"hopping 60m every 10s":   {{Name: "w", Size: 60 * minute, Every: minute / 6, Compute: []string{"mean", "max"}}},
		"three windows in a ring": {{Name: "a", Size: 5 * minute, Every: minute, Compute: []string{"mean"}}, {Name: "b", Size: minute, Every: minute, Compute: []string{"mean"}}, {Name: "c", Size: 4 * minute, Every: minute, Compute: []string{"mean"}}},
	}
}

// fleet is a ring with a still row, fed with a reading every second.
type fleet struct {
	ring  *window.Ring
	row   *stillRow
	clock event.Time
	due   event.Time
	spoke int
	emit  window.Emit
}

func newFleet(tb testing.TB, specs []window.Spec) *fleet {
	rings, _, err := window.PlanRings(specs, window.Time{WaitForLate: 30_000, MaxFutureSkew: 300_000})
	require.NoError(tb, err)
	require.Len(tb, rings, 1)
	f := &fleet{ring: rings[0], due: event.Never, clock: 1_700_000_000_000}
	f.row = &stillRow{words: make([]uint64, f.ring.Cells()*f.ring.Words()), each: f.ring.Words()}
	f.emit = func(*window.Result) uint8 { f.spoke++; return 1 }
	return f
}

func (f *fleet) reading() {
	now := f.clock + 1000
	if now >= f.due {
		f.ring.Close(f.row, window.Span{From: f.clock, To: now}, f.emit)
		f.due = f.ring.NextDue(f.row.Words(), now)
	}
	f.ring.Fold(f.row, now, float64(now%100))
	f.due = min(f.due, f.ring.Due(now, now))
	f.clock = now
}

func TestRingAllocatesNothing(t *testing.T) {
	for name, specs := range kinds() {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, specs)
			assert.Zero(t, testing.AllocsPerRun(1000, func() {
				f.reading()
				f.ring.Provisional(f.row, f.clock, f.emit)
				f.ring.Revise(f.row, f.clock, f.clock, f.emit)
				f.ring.Change(f.row, f.clock, f.clock, f.emit)
				f.ring.Opened(f.row.Words(), f.clock, f.clock)
				f.ring.Running(f.row.Words(), 0, f.clock)
			}))
			assert.NotZero(t, f.spoke)
		})
	}
}

func TestCountAllocatesNothing(t *testing.T) {
	c, row, at := newCount(t, 10), (*stillRow)(nil), event.Time(0)
	row = &stillRow{words: make([]uint64, c.Cells()*c.Words()), each: c.Words()}
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		at += 1000
		c.Insert(row, at, 1)
		c.Insert(row, at-2500, 1)
		c.Result(row.Words())
	}))
}

func newCount(tb testing.TB, n int) *window.Count {
	c, err := window.NewCount(window.CountSpec{Name: "c", N: n, Compute: []string{"mean"}})
	require.NoError(tb, err)
	return c
}

// BenchmarkRing is the cost of a reading, closing included.
func BenchmarkRing(b *testing.B) {
	for name, specs := range kinds() {
		b.Run(name, func(b *testing.B) {
			f := newFleet(b, specs)
			b.ReportAllocs()
			for b.Loop() {
				f.reading()
			}
			b.ReportMetric(float64(f.spoke)/float64(b.N), "windows/op")
		})
	}
}

// BenchmarkCount is the cost of a reading, evaluation included.
func BenchmarkCount(b *testing.B) {
	for _, n := range []int{10, 100} {
		b.Run(map[int]string{10: "last 10", 100: "last 100"}[n], func(b *testing.B) {
			c, at := newCount(b, n), event.Time(0)
			row := &stillRow{words: make([]uint64, c.Cells()*c.Words()), each: c.Words()}
			b.ReportAllocs()
			for b.Loop() {
				at += 1000
				c.Insert(row, at, 1)
				c.Result(row.Words())
			}
		})
	}
}

// BenchmarkLongSilence is a device back after a year with all windows to close.
func BenchmarkLongSilence(b *testing.B) {
	f := newFleet(b, kinds()["hopping 60m every 10s"])
	b.ReportAllocs()
	for b.Loop() {
		for range 3600 {
			f.reading()
		}
		f.ring.Close(f.row, window.Span{From: f.clock, To: f.clock + 31_536_000_000}, f.emit)
		f.clock += 31_536_000_000
		f.due = event.Never
	}
}
