package window_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// kind is a shape of windows on one metric, under the name its figures go by.
type kind struct {
	name  string
	specs []window.Spec
}

// kinds are the windows whose cost is watched, in an order that stays.
func kinds(tb testing.TB) []kind {
	const minute = 60_000
	berlin := zone(tb, "Europe/Berlin")
	all := []string{"count", "sum", "min", "max", "mean", "last"}
	return []kind{
		{"window=tumbling-1m/compute=mean", []window.Spec{{Name: "w", Size: minute, Every: minute, Compute: []string{"mean"}}}},
		{"window=tumbling-1m/compute=all", []window.Spec{{Name: "w", Size: minute, Every: minute, Compute: all}}},
		{"window=hopping-5m-1m/compute=mean,max", []window.Spec{{Name: "w", Size: 5 * minute, Every: minute, Compute: []string{"mean", "max"}}}},
		{"window=three-in-a-ring/compute=mean", []window.Spec{{Name: "a", Size: 5 * minute, Every: minute, Compute: []string{"mean"}}, {Name: "b", Size: minute, Every: minute, Compute: []string{"mean"}}, {Name: "c", Size: 4 * minute, Every: minute, Compute: []string{"mean"}}}},
		{"window=hopping-5m-1m/compute=p50,p95,p99", []window.Spec{{Name: "w", Size: 5 * minute, Every: minute, Compute: []string{"p50", "p95", "p99"}}}},
		{"window=hopping-60m-10s/compute=mean,max", manyPanes()},
		{"window=tumbling-1m-offset/compute=mean", []window.Spec{{Name: "w", Size: minute, Every: minute, Offset: 17_000, Compute: []string{"mean"}}}},
		{"window=day/compute=mean", []window.Spec{{Name: "w", Size: dayMs, Every: dayMs, Location: berlin, Compute: []string{"mean"}}}},
	}
}

// manyPanes is a window that is open 360 times at any moment.
func manyPanes() []window.Spec {
	return []window.Spec{{Name: "w", Size: 3_600_000, Every: 10_000, Compute: []string{"mean", "max"}}}
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

// fill has the device speak until every pane of its windows holds readings, for
// a window costs what its panes do.
func (f *fleet) fill() {
	for range 7200 {
		f.reading()
	}
	f.spoke = 0
}

func TestRingAllocatesNothing(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			f := newFleet(t, k.specs)
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

func TestRollingAllocatesNothing(t *testing.T) {
	r := newRolling(t, window.RollingSpec{Name: "r", Size: 50_000, Resolution: 1000, Compute: []string{"mean", "max"}})
	row, at := &stillRow{words: make([]uint64, r.Cells()*r.Words()), each: r.Words()}, event.Time(0)
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		at += 400
		r.Insert(row, at, 1)
		r.Insert(row, at-2500, 1)
		r.Result(row.Words())
	}))
}

func newCount(tb testing.TB, n int) *window.Count {
	c, err := window.NewCount(window.CountSpec{Name: "c", N: n, Compute: []string{"mean"}})
	require.NoError(tb, err)
	return c
}

// BenchmarkRing is the cost of a reading, a second after the one before, with
// what is emitted because of it: the windows that close, or all that hold the
// reading as well. B/series is the state of a series.
func BenchmarkRing(b *testing.B) {
	for _, k := range kinds(b) {
		for _, on := range []string{"close", "change"} {
			b.Run(k.name+"/emit="+on, func(b *testing.B) {
				f := newFleet(b, k.specs)
				f.fill()
				b.ReportAllocs()
				for b.Loop() {
					f.reading()
					if on == "change" {
						f.ring.Change(f.row, f.clock, f.clock, f.emit)
					}
				}
				b.ReportMetric(float64(f.spoke)/float64(b.N), "results/op")
				b.ReportMetric(float64(8*len(f.row.words)), "B/series")
			})
		}
	}
}

// BenchmarkCount is the cost of a reading, evaluation included: a count window
// speaks at every reading. One in four is late in the second run of each, and
// pushes newer ones aside.
func BenchmarkCount(b *testing.B) {
	for _, n := range []int{10, 100} {
		for _, late := range []string{"none", "quarter"} {
			b.Run(fmt.Sprintf("window=count-%d/compute=mean/late=%s", n, late), func(b *testing.B) {
				c, at := newCount(b, n), event.Time(0)
				row := &stillRow{words: make([]uint64, c.Cells()*c.Words()), each: c.Words()}
				b.ReportAllocs()
				for b.Loop() {
					at += 1000
					t := at
					if late == "quarter" && at%4000 == 0 {
						t -= 2500
					}
					c.Insert(row, t, 1)
					c.Result(row.Words())
				}
				b.ReportMetric(float64(8*len(row.words)), "B/series")
			})
		}
	}
}

// BenchmarkRolling is the cost of a reading, evaluation included. There are so many to a pane; with one or less each begins a pane, and the merge
// is worked out anew. One in four is late in the second run of each.
func BenchmarkRolling(b *testing.B) {
	for _, panes := range []event.Time{50, 1000} {
		for _, perPane := range []event.Time{20, 1} {
			for _, late := range []string{"none", "quarter"} {
				b.Run(fmt.Sprintf("window=rolling-%d/compute=mean/perpane=%d/late=%s", panes, perPane, late), func(b *testing.B) {
					r, at := newRolling(b, window.RollingSpec{Name: "r", Size: panes * perPane * 1000, Resolution: perPane * 1000, Compute: []string{"mean"}}), event.Time(0)
					row := &stillRow{words: make([]uint64, r.Cells()*r.Words()), each: r.Words()}
					b.ReportAllocs()
					for b.Loop() {
						at += 1000
						t := at
						if late == "quarter" && at%4000 == 0 {
							t -= perPane*1000 + 500
						}
						r.Insert(row, t, 1)
						r.Result(row.Words())
					}
					b.ReportMetric(float64(8*len(row.words)), "B/series")
				})
			}
		}
	}
}

// BenchmarkLongSilence is a device back after a year with all its windows to
// close, in one call.
func BenchmarkLongSilence(b *testing.B) {
	const year = 31_536_000_000
	f := newFleet(b, manyPanes())
	f.fill()
	before := slices.Clone(f.row.words)
	b.ReportAllocs()
	for b.Loop() {
		copy(f.row.words, before)
		f.ring.Close(f.row, window.Span{From: f.clock, To: f.clock + year}, f.emit)
	}
	b.ReportMetric(float64(f.spoke)/float64(b.N), "results/op")
}
