package statestore

import (
	"fmt"
	"math/bits"

	"github.com/weirstream/weir/event"
)

// Header is what a record says about its batch.
type Header struct {
	Seq      uint64     // counts from 1, without a gap
	From, To int64      // source offsets of the batch, [From, To)
	Wall     event.Time // the task's clock after the batch
}

// Position is the state of refresh: every live cell that is not zero and lies
// before Cursor was journaled at CycleStart or later, and all of them at Base
// or later.
type Position struct {
	Base       uint64 // the journal below is no longer needed
	CycleStart uint64
	Cursor     Slot
}

// SealOptions are the limits of a record.
type SealOptions struct {
	// MaxPart is the greatest length of a part in bytes; 0 means 700 KiB. Only
	// a single cell greater than that exceeds it.
	MaxPart int
	// RefreshFloor is the least number of bytes to refresh with a record, where
	// there is so much; twice the bytes of the changed cells is the other bound
	// and the greater one holds.
	RefreshFloor int
	// Note is carried by the record and not applied by replay: what whoever
	// checks the journal should know of the batch beside its state.
	Note []byte
}

// Sealed is a record ready to be sent.
type Sealed struct {
	Seq uint64
	// Parts go to the journal in this order, each as one message. They are
	// valid until the next Seal.
	Parts [][]byte
	Position
	// NewBase is Base where this record moves it, otherwise 0: once the record
	// is confirmed, the journal below may go (and never past what the local
	// marker still needs).
	NewBase uint64

	SetBytes, RefreshBytes int // of the parts, how much is changes and refresh
}

// commit is where the table stands in the journal.
type commit struct {
	header    Header // of the last record sealed or applied
	position  Position
	task      []uint64 // as that record has them
	layout    uint64   // of the last record sealed or applied
	confirmed uint64   // the last seq known to be committed
	first     uint64   // the first record applied to an empty table; 0 where there is none
	restored  bool
}

func newCommit(taskWords int) commit {
	return commit{position: Position{Base: 1, CycleStart: 1}, task: make([]uint64, taskWords)}
}

const (
	defaultMaxPart = 700 << 10
	refreshScan    = 65536 // slots a Seal looks at for refresh

	// usualRefresh is how many bytes of one device refresh repeats at once, even if
	// less is due; the rest of a longer state follows with the next records.
	usualRefresh = 4 << 10
)

// Seal ends the batch: it makes the record of all changes since the last Seal,
// with a slice of unchanged cells as they are now, after this batch and before
// the next. The record must be confirmed before the next Seal; folding may go
// on meanwhile. If it never is, the table is to be thrown away.
func (t *Table) Seal(h Header, o SealOptions) *Sealed {
	c := &t.commit
	switch {
	case t.replaying:
		panic("statestore: seal amid replay")
	case c.confirmed != c.header.Seq:
		panic(fmt.Sprintf("statestore: seal of record %d while %d is not confirmed", h.Seq, c.header.Seq))
	case h.Seq != c.header.Seq+1:
		panic(fmt.Sprintf("statestore: record %d cannot follow %d", h.Seq, c.header.Seq))
	}
	if o.MaxPart == 0 {
		o.MaxPart = defaultMaxPart
	}
	e := &t.encoder
	e.begin(t, h, o.MaxPart)
	copy(c.task, t.task)
	e.note(o.Note)
	e.taskWords(c.task)
	before := e.size()
	e.drops(t.drops)
	t.sealSets(e)
	out := &Sealed{Seq: h.Seq, SetBytes: e.size() - before}
	t.clearDrops()
	if t.broken.beforeRefresh != nil {
		t.broken.beforeRefresh()
	}

	before = e.size()
	next := t.refresh(e, c.position, max(o.RefreshFloor, 2*out.SetBytes))
	out.RefreshBytes = e.size() - before
	if int(next.Cursor) >= int(t.Bound()) {
		next = Position{Base: next.CycleStart, CycleStart: h.Seq + 1}
		out.NewBase = next.Base
	}
	c.header, c.position = h, next
	t.settleLayout()
	out.Position = next
	out.Parts = e.finish(next, t.Bound())
	return out
}

// sealSets writes the changed cells in slot order and makes them unchanged.
func (t *Table) sealSets(e *encoder) {
	t.before.sort()
	for w, word := range t.changedMap {
		if word == 0 {
			continue
		}
		for ; word != 0; word &= word - 1 {
			s := Slot(w<<6 + bits.TrailingZeros64(word))
			changed, journaled := t.mask(t.changed, s), t.mask(t.journaled, s)
			e.cells, e.was = e.cells[:0], e.was[:0]
			for i, m := range changed {
				whole := m
				for ; m != 0; m &= m - 1 {
					cell := i<<6 + bits.TrailingZeros64(m)
					e.cells = append(e.cells, uint16(cell))
					if t.cellWords[cell] < wideWords {
						continue
					}
					was := t.inPart(s, cell)
					if e.was = append(e.was, was); was != nil && !t.broken.partsCount {
						whole &^= m & -m
					}
				}
				journaled[i] |= whole
				changed[i] = 0
			}
			e.entry(sectionSets, s)
		}
		t.changedMap[w] = 0
	}
	t.changedCells, t.changedBytes = 0, 0
	t.before.clear()
}

