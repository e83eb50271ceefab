package window

import "github.com/weirstream/weir/event"

// Change gives the present value of every window that contains t and is open at
// the clock, in order of end, then window. The caller has just folded a reading
// of time t. It is no emission: nothing is kept of it, and Revision is the number
// of readings in the window, which grows with every change.
func (r *Ring) Change(row Row, t, clock event.Time, emit Emit) {
	words := row.Words()
	s := r.sweepAround(words, t, sweepOptions{bits: countMask, clock: clock, after: clock - r.time.WaitForLate, until: noEnd})
	for i, end := s.peek(); end != noEnd; i, end = s.peek() {
		w := &r.windows[i]
		count := r.compute(words, i, end, w.values)
		r.result = Result{Window: i, Start: w.start(end), End: end, Count: count, Values: w.values, Revision: int(count)}
		emit(&r.result)
		words = row.Words()
		s.step(words, i)
	}
}

// Running is the present value of the latest window that contains t, false where
// it holds no reading. window is an index into the ring's specs. Its Revision is
// that of the last emission, 0 before the first. The Values are the ring's and
// valid until the next call of Running.
func (r *Ring) Running(words []uint64, window int, t event.Time) (Result, bool) {
	w := &r.windows[window]
	end := w.lastEnd(t)
	before := r.mark(words, window, end)
	res := Result{
		Window:   window,
		Start:    w.start(end),
		End:      end,
		Revision: int(before.revision),
		Digest:   before.digest,
		Values:   r.running[:len(w.slices)],
	}
	res.Count = r.compute(words, window, end, res.Values)
	return res, res.Count > 0
}

// Opened is how many windows open at the clock hold only the reading of time t,
// which the caller has just folded: they began with it.
func (r *Ring) Opened(words []uint64, t, clock event.Time) int {
	p := r.paneOf(t)
	cell, ok := r.at(words, p)
	if !ok || cell[1]&countMask != 1 {
		return 0
	}
	opened := 0
	for i := range r.windows {
		w := &r.windows[i]
		first, last := w.firstEnd(t), w.lastEnd(t)
		// Windows that begin after the readings before this one,
		if q, ok := r.nearest(words, p, walk{step: -1, most: p - r.paneOf(w.start(first))}); ok {
			first = max(first, w.firstEnd(r.paneStart(q))+w.size)
		}
		// and end before the readings after it.
		if q, ok := r.nearest(words, p, walk{step: 1, most: r.paneOf(last) - 1 - p}); ok {
			last = min(last, w.firstEnd(r.paneStart(q))-w.every)
		}
		first = max(first, w.firstEnd(clock-r.time.WaitForLate))
		if first <= last {
			opened += int((last-first)/w.every) + 1
		}
	}
	return opened
}

// walk is a direction and how many panes to look at.
type walk struct{ step, most int64 }

// nearest is the pane with readings next to p.
func (r *Ring) nearest(words []uint64, p int64, w walk) (int64, bool) {
	for range w.most {
		p += w.step
		if cell, ok := r.at(words, p); ok && cell[1]&countMask != 0 {
			return p, true
		}
	}
	return 0, false
}
