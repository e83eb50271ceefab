package window

import (
	"fmt"
	"math"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// maxPanes bounds the panes of a ring, and so the state of one series.
const maxPanes = 20_000

// Ring is the panes that up to three windows of one metric share. It holds no
// state of any device, only scratch: one ring serves every device of a task, from
// one goroutine.
//
// Invariants, for a device whose clock is c:
//
//  1. Pane p is in cell p modulo Cells, or nowhere.
//  2. Every pane with readings of a window that can still speak at c, or be
//     revised, lies in Cells consecutive panes: none displaces another.
//  3. A pane is never displaced by an older one.
type Ring struct {
	windows []ringWindow
	folds   []slice // every state of any window, once
	time    Time
	days    *days      // the panes are days; nil: they are all of one length
	pane    event.Time // length of a pane
	phase   event.Time // panes begin at phase + k pane
	byPane  divisor
	cells   int64
	byCells divisor
	words   int

	scratch []uint64 // aggregates' words of a window being merged
	told    []uint64 // of a pane, as Told has them; nil: as they are
	result  Result
	running []float64
}

type ringWindow struct {
	days        *days // the window is a day; nil: size, every and offset say
	size, every event.Time
	offset      event.Time
	byEvery     divisor
	slices      []slice // in the order of Spec.Compute
	states      []slice // the words they share, once
	values      []float64
}

// slice is the words of a pane that belong to an aggregate.
type slice struct {
	aggregate.Aggregate
	from, to int
}

// newRing builds the ring of specs, which have been validated and can share one.
func newRing(specs []Spec, t Time) (*Ring, error) {
	r := &Ring{time: t, words: paneWords, phase: specs[0].Offset}
	var size event.Time
	for _, s := range specs {
		r.pane = gcd(gcd(r.pane, gcd(s.Every, s.Size)), max(s.Offset-r.phase, r.phase-s.Offset))
		size = max(size, s.Size)
	}
	// At clock c the oldest window that can still be revised begins after
	// c - wait - backfill - size, on a pane's edge; the newest reading lies at
	// most at c + skew.
	r.cells = int64((size+t.WaitForLate+t.Backfill+t.MaxFutureSkew-1)/r.pane) + 1
	if zone := specs[0].Location; zone != nil {
		r.days = &days{zone: zone, begin: specs[0].Offset}
		// So many dates can pass from the one to the other, both counted.
		r.cells = int64((t.WaitForLate+t.Backfill+t.MaxFutureSkew+widest)/dayMs) + 2
	}
	if r.cells > maxPanes {
		return nil, fmt.Errorf("window %q: size=%dms with wait_for_late=%dms, allow_backfill=%dms and max_future_skew=%dms takes %d panes of every=%dms for each device, at most %d are allowed: use a larger every, or shorten the others",
			specs[0].Name, size, t.WaitForLate, t.Backfill, t.MaxFutureSkew, r.cells, r.pane, maxPanes)
	}
	r.byPane, r.byCells = newDivisor(r.pane), newDivisor(event.Time(r.cells))
	if specs[0].Times {
		r.place(times{})
	}
	for _, s := range specs {
		w := ringWindow{days: r.days, size: s.Size, every: s.Every, offset: s.Offset, byEvery: newDivisor(s.Every), values: make([]float64, len(s.Compute))}
		aggs, err := aggregates(s.Name, s.Compute, s.halfLife())
		if err != nil {
			return nil, err
		}
		for _, a := range aggs {
			w.slices = append(w.slices, r.place(a))
		}
		w.states = states(w.slices)
		if len(r.running) < len(w.values) {
			r.running = make([]float64, len(w.values))
		}
		r.windows = append(r.windows, w)
	}
	r.scratch = make([]uint64, r.words)
	r.tellParts(specs[0])
	return r, nil
}

// place finds the words of an aggregate's state in the pane, or adds them.
func (r *Ring) place(a aggregate.Aggregate) slice {
	if s, shared := share(r.folds, a); shared {
		return s
	}
	s := slice{Aggregate: a, from: r.words, to: r.words + a.Words()}
	r.words = s.to
	r.folds = append(r.folds, s)
	return s
}

// Cells is the number of panes: the cells of a row.
func (r *Ring) Cells() int { return int(r.cells) }

// Words is the number of 64-bit words of a pane.
func (r *Ring) Words() int { return r.words }

// Late reports whether nothing can take in a reading of time t: at the given
// clock every window that contains t has closed for good, and can be revised no
// more.
func (r *Ring) Late(t, clock event.Time) bool {
	gone := clock - r.time.WaitForLate - r.time.Backfill
	if t > gone { // and so is the end of every window that contains it
		return false
	}
	if r.days != nil {
		return r.days.endOf(t) <= gone
	}
	for i := range r.windows {
		if r.windows[i].evenLastEnd(t) > gone {
			return false
		}
	}
	return true
}

// Fold adds a reading to its pane. The caller has moved the clock, closed what
// that made due, and refused the reading if it is Late or too far in the future;
// a reading that would displace a newer pane shows that it has not, and panics.
//
// It reports whether its pane held no reading before. Where it did, every window that contains t has been accounted for: neither Due nor Opened
// has anything to add.
func (r *Ring) Fold(row Row, t event.Time, v float64) (fresh bool) {
	p := r.byPane.floor(t - r.phase)
	if r.days != nil {
		p = r.days.of(t)
	}
	cell := row.Write(r.cell(p))
	claim(cell, p)
	count := cell[1] & countMask
	s := aggregate.Sample{Time: t, Value: v, First: count == 0}
	if count < countMask {
		cell[1]++
	}
	cell[1] |= touchedBit
	for i := range r.folds {
		f := &r.folds[i]
		if f.from < f.to {
			f.Fold(cell[f.from:f.to], s)
		}
	}
	return s.First
}

// CellOf is the cell of the pane that a reading of time t falls into.
func (r *Ring) CellOf(t event.Time) int {
	if r.days != nil {
		return r.cell(r.days.of(t))
	}
	return r.cell(r.byPane.floor(t - r.phase))
}

// cell is where pane p is kept.
func (r *Ring) cell(p int64) int {
	p += paneBias
	return int(p - r.byCells.floor(event.Time(p))*r.cells)
}

// Recode gives what is kept of each window's last emission another meaning: codes has,
// by window, what is to be in place of each digest, or nil where all stay as they are.
func (r *Ring) Recode(row Row, codes []*[256]uint8) {
	for k := range int(r.cells) {
		for i := range r.windows {
			if codes[i] == nil {
				continue
			}
			m := loadMark(row.Words()[k*r.words:], i)
			if digest := codes[i][m.digest]; digest != m.digest {
				storeMark(row.Write(k), i, mark{m.revision, digest})
			}
		}
	}
}

// at is the cell of pane p, and whether it holds that pane.
func (r *Ring) at(words []uint64, p int64) ([]uint64, bool) {
	from := r.cell(p) * r.words
	cell := words[from : from+r.words]
	return cell, paneNumber(cell) == p
}

// What follows asks whether panes and windows are days, which is too much to be inlined. What runs at every reading asks
// once, and then takes what is called even: so a reading of other windows pays no more than one comparison for days.

// paneOf is the pane that contains t.
func (r *Ring) paneOf(t event.Time) int64 {
	if r.days != nil {
		return r.days.of(t)
	}
	return r.byPane.floor(t - r.phase)
}

// paneStart is the first moment of pane p.
func (r *Ring) paneStart(p int64) event.Time {
	if r.days != nil {
		return r.days.starts(p)
	}
	return event.Time(p)*r.pane + r.phase
}

// firstEnd is the earliest end of a window that contains t.
func (w *ringWindow) firstEnd(t event.Time) event.Time {
	if w.days != nil {
		return w.days.endOf(t)
	}
	return w.evenFirstEnd(t)
}

func (w *ringWindow) evenFirstEnd(t event.Time) event.Time {
	return (event.Time(w.byEvery.floor(t-w.offset))+1)*w.every + w.offset
}

// lastEnd is the latest end of a window that contains t.
func (w *ringWindow) lastEnd(t event.Time) event.Time {
	if w.days != nil {
		return w.days.endOf(t)
	}
	return w.evenLastEnd(t)
}

func (w *ringWindow) evenLastEnd(t event.Time) event.Time {
	return event.Time(w.byEvery.floor(t-w.offset))*w.every + w.offset + w.size
}

// start is the start of the window that ends at end.
func (w *ringWindow) start(end event.Time) event.Time {
	if w.days != nil {
		return w.days.startOf(end)
	}
	return end - w.size
}

// after is the end of the window behind the one that ends at end.
func (w *ringWindow) after(end event.Time) event.Time {
	if w.days != nil {
		return w.days.endOf(end)
	}
	return end + w.every
}

func gcd(a, b event.Time) event.Time {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// noEnd is later than every window's end.
const noEnd = event.Time(math.MaxInt64)