func (t *Table) clearDrops() {
	for _, s := range t.drops {
		t.dropMap[s>>6] &^= 1 << (s & 63)
	}
	t.drops = t.drops[:0]
}

// refresh writes live cells that were not journaled since the cycle began, by
// slot from the cursor on, until the budget is used. What the batch itself
// changed was journaled just now and is left out by that; a slot it dropped
// holds no device, or only cells that it has set again.
func (t *Table) refresh(e *encoder, p Position, budget int) Position {
	limit := e.size() + budget
	bound := min(t.Bound(), p.Cursor+refreshScan)
	for p.Cursor < bound && e.size() < limit {
		live := t.names.bitmap[p.Cursor>>6] >> (p.Cursor & 63)
		if live == 0 {
			p.Cursor = p.Cursor&^63 + 64
			continue
		}
		p.Cursor += Slot(bits.TrailingZeros64(live))
		if p.Cursor >= bound {
			break
		}
		if !t.refreshSlot(e, p.Cursor, limit) {
			break
		}
		p.Cursor++
	}
	for i := range t.scratch {
		t.scratch[i].valid = false
	}
	return p
}

// refreshSlot writes the cells of a slot that are due, but of a long one only as
// many as fit below limit, and says whether they were all.
func (t *Table) refreshSlot(e *encoder, s Slot, limit int) (all bool) {
	room := max(limit-e.size(), t.refreshWhole)
	all = t.dueCells(e, s, room)
	if len(e.cells) == 0 {
		return all
	}
	journaled := t.mask(t.journaled, s)
	for _, cell := range e.cells {
		journaled[cell>>6] |= 1 << (cell & 63)
	}
	e.entry(sectionRefresh, s)
	return all
}

// dueCells puts into e.cells which cells of a slot are due for refresh, up to about
// that many bytes.
func (t *Table) dueCells(e *encoder, s Slot, room int) (all bool) {
	e.cells, e.was = e.cells[:0], e.was[:0]
	done := t.mask(t.journaled, s)
	if done[0]&1 == 0 {
		e.cells = append(e.cells, 0)
	}
	for col := range t.cols {
		c := &t.cols[col]
		row := t.peekRow(int32(col), s)
		for k := 0; len(row) > 0; k, row = k+1, row[c.words:] {
			cell := c.first + k
			if done[cell>>6]>>(cell&63)&1 != 0 || zero(row[:c.words]) {
				continue
			}
			if room <= 0 {
				return false
			}
			e.cells = append(e.cells, uint16(cell))
			if c.words < wideWords {
				room -= narrowBytes(c.words)
			} else {
				room -= narrowBytes(setWords(row[:c.words]))
			}
		}
	}
	return true
}

// scratchPage holds the page that refresh is at, where memory has dropped it:
// a walk over all devices must not push out those in use.
type scratchPage struct {
	words []uint64
	index uint32
	valid bool
}

// peekRow reads a device's row of a column without admitting its page; nil where all of the page is zero.
func (t *Table) peekRow(col int32, s Slot) []uint64 {
	c := &t.cols[col]
	p := &c.pages[c.pageAt(s)]
	words := p.words
	switch {
	case words != nil:
	case p.state&stored == 0:
		return nil
	default:
		x := &t.scratch[col]
		if !x.valid || x.index != c.pageAt(s) {
			if x.words == nil {
				x.words = make([]uint64, c.rowWords<<c.shift)
			}
			x.valid = false
			x.index = c.pageAt(s)
			t.readPage(PageID{col, x.index}, x.words)
			x.valid = true
		}
		words = x.words
	}
	at := c.rowAt(s)
	return words[at : at+c.rowWords]
}

// peek is one cell of peekRow.
func (t *Table) peek(s Slot, cell int) []uint64 {
	col := t.cellColumn[cell]
	row := t.peekRow(col, s)
	if row == nil {
		return nil
	}
	c := &t.cols[col]
	at := (cell - c.first) * c.words
	return row[at : at+c.words]
}

func zero(words []uint64) bool {
	for _, w := range words {
		if w != 0 {
			return false
		}
	}
	return true
}

// Confirm says that the last sealed record is committed.
func (t *Table) Confirm(seq uint64) {
	c := &t.commit
	if seq != c.header.Seq || c.confirmed+1 != seq {
		panic(fmt.Sprintf("statestore: confirmation of %d, sealed is %d, confirmed %d", seq, c.header.Seq, c.confirmed))
	}
	c.confirmed = seq
	if c.position.CycleStart == seq+1 {
		clear(t.journaled)
	}
}

// Seq is the last record sealed or applied; 0 before the first.
func (t *Table) Seq() uint64 { return t.commit.header.Seq }

// Header is that of the last record sealed or applied.
func (t *Table) Header() Header { return t.commit.header }

// Position is that of the last record sealed or applied.
func (t *Table) Position() Position { return t.commit.position }
