package statestore

import (
	"encoding/binary"
	"fmt"
)

// Where a cell of a former layout goes that has no cell in the table's own.
const (
	Gone  = -1 // nowhere
	Aside = -2 // beside the table, for AsideRow
)

// Former is a layout that records of the journal were written under, and what
// becomes of its cells in a table of another. A cell goes where the same words
// have the same meaning; what goes nowhere is read and dropped. Of cells of less than
// 32 words that differ in length the first words go, as many as both have.
//
// Where a record of one layout follows one of another, all that the later layout
// lacks is empty from there on: state that was not carried over then is not there
// when a third layout has it again.
type Former struct {
	Layout Layout
	// Cells has for each cell of Layout, the name as cell 0 included, the cell of
	// the table, or Gone or Aside.
	Cells []int
}

// former is a Former as replay needs it.
type former struct {
	layout    Layout
	cellWords []int
	to        []int  // by cell: one of the table, Gone, or asideFrom + a number
	kept      []int  // by cell of the table: how many of its words the layout has
	beside    []bool // by number of what is beside: the layout has it
}

// asideFrom is greater than every cell.
const asideFrom = 1 << 20

// aside is a cell of former layouts that is kept beside the table.
type aside struct {
	column Column
	cell   int        // of the column
	rows   [][]uint64 // by slot; nil: all zero
}

// AppendBinary appends the layout in the form that ParseLayout reads. The error
// is always nil.
func (l Layout) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, layoutVersion)
	for _, c := range l.Columns {
		b = binary.AppendUvarint(b, uint64(len(c.Name)))
		b = append(b, c.Name...)
		b = binary.AppendUvarint(b, uint64(c.Cells))
		b = binary.AppendUvarint(b, uint64(c.Words))
	}
	for _, r := range l.Remarks { // columns of nothing
		b = binary.AppendUvarint(b, uint64(len(r)))
		b = append(append(b, r...), 0, 0)
	}
	return b, nil
}

const layoutVersion = 1

// ParseLayout reads what AppendBinary wrote; ErrDamaged otherwise.
func ParseLayout(b []byte) (l Layout, err error) {
	damaged := fmt.Errorf("layout of %d bytes: %w", len(b), ErrDamaged)
	if len(b) == 0 || b[0] != layoutVersion {
		return l, damaged
	}
	for b = b[1:]; len(b) > 0; {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return Layout{}, damaged
		}
		c := Column{Name: string(b[k : k+int(n)])}
		b = b[k+int(n):]
		for _, into := range []*int{&c.Cells, &c.Words} {
			v, k := binary.Uvarint(b)
			if k <= 0 || v > MaxCells {
				return Layout{}, damaged
			}
			*into, b = int(v), b[k:]
		}
		if c.Cells == 0 && c.Words == 0 {
			l.Remarks = append(l.Remarks, c.Name)
		} else {
			l.Columns = append(l.Columns, c)
		}
	}
	if err := l.Validate(); err != nil {
		return Layout{}, fmt.Errorf("%w: %w", damaged, err)
	}
	return l, nil
}

// Read makes Apply take records of a former layout, too. It must be told before
// the first of them and not amid ApplyAll; of a layout that it knows it learns
// nothing.
func (t *Table) Read(f Former) {
	fingerprint := f.Layout.Fingerprint()
	if fingerprint == t.fingerprint || t.formers[fingerprint] != nil {
		return
	}
	if len(f.Cells) != f.Layout.Cells() {
		panic(fmt.Sprintf("statestore: a former layout of %d cells, of which %d are told", f.Layout.Cells(), len(f.Cells)))
	}
	x := &former{layout: f.Layout, cellWords: []int{0}, to: append([]int(nil), f.Cells...), kept: make([]int, t.cellCount)}
	x.to[0] = 0
	for _, c := range f.Layout.Columns {
		for k := range c.Cells {
			cell := len(x.cellWords)
			x.cellWords = append(x.cellWords, c.Words)
			switch to := x.to[cell]; {
			case to == Aside:
				n := t.asideOf(c, k)
				x.to[cell] = asideFrom + n
				for len(x.beside) <= n {
					x.beside = append(x.beside, false)
				}
				x.beside[n] = true
			case to == Gone:
			case to <= 0 || to >= t.cellCount || x.kept[to] > 0 || t.cellWords[to] != c.Words && max(t.cellWords[to], c.Words) >= wideWords:
				panic(fmt.Sprintf("statestore: cell %d of column %q cannot become cell %d", k, c.Name, to))
			default:
				x.kept[to] = min(c.Words, t.cellWords[to])
			}
		}
	}
	if t.formers == nil {
		t.formers = map[uint64]*former{}
	}
	t.formers[fingerprint] = x
}

