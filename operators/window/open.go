package window

import "github.com/weirstream/weir/event"

// Least is the present value of the window with the least end of those that
// contain t and are open at the clock; false where there is none, or it holds no
// reading. window is an index into the ring's specs. Its Revision is that of the
// last emission, 0 before the first. The Values are the ring's and valid until the
// next call of Least or Running.
func (r *Ring) Least(words []uint64, window int, t, clock event.Time) (Result, bool) {
	w := &r.windows[window]
	end := max(w.firstEnd(t), w.firstEnd(clock-r.time.WaitForLate))
	if end > w.lastEnd(t) {
		return Result{}, false
	}
	before := r.mark(words, window, end)
	res := Result{
		Window: window, Start: w.start(end), End: end,
		Revision: int(before.revision), Digest: before.digest, Values: r.running[:len(w.slices)],
	}
	res.Count = r.compute(words, window, end, res.Values)
	return res, res.Count > 0
}

// Open is the present value of the session of a cell, false where it has closed.
// Its Revision is that of the last emission, 0 before the first. The Values are
// the Session's and valid until the next call of Open or Running.
func (s *Session) Open(words []uint64, cell int, clock event.Time) (Result, bool) {
	if s.openAt(words, cell, clock) == 0 {
		return Result{}, false
	}
	c := s.cell(words, cell)
	r := s.resultOf(c, s.running)
	r.Revision = int(c.mark().revision)
	return r, true
}
