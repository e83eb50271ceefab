package window

import (
	"cmp"
	"slices"

	"github.com/weirstream/weir/event"
)

// NextDue is the least clock after the given one at which a session closes for
// good: its end + wait_for_late. [event.Never] where there is none.
func (s *Session) NextDue(words []uint64, clock event.Time) event.Time {
	due := event.Never
	for i := range s.cells {
		c := s.cell(words, i)
		if c[2] == 0 {
			break
		}
		if at := s.end(c) + s.time.WaitForLate; c.count() > 0 && at > clock {
			due = min(due, at)
		}
	}
	return due
}

// Close emits, as final, the sessions that close for good on the clock's way: From
// < end + wait_for_late <= To. From is the clock before. As with [Ring.Close],
// nothing is written where what it would say goes without saying.
func (s *Session) Close(row Row, c Span, emit Emit) {
	words := row.Words()
	for _, i := range s.pick(words, choice{bits: sessionCount, after: c.From - s.time.WaitForLate, until: c.To - s.time.WaitForLate}) {
		before := s.cell(row.Words(), int(i))
		after := s.speak(before, speech{before: before.mark(), final: true}, emit)
		if s.time.Backfill > 0 && after != (mark{revision: 1}) {
			sessionCell(row.Write(int(i))).setMark(after)
		}
	}
}

// Provisional emits, as not final, the open sessions that took a reading since the
// last call. The clock is the device's, which does not move.
func (s *Session) Provisional(row Row, clock event.Time, emit Emit) {
	words := row.Words()
	for _, i := range s.pick(words, choice{bits: sessionTouch, after: clock - s.time.WaitForLate, until: noEnd}) {
		before := s.cell(row.Words(), int(i))
		after := s.speak(before, speech{before: before.mark()}, emit)
		c := sessionCell(row.Write(int(i)))
		c.setMark(after)
		c[2] &^= sessionTouch
		c[3] = uint64(s.end(c))
	}
}

// Recode is [Ring.Recode] for a session window.
func (s *Session) Recode(row Row, codes *[256]uint8) {
	for k := range s.cells {
		m := s.cell(row.Words(), k).mark()
		if digest := codes[m.digest]; digest != m.digest {
			sessionCell(row.Write(k)).setMark(mark{m.revision, digest})
		}
	}
}

// Flush emits every open session as final: the device is being forgotten. It
// writes nothing; the caller drops the row.
func (s *Session) Flush(row Row, clock event.Time, emit Emit) {
	words := row.Words()
	for _, i := range s.pick(words, choice{bits: sessionCount, after: clock - s.time.WaitForLate, until: noEnd}) {
		c := s.cell(row.Words(), int(i))
		s.speak(c, speech{before: c.mark(), final: true}, emit)
	}
}

// Revise emits the session of a cell, which a reading was folded into just now, as
// final where it has closed for good.
func (s *Session) Revise(row Row, cell int, clock event.Time, emit Emit) {
	words := row.Words()
	if s.openAt(words, cell, clock) > 0 {
		return
	}
	c := s.cell(words, cell)
	after := s.speak(c, speech{before: c.mark(), final: true}, emit)
	sessionCell(row.Write(cell)).setMark(after)
}

// Change gives the present value of the session of a cell, which a reading was
// folded into just now, where it is open. It is no emission: nothing is kept of it,
// and Revision is the number of its readings and of the times it was reopened, so
// that it grows with every change and is greater than what was said when it closed.
func (s *Session) Change(row Row, cell int, clock event.Time, emit Emit) {
	words := row.Words()
	if s.openAt(words, cell, clock) == 0 {
		return
	}
	c := s.cell(words, cell)
	s.result = s.resultOf(c, s.values)
	s.result.Revision = int(c.count()) + c.reopened()
	emit(&s.result)
}

// Running is the present value of the open session that ends last, false where
// none is open. Its Revision is that of the last emission, 0 before the first. The
// Values are the Session's and valid until the next call of Running.
func (s *Session) Running(words []uint64, clock event.Time) (Result, bool) {
	open := s.pick(words, choice{bits: sessionCount, after: clock - s.time.WaitForLate, until: noEnd})
	if len(open) == 0 {
		return Result{}, false
	}
	c := s.cell(words, int(open[len(open)-1]))
	r := s.resultOf(c, s.running)
	r.Revision = int(c.mark().revision)
	return r, true
}

// speak emits a session and returns what is to be kept of it.
func (s *Session) speak(c sessionCell, sp speech, emit Emit) mark {
	revision := sp.before.revision
	if revision < maxRevision {
		revision++
	}
	s.result = s.resultOf(c, s.values)
	s.result.Revision, s.result.Final = int(revision), sp.final
	return mark{revision: revision, digest: emit(&s.result)}
}

// resultOf reads a session's values off its cell.
func (s *Session) resultOf(c sessionCell, values []float64) Result {
	for k := range s.slices {
		a := &s.slices[k]
		values[k] = a.Result(c[a.from:a.to], c.count())
	}
	return Result{Start: c.start(), End: s.end(c), Count: c.count(), Values: values, Digest: c.mark().digest, Reopened: c.reopened()}
}

// choice says which sessions to pick: those that have one of the bits in word 2
// and after < end <= until.
type choice struct {
	bits         uint64
	after, until event.Time
}

// pick is the cells of sessions, in order of end. The list is valid until the next
// call.
func (s *Session) pick(words []uint64, o choice) []int32 {
	s.order = s.order[:0]
	for i := range s.cells {
		c := s.cell(words, i)
		if c[2] == 0 {
			break
		}
		if c[2]&o.bits != 0 && s.end(c) > o.after && s.end(c) <= o.until {
			s.order = append(s.order, int32(i))
		}
	}
	if len(s.order) > 1 {
		slices.SortFunc(s.order, func(a, b int32) int {
			return cmp.Compare(s.cell(words, int(a)).last(), s.cell(words, int(b)).last())
		})
	}
	return s.order
}
