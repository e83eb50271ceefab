package window

import (
	"fmt"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// Piece is readings that belong to one session, whatever others there are: none is
// a gap or more after another. A session window over several devices is put
// together from pieces, for which its Spec has Parts set.
type Piece struct {
	First, Last event.Time // of its readings, less than a gap apart
	Count       uint64
	// Words are those of the aggregates in the order of SessionSpec.Compute.
	Words []uint64
}

// Piece is what a pane holds, of a ring whose Spec has Times set.
func (p Partial) Piece() Piece {
	return Piece{First: event.Time(p.Words[0]), Last: event.Time(p.Words[1]), Count: p.Count, Words: p.Words[timesWords:]}
}

// Whole reports whether First and Last can be what they are said to be of a
// partial of that pane.
func (p Partial) Whole() bool {
	piece := p.Piece()
	return p.Start <= piece.First && piece.First <= piece.Last && piece.Last < p.End
}

// LatePiece reports whether no session can take in a piece: at the given clock one
// that it would begin is gone, and none that takes it is kept. No words are those
// of a series of which nothing is known.
func (s *Session) LatePiece(words []uint64, p Piece, clock event.Time) bool {
	if p.Last+s.gap > s.gone(clock) {
		return false
	}
	return len(words) == 0 || s.pieceTakers(words, p, clock).n == 0
}

// Absorb is Fold for a piece. All sessions that take it become one with it: those
// that begin less than a gap after its last reading and end after its first.
func (s *Session) Absorb(row Row, p Piece, clock event.Time, emit Emit) Folded {
	words := row.Words()
	taken := s.pieceTakers(words, p, clock)
	opened := 0
	for _, i := range taken.all() {
		opened -= s.openAt(words, i, clock)
	}
	first := taken.free
	switch {
	case taken.n == 0:
		s.beginPiece(row, first, p)
	case p.First < s.cell(words, taken.cells[0]).start():
		first = taken.cells[0]
		s.swallowAll(row, taken.all(), swallower{start: p.First, clock: clock}, emit)
		s.precedePiece(row, taken, p)
	default:
		first = taken.cells[0]
		s.swallowAll(row, taken.all()[1:], swallower{start: s.cell(words, first).start(), clock: clock}, emit)
		s.joinPiece(row, taken, p, clock)
	}
	words = row.Words()
	f := Folded{Cell: first, Opened: opened + s.openAt(words, first, clock), Due: event.Never}
	if end := s.end(s.cell(words, f.Cell)); end > clock-s.time.WaitForLate {
		f.Due = end + s.time.WaitForLate
	}
	return f
}

// mostTakers is how many sessions can take one piece: all but the first and the
// last lie within it, each a gap long, and begin more than that before it ends.
const mostTakers = 3

// piecesTaken are the cells of the sessions that take a piece, in order of time,
// and one that a new session may have; -1 where there is none.
type piecesTaken struct {
	cells [mostTakers]int
	n     int
	free  int
}

func (t *piecesTaken) all() []int { return t.cells[:t.n] }

func (s *Session) pieceTakers(words []uint64, p Piece, clock event.Time) piecesTaken {
	found := piecesTaken{free: -1}
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
		if c.start()-s.gap >= p.Last || s.end(c) <= p.First {
			continue
		}
		if found.n == mostTakers {
			panic(fmt.Sprintf("session window %q: more than %d sessions take a piece [%d, %d]: %v", s.name, mostTakers, p.First, p.Last, words))
		}
		at := found.n
		for at > 0 && s.cell(words, found.cells[at-1]).start() > c.start() {
			found.cells[at] = found.cells[at-1]
			at--
		}
		found.cells[at] = i
		found.n++
	}
	return found
}

// swallowAll emits the ends of sessions that become part of another.
func (s *Session) swallowAll(row Row, cells []int, by swallower, emit Emit) {
	for _, i := range cells {
		s.swallow(s.cell(row.Words(), i), by, emit)
	}
}

// beginPiece makes a session of a piece.
func (s *Session) beginPiece(row Row, free int, p Piece) {
	if free < 0 {
		panic(fmt.Sprintf("session window %q: all %d cells hold kept sessions at a piece [%d, %d]: %v", s.name, s.cells, p.First, p.Last, row.Words()))
	}
	s.writePiece(row, free, p)
}

// writePiece makes a cell that of a session of which nothing has been said.
func (s *Session) writePiece(row Row, cell int, p Piece) {
	c := sessionCell(row.Write(cell))
	clear(c)
	c[0], c[1] = uint64(p.First), uint64(p.Last)
	c.grow(p.Count)
	copy(c[sessionWords:], p.Words)
}

// precedePiece makes a session of a piece and of all that take it, which began
// later.
func (s *Session) precedePiece(row Row, taken piecesTaken, p Piece) {
	copy(s.scratch[sessionWords:], p.Words)
	for _, i := range taken.all() {
		c := s.cell(row.Words(), i)
		s.merge(s.scratch, c)
		p.Last, p.Count = max(p.Last, c.last()), p.Count+c.count()
	}
	p.Words = s.scratch[sessionWords:]
	s.writePiece(row, taken.cells[0], p)
	s.release(row, taken.all()[1:])
}

// joinPiece adds a piece to the first of the sessions that take it, and the others
// to that.
func (s *Session) joinPiece(row Row, taken piecesTaken, p Piece, clock event.Time) {
	c := sessionCell(row.Write(taken.cells[0]))
	before := s.end(c)
	for k := range s.states {
		a := &s.states[k]
		a.Merge(c[a.from:a.to], p.Words[a.from-sessionWords:a.to-sessionWords], aggregate.Merge{})
	}
	c[1] = uint64(max(c.last(), p.Last))
	c.grow(p.Count)
	for _, i := range taken.all()[1:] {
		other := s.cell(row.Words(), i)
		s.merge(c, other)
		c[1] = uint64(max(c.last(), other.last()))
		c.grow(other.count())
	}
	s.reopen(c, before, clock)
	s.release(row, taken.all()[1:])
}

// release frees the cells of sessions that have become part of another.
func (s *Session) release(row Row, cells []int) {
	for _, i := range cells {
		c := sessionCell(row.Write(i))
		clear(c)
		c[2] = sessionFree
	}
}