// asideOf is the number of what is beside, which is added where it is new.
func (t *Table) asideOf(c Column, cell int) int {
	for i := range t.aside {
		if a := &t.aside[i]; a.column == c && a.cell == cell {
			return i
		}
	}
	t.aside = append(t.aside, aside{column: c, cell: cell, rows: make([][]uint64, t.Bound())})
	return len(t.aside) - 1
}

// Succeeds says that the last record applied was written under another layout: the
// next Seal makes the first record of the table's own.
func (t *Table) Succeeds() bool { return t.commit.header.Seq > 0 && t.commit.layout != t.fingerprint }

// FormerLayout is that of the last record applied, where the table Succeeds it.
func (t *Table) FormerLayout() (l Layout, ok bool) {
	if !t.Succeeds() {
		return l, false
	}
	f, ok := t.formers[t.commit.layout]
	if !ok {
		return l, false
	}
	return f.layout, true
}

// Asides are the columns of which the last layout applied had cells that are
// Aside, until the next Seal.
func (t *Table) Asides() []Column {
	columns := make([]Column, len(t.aside))
	for i := range t.aside {
		columns[i] = t.aside[i].column
	}
	return columns
}

// AsideRow is the words of a device in the i-th of Asides; nil where they are all
// zero. They are valid until the next Seal.
func (t *Table) AsideRow(i int, s Slot) []uint64 {
	if rows := t.aside[i].rows; int(s) < len(rows) {
		return rows[s]
	}
	return nil // the slot is newer than what was replayed
}

// growAside makes room beside for as many slots as there are.
func (t *Table) growAside() {
	for i := range t.aside {
		a := &t.aside[i]
		a.rows = append(a.rows, make([][]uint64, int(t.Bound())-len(a.rows))...)
	}
}

// sinceLayout is how many of the records have the layout of the first.
func sinceLayout(records []*Record) int {
	n := 1
	for n < len(records) && records[n].layout == records[0].layout {
		n++
	}
	return n
}

// enterLayout empties what a layout lacks, where it follows another one.
func (t *Table) enterLayout(layout uint64) error {
	c := &t.commit
	f, known := t.formers[layout]
	if !known && layout != t.fingerprint {
		return fmt.Errorf("replay record %d: %w", c.header.Seq+1, ErrLayout)
	}
	if c.header.Seq == 0 || c.layout == layout {
		return nil
	}
	for i := range t.aside {
		if f == nil || i >= len(f.beside) || !f.beside[i] {
			clear(t.aside[i].rows)
		}
	}
	if f == nil {
		return nil // the table has room for nothing else
	}
	for col := range t.cols {
		x := &t.cols[col]
		for k := range x.cells {
			from, to := k*x.words+f.kept[x.first+k], (k+1)*x.words
			if from == to {
				continue
			}
			for s := range t.Bound() {
				if x.pages[x.pageAt(s)].state&(resident|stored) == 0 {
					continue
				}
				if !zero(t.row(col, s)[from:to]) {
					clear(t.writeRow(col, s)[from:to])
				}
			}
		}
	}
	return nil
}

// forgetAside clears what is beside of a slot.
func (t *Table) forgetAside(s Slot) {
	for i := range t.aside {
		if rows := t.aside[i].rows; int(s) < len(rows) {
			rows[s] = nil
		}
	}
}

// settleLayout is called by Seal: from its record on the layout is the table's.
func (t *Table) settleLayout() { t.commit.layout, t.aside, t.formers = t.fingerprint, nil, nil }

// under makes the replayer read a record of that layout.
func (p *replayer) under(layout uint64) {
	p.former, p.cellWords = p.view.formers[layout], p.view.cellWords
	if p.former != nil {
		p.cellWords = p.former.cellWords
	}
}

// words is where the words of a cell of the record go.
func (p *replayer) target(s Slot, cell uint16) []uint64 {
	if p.former == nil {
		return p.view.replayed(s, cell)
	}
	switch to := p.former.to[cell]; {
	case to >= asideFrom:
		row := &p.view.aside[to-asideFrom].rows[s]
		if *row == nil {
			*row = make([]uint64, p.cellWords[cell])
		}
		return *row
	case to >= 0:
		return p.view.replayed(s, uint16(to))
	default:
		if n := p.cellWords[cell]; len(p.gone) < n {
			p.gone = make([]uint64, n)
		}
		return p.gone[:p.cellWords[cell]]
	}
}
