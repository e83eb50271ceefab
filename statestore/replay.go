package statestore

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrLayout marks state that was written under another layout.
var ErrLayout = errors.New("written under another layout")

// ErrGap marks a record that does not follow the table's last one, or a
// journal that begins too late.
var ErrGap = errors.New("gap in the journal")

// Apply replays a record: first refresh, then drops, then sets. The record must
// follow the last one by 1; an empty table takes any record as its first.
// After an error (ErrLayout, ErrGap, ErrDamaged or *PageError) the table is to
// be thrown away. FinishReplay must follow before the table is used.
func (t *Table) Apply(r *Record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			page, ok := p.(*PageError)
			if !ok {
				panic(p)
			}
			err = fmt.Errorf("replay record %d: %w", r.Seq, page)
		}
	}()
	c := &t.commit
	fresh := c.header.Seq == 0 && !c.restored
	switch {
	case r.layout != t.fingerprint:
		return fmt.Errorf("replay record %d: %w", r.Seq, ErrLayout)
	case !fresh && r.Seq != c.header.Seq+1:
		return fmt.Errorf("replay record %d after %d: %w", r.Seq, c.header.Seq, ErrGap)
	case t.checkpoint != nil || t.DirtyCells() != 0:
		panic("statestore: replay into a table at work")
	}
	t.replaying = true
	if fresh {
		c.first = r.Seq
	}
	d := decoder{table: t, bound: r.Bound}
	order := [...]byte{sectionTask, sectionRefresh, sectionDrops, sectionSets}
	if t.broken.setsFirst {
		order = [...]byte{sectionTask, sectionRefresh, sectionSets, sectionDrops}
	}
	for _, section := range order {
		for part, body := range r.bodies {
			if err := d.pass(body, section); err != nil {
				return fmt.Errorf("replay record %d part %d: %w", r.Seq, part, err)
			}
		}
	}
	copy(c.task, t.task)
	c.header, c.position, c.confirmed = r.Header, r.Position, r.Seq
	return nil
}

// FinishReplay makes the table ready for use after Restore, LoadPage and Apply.
// It fails with ErrGap where a table that began empty has not seen all records
// from the base on, and with ErrDamaged where two slots have one name.
func (t *Table) FinishReplay() error {
	c := &t.commit
	if !c.restored && c.first > c.position.Base {
		return fmt.Errorf("replay began at record %d, the live journal at %d: %w", c.first, c.position.Base, ErrGap)
	}
	t.names.free = 0
	if s, ok := t.names.reindex(); !ok {
		return fmt.Errorf("name %q is on slot %d and another: %w", t.names.name(s), s, ErrDamaged)
	}
	clear(t.journaled)
	t.replaying = false
	return nil
}

// decoder reads the sections of a record into a table.
type decoder struct {
	table *Table
	bound Slot
	cells []uint16
	words []uint64
}

// pass applies the sections of one kind.
func (d *decoder) pass(body []byte, want byte) error {
	for len(body) > 0 {
		if len(body) < 5 {
			return fmt.Errorf("section: %w", ErrDamaged)
		}
		kind, size := body[0], binary.LittleEndian.Uint32(body[1:])
		body = body[5:]
		if uint64(size) > uint64(len(body)) || kind < sectionTask || kind > sectionNote {
			return fmt.Errorf("section %d of %d bytes: %w", kind, size, ErrDamaged)
		}
		if kind == want {
			if err := d.section(kind, body[:size]); err != nil {
				return err
			}
		}
		body = body[size:]
	}
	return nil
}

func (d *decoder) section(kind byte, b []byte) error {
	switch kind {
	case sectionTask:
		if rest, ok := readWords(b, d.table.task); !ok || len(rest) != 0 {
			return fmt.Errorf("task words: %w", ErrDamaged)
		}
		return nil
	case sectionDrops:
		return d.drops(b)
	default:
		return d.entries(b)
	}
}

func (d *decoder) drops(b []byte) error {
	for last := -1; len(b) > 0; {
		gap, k := binary.Uvarint(b)
		if k <= 0 || gap == 0 || gap > uint64(int(d.bound)-last-1) {
			return fmt.Errorf("drop after slot %d: %w", last, ErrDamaged)
		}
		last += int(gap)
		b = b[k:]
		if s := Slot(last); s < d.table.Bound() {
			d.table.clearSlot(s)
		}
	}
	return nil
}

func (d *decoder) entries(b []byte) error {
	last, size := -1, 0
	d.cells = d.cells[:0]
	for len(b) > 0 {
		head, k := binary.Uvarint(b)
		if k <= 0 || head>>1 > uint64(int(d.bound)-last-1) {
			return fmt.Errorf("entry after slot %d: %w", last, ErrDamaged)
		}
		last += int(head >> 1)
		b = b[k:]
		ok := last >= 0
		if ok && head&1 == 0 {
			b, size, ok = d.readCells(b)
		}
		if ok && len(d.cells) > 0 {
			d.table.grow(Slot(last))
			b, ok = d.entry(Slot(last), b, size)
		}
		if !ok || len(d.cells) == 0 {
			return fmt.Errorf("entry of slot %d: %w", last, ErrDamaged)
		}
	}
	return nil
}

// readCells reads the cells of an entry and gives the number of their words.
func (d *decoder) readCells(b []byte) (rest []byte, words int, ok bool) {
	d.cells = d.cells[:0]
	for cell := -1; ; {
		gap, k := binary.Uvarint(b)
		if k <= 0 {
			return nil, 0, false
		}
		b = b[k:]
		if gap == 0 {
			return b, words, true
		}
		if gap > uint64(d.table.cellCount-1-cell) {
			return nil, 0, false
		}
		cell += int(gap)
		d.cells = append(d.cells, uint16(cell))
		words += d.table.cellWords[cell]
	}
}

// entry sets the cells of a slot, which hold size words.
func (d *decoder) entry(s Slot, b []byte, size int) (rest []byte, ok bool) {
	t, cells := d.table, d.cells
	if cells[0] == 0 {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > maxName || n > uint64(len(b)-k) {
			return nil, false
		}
		t.writeNames(s)
		t.names.set(s, b[k:k+int(n)])
		b = b[k+int(n):]
		cells = cells[1:]
	}
	if cap(d.words) < size {
		d.words = make([]uint64, 2*size)
	}
	words := d.words[:size]
	if b, ok = readWords(b, words); !ok {
		return nil, false
	}
	for _, cell := range cells {
		col := t.cellColumn[cell]
		c := &t.cols[col]
		at := (int(cell) - c.first) * c.words
		row := t.writeRow(int(col), s)
		copy(row[at:at+c.words], words)
		words = words[c.words:]
	}
	return b, true
}
