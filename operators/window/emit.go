package window

import "github.com/weirstream/weir/event"

// NextDue is the least clock after the given one at which a window that holds
// readings closes for good: its end + wait_for_late. [event.Never] where there
// is none.
func (r *Ring) NextDue(words []uint64, clock event.Time) event.Time {
	s := r.sweep(words, sweepOptions{bits: countMask, clock: clock, after: clock - r.time.WaitForLate, until: noEnd})
	_, end := s.peek()
	if end == noEnd {
		return event.Never
	}
	return end + r.time.WaitForLate
}

// Due is the least clock after the given one at which a window that contains t
// closes for good; [event.Never] where all have closed. A caller that keeps the
// least of NextDue with it after each Fold need not look at the panes again
// before that clock is reached.
func (r *Ring) Due(t, clock event.Time) event.Time {
	due := event.Never
	closed := clock - r.time.WaitForLate
	if r.days != nil {
		if end := r.days.endOf(t); end > closed {
			due = end + r.time.WaitForLate
		}
		return due
	}
	for i := range r.windows {
		w := &r.windows[i]
		if w.evenLastEnd(t) > closed {
			due = min(due, max(w.evenFirstEnd(t), w.evenFirstEnd(closed))+r.time.WaitForLate)
		}
	}
	return due
}

// Close emits, as final, the windows holding readings that close for good on the
// clock's way: From < end + wait_for_late <= To. From is the clock before.
//
// Closing follows from the clock, so it writes nothing for a window that was
// never emitted before. Where windows can be revised it keeps revision and
// digest, unless they are 1 and 0, which go without saying.
func (r *Ring) Close(row Row, c Span, emit Emit) {
	words := row.Words()
	s := r.sweep(words, sweepOptions{
		bits:  countMask,
		clock: c.To,
		after: c.From - r.time.WaitForLate,
		until: c.To - r.time.WaitForLate,
	})
	for i, end := s.peek(); end != noEnd; i, end = s.peek() {
		before := r.mark(words, i, end)
		after := r.speak(words, i, end, speech{before: before, final: true}, emit)
		if r.time.Backfill > 0 && after != (mark{revision: 1}) {
			r.keep(row, i, end, after)
		}
		words = row.Words()
		s.step(words, i)
	}
}

// Provisional emits, as not final, the open windows that hold a reading folded
// since they were last emitted. The clock is the device's, which does not move.
func (r *Ring) Provisional(row Row, clock event.Time, emit Emit) {
	words := row.Words()
	s := r.sweep(words, sweepOptions{bits: touchedBit, clock: clock, after: clock - r.time.WaitForLate, until: noEnd})
	first := s.last + 1
	for i := range r.windows {
		if s.next[i].end != noEnd {
			first = min(first, s.next[i].pane)
		}
	}
	for i, end := s.peek(); end != noEnd; i, end = s.peek() {
		after := r.speak(words, i, end, speech{before: r.mark(words, i, end)}, emit)
		r.keep(row, i, end, after)
		words = row.Words()
		s.step(words, i)
	}
	for p := first; p <= s.last; p++ {
		if cell, ok := r.at(words, p); ok && cell[1]&touchedBit != 0 {
			row.Write(r.cell(p))[1] &^= touchedBit
			words = row.Words()
		}
	}
}

// Flush emits every open window that holds readings, as final: the device is
// being forgotten. It writes nothing; the caller drops the row.
func (r *Ring) Flush(row Row, clock event.Time, emit Emit) {
	words := row.Words()
	s := r.sweep(words, sweepOptions{bits: countMask, clock: clock, after: clock - r.time.WaitForLate, until: noEnd})
	for i, end := s.peek(); end != noEnd; i, end = s.peek() {
		r.speak(words, i, end, speech{before: r.mark(words, i, end), final: true}, emit)
		words = row.Words()
		s.step(words, i)
	}
}

// Revise emits again, as final, the windows that contain t, have closed for good
// and can still be revised. The caller has just folded a reading of time t. A
// window that had closed without a reading is emitted for the first time.
func (r *Ring) Revise(row Row, t, clock event.Time, emit Emit) {
	r.revise(row, addition{t, 1}, clock, emit)
}

func (r *Ring) revise(row Row, added addition, clock event.Time, emit Emit) {
	if r.time.Backfill == 0 {
		return
	}
	words := row.Words()
	s := r.sweepAround(words, added.at, sweepOptions{
		bits:  countMask,
		clock: clock,
		after: clock - r.time.WaitForLate - r.time.Backfill,
		until: clock - r.time.WaitForLate,
	})
	for i, end := s.peek(); end != noEnd; i, end = s.peek() {
		before := r.mark(words, i, end)
		if before.revision == 0 && r.count(words, i, end) > added.n {
			before.revision = 1 // it spoke when it closed, and nothing had to be kept
		}
		after := r.speak(words, i, end, speech{before: before, final: true}, emit)
		if after != (mark{revision: 1}) {
			r.keep(row, i, end, after)
		}
		words = row.Words()
		s.step(words, i)
	}
}

// speech is what goes with an emission.
type speech struct {
	before mark
	final  bool
}

// speak emits a window that holds readings and returns what is to be kept of it.
func (r *Ring) speak(words []uint64, window int, end event.Time, sp speech, emit Emit) mark {
	w := &r.windows[window]
	revision := sp.before.revision
	if revision < maxRevision {
		revision++
	}
	r.result = Result{
		Window:   window,
		Start:    w.start(end),
		End:      end,
		Count:    r.compute(words, window, end, w.values),
		Values:   w.values,
		Revision: int(revision),
		Final:    sp.final,
		Digest:   sp.before.digest,
	}
	return mark{revision: revision, digest: emit(&r.result)}
}

// mark is what was kept of a window's last emission.
func (r *Ring) mark(words []uint64, window int, end event.Time) mark {
	cell, ok := r.at(words, r.firstPane(window, end))
	if !ok {
		return mark{}
	}
	return loadMark(cell, window)
}

// keep writes what is kept of a window's last emission.
func (r *Ring) keep(row Row, window int, end event.Time, m mark) {
	p := r.firstPane(window, end)
	cell := row.Write(r.cell(p))
	claim(cell, p)
	storeMark(cell, window, m)
}

func (r *Ring) firstPane(window int, end event.Time) int64 {
	return r.paneOf(r.windows[window].start(end))
}
