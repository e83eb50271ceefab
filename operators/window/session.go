package window

import (
	"fmt"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// SessionSpec is a window over the readings of a metric between two pauses.
type SessionSpec struct {
	Name string
	// Gap is the length of the pause in milliseconds, at least 1.
	Gap     event.Time
	Compute []string // names of aggregates, at least one
	// Change is set where every reading is an emission (see [Session.Change]):
	// what a swallowed session said last is then its last reading's.
	Change bool
	// Parts is set where no reading is folded in, but pieces are absorbed.
	Parts bool
}

// Session keeps the sessions of a series that can still change: each from the time
// of its first reading to that of its last + gap. Readings between two of them
// join them. It holds no state of any device, only scratch: one serves every
// device of a task, from one goroutine.
//
// A session is kept while its end is after clock - wait_for_late - allow_backfill,
// and open while it is after clock - wait_for_late.
//
// Invariants, for a device whose clock is c:
//
//  1. Every kept session has a cell of its own, and a count of at least 1.
//  2. Of two kept sessions one ends at or before the start of the other. So a
//     reading joins two at most, and the time of one that does lies between them.
//  3. No session begins after c + max_future_skew.
//  4. Cells that were never used are zero and come last.
//
// From 1 to 3 follows how many cells there must be: of k sessions the first ends
// at c - wait - backfill + 1 or later, each of the others is at least a gap long,
// and the last begins by c + skew. So (k-2) gap < wait + backfill + skew where k is
// 2 or more, which gives Cells below.
type Session struct {
	name   string
	gap    event.Time
	change bool
	time   Time
	cells  int
	words  int

	slices  []slice // in the order of SessionSpec.Compute
	states  []slice // those to fold and merge
	values  []float64
	scratch []uint64
	order   []int32
	running []float64
	result  Result
}

// NewSession checks the spec and the rules of time and builds the window.
func NewSession(spec SessionSpec, t Time) (*Session, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	if spec.Gap < 1 || spec.Gap > maxSpan {
		return nil, fmt.Errorf("window %q: gap=%dms must be between 1ms and %dms", spec.Name, spec.Gap, maxSpan)
	}
	options := halfLife(float64(spec.Gap))
	options.Parts = spec.Parts
	aggs, err := aggregates(spec.Name, spec.Compute, options)
	if err != nil {
		return nil, err
	}
	cells := sessionCells(spec.Gap, t)
	if cells > maxPanes {
		return nil, fmt.Errorf("window %q: gap=%dms with wait_for_late=%dms, allow_backfill=%dms and max_future_skew=%dms takes %d sessions for each device, at most %d are allowed: use a longer gap, or shorten the others",
			spec.Name, spec.Gap, t.WaitForLate, t.Backfill, t.MaxFutureSkew, cells, maxPanes)
	}
	s := &Session{name: spec.Name, gap: spec.Gap, change: spec.Change, time: t, cells: int(cells), values: make([]float64, len(aggs)), running: make([]float64, len(aggs))}
	s.slices, s.words = lay(aggs, sessionWords)
	s.states = states(s.slices)
	s.scratch = make([]uint64, s.words)
	return s, nil
}

// sessionCells is how many sessions of one series can be kept at a time.
func sessionCells(gap event.Time, t Time) int64 {
	reach := t.WaitForLate + t.Backfill + t.MaxFutureSkew
	return int64((reach+gap-1)/gap) + 1
}

// Cells is the number of cells of a row: the sessions that can be kept.
func (s *Session) Cells() int { return s.cells }

// Words is the number of 64-bit words of a cell.
func (s *Session) Words() int { return s.words }

// Late reports whether no session can take in a reading of time t: at the given
// clock one that it would begin is gone, and none that takes it is kept.
func (s *Session) Late(words []uint64, t, clock event.Time) bool {
	return t+s.gap <= s.gone(clock) && s.takers(words, t, clock).first < 0
}

// Folded says what became of a reading.
type Folded struct {
	Cell int // where its session is
	// Opened is how many more sessions are open than before; less than 0 where
	// sessions became one.
	Opened int
	// Due is the clock at which its session closes for good, as of now;
	// [event.Never] where it has.
	Due event.Time
}

// Fold adds a reading to the sessions that take it, which become one, or begins
// one. The caller has moved the clock, closed what that made due, and refused the
// reading if it is Late or too far in the future; then it calls Revise, and Change
// where every reading is an emission.
//
// A session that ends because another swallows it is emitted if it ever was
// before: as Result.Merged, final, with its last emitted end and no values.
func (s *Session) Fold(row Row, t event.Time, v float64, clock event.Time, emit Emit) Folded {
	words := row.Words()
	taken := s.takers(words, t, clock)
	sample := aggregate.Sample{Time: t, Value: v}
	opened := 0
	switch first := taken.first; {
	case first < 0:
		first = s.begin(row, taken.free, sample)
		taken.first = first
	case t < s.cell(words, first).start():
		opened -= s.openAt(words, first, clock)
		s.swallow(s.cell(words, first), swallower{start: t, clock: clock}, emit)
		s.precede(row, first, sample)
	default:
		opened -= s.openAt(words, first, clock)
		if second := taken.second; second >= 0 {
			opened -= s.openAt(words, second, clock)
			s.swallow(s.cell(words, second), swallower{start: s.cell(words, first).start(), clock: clock}, emit)
		}
		s.join(row, taken, sample, clock)
	}
	words = row.Words()
	f := Folded{Cell: taken.first, Opened: opened + s.openAt(words, taken.first, clock), Due: event.Never}
	if end := s.end(s.cell(words, f.Cell)); end > clock-s.time.WaitForLate {
		f.Due = end + s.time.WaitForLate
	}
	return f
}

// begin makes a session of the reading and returns its cell.
func (s *Session) begin(row Row, free int, sample aggregate.Sample) int {
	if free < 0 {
		panic(fmt.Sprintf("session window %q: all %d cells hold kept sessions at a reading of time %d: %v", s.name, s.cells, sample.Time, row.Words()))
	}
	c := sessionCell(row.Write(free))
	clear(c)
	c[0], c[1] = uint64(sample.Time), uint64(sample.Time)
	c.grow(1)
	sample.First = true
	s.fold(c, sample)
	return free
}

// precede makes a session begin with an earlier reading: it is a new one, of
// which nothing has been said.
func (s *Session) precede(row Row, cell int, sample aggregate.Sample) {
	clear(s.scratch)
	sample.First = true
	s.fold(s.scratch, sample)
	c := sessionCell(row.Write(cell))
	s.merge(s.scratch, c)
	copy(c[sessionWords:], s.scratch[sessionWords:])
	c[0], c[2], c[3] = uint64(sample.Time), c.count(), 0
	c.grow(1)
}

// join adds a reading to the first of the sessions that take it, and the second
// one to that. The reading lies between the two: so all are merged in order of time.
func (s *Session) join(row Row, t taken, sample aggregate.Sample, clock event.Time) {
	c := sessionCell(row.Write(t.first))
	before := s.end(c)
	s.fold(c, sample)
	c[1] = max(c[1], uint64(sample.Time))
	c.grow(1)
	if t.second >= 0 {
		second := s.cell(row.Words(), t.second)
		s.merge(c, second)
		c[1] = second[1]
		c.grow(second.count())
	}
	s.reopen(c, before, clock)
	if t.second >= 0 {
		c = row.Write(t.second)
		clear(c)
		c[2] = sessionFree
	}
}

// reopen notes of a session that has grown and ended before until now whether it
// had closed, and is open again.
func (s *Session) reopen(c sessionCell, before, clock event.Time) {
	if before > clock-s.time.WaitForLate {
		return
	}
	if c.mark().revision == 0 {
		c.setMark(mark{revision: 1}) // it spoke when it closed, and nothing had to be kept
	}
	if s.end(c) > clock-s.time.WaitForLate {
		c[3] = uint64(before)
		c.reopen()
	}
}

// swallower is the session that another becomes part of.
type swallower struct{ start, clock event.Time }

// swallow emits the end of a session that becomes part of another.
func (s *Session) swallow(c sessionCell, by swallower, emit Emit) {
	r := Result{Start: c.start(), End: c.emitted(), Count: c.count(), Revision: int(c.mark().revision), Final: true, Merged: true, MergedInto: by.start}
	closed := s.end(c) <= by.clock-s.time.WaitForLate
	if s.change {
		r.Revision = int(c.count()) + c.reopened()
		if closed {
			r.Revision++
		}
	} else if closed {
		r.Revision = max(r.Revision, 1)
	}
	if r.Revision == 0 {
		return
	}
	if s.change || closed {
		r.End = s.end(c)
	}
	if r.Revision++; !s.change {
		r.Revision = min(r.Revision, maxRevision)
	}
	s.result = r
	emit(&s.result)
}

// taken are the cells of the sessions that take a reading, in order of time, and
// one that a new session may have; -1 where there is none.
type taken struct{ first, second, free int }

func (s *Session) takers(words []uint64, t, clock event.Time) taken {
	found := taken{first: -1, second: -1, free: -1}
	gone := s.gone(clock)
	for i := range s.cells {
		c := s.cell(words, i)
		if c.count() == 0 || s.end(c) <= gone {
			if found.free < 0 {
				found.free = i
			}
			if c[2] == 0 {
				break // the rest were never used
			}
			continue
		}
		switch {
		case t <= c.start()-s.gap || t >= s.end(c):
		case t >= c.start() && t <= c.last():
			found.first = i
			return found // within it there is no other
		case found.first < 0:
			found.first = i
		case c.start() < s.cell(words, found.first).start():
			found.first, found.second = i, found.first
			return found
		default:
			found.second = i
			return found
		}
	}
	return found
}

// fold adds a reading to the aggregates of a cell.
func (s *Session) fold(c []uint64, sample aggregate.Sample) {
	for k := range s.states {
		a := &s.states[k]
		a.Fold(c[a.from:a.to], sample)
	}
}

// merge adds the aggregates of a later session to those of an earlier one.
func (s *Session) merge(dst, src []uint64) {
	for k := range s.states {
		a := &s.states[k]
		a.Merge(dst[a.from:a.to], src[a.from:a.to], aggregate.Merge{})
	}
}

func (s *Session) cell(words []uint64, i int) sessionCell {
	from := i * s.words
	return words[from : from+s.words]
}

// end is when a session ends if no further reading comes.
func (s *Session) end(c sessionCell) event.Time { return c.last() + s.gap }

// gone is the latest end of sessions that are no longer kept.
func (s *Session) gone(clock event.Time) event.Time {
	return clock - s.time.WaitForLate - s.time.Backfill
}

// openAt is 1 where the session of a cell is open at the clock, else 0.
func (s *Session) openAt(words []uint64, cell int, clock event.Time) int {
	if s.end(s.cell(words, cell)) > clock-s.time.WaitForLate {
		return 1
	}
	return 0
}
