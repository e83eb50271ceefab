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
func (t *Table) Apply(r *Record) error { return t.ApplyAll([]*Record{r}, 1, InTurn) }

// ApplyAll replays records one after the other, sharing the slots between at
// most lanes calls of fork's. The same holds as for Apply.
func (t *Table) ApplyAll(records []*Record, lanes int, fork Fork) error {
	if t.checkpoint != nil || t.DirtyCells() != 0 {
		panic("statestore: replay into a table at work")
	}
	t.replaying = true
	// What a full local copy lacks of a record is its changes alone: the copy has
	// each refreshed cell as it was then, or a later change that is yet to come.
	withRefresh := !t.commit.restored
	for len(records) > 0 {
		n := sinceLayout(records)
		if err := t.enterLayout(records[0].layout); err != nil {
			return err
		}
		if err := t.applyUnder(records[:n], lanes, fork, withRefresh); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// applyUnder is ApplyAll for records of one layout.
func (t *Table) applyUnder(records []*Record, lanes int, fork Fork, withRefresh bool) error {
	bound := Slot(0)
	for _, r := range records {
		if err := t.follow(r); err != nil {
			return err
		}
		bound = max(bound, r.Bound)
	}
	if bound > 0 {
		t.grow(bound - 1)
	}
	t.growAside()
	lanes = max(1, min(lanes, t.stripeOf(t.Bound()+1<<t.stripeShift-1)))
	for len(t.replayers) < lanes {
		t.replayers = append(t.replayers, &replayer{})
	}
	fork(lanes, func(i int) {
		p := t.replayers[i]
		p.view, p.renames = t.view(), p.renames[:0]
		p.index, p.count, p.withRefresh = i, lanes, withRefresh
		p.err = p.run(records)
	})
	for _, p := range t.replayers[:lanes] {
		if p.err != nil {
			return p.err
		}
		t.join(&p.view)
		for _, change := range p.renames {
			t.rename(change)
		}
	}
	return nil
}

// follow takes of a record what belongs to no slot.
func (t *Table) follow(r *Record) error {
	c := &t.commit
	fresh := c.header.Seq == 0 && !c.restored
	switch {
	case !fresh && r.Seq != c.header.Seq+1:
		return fmt.Errorf("replay record %d after %d: %w", r.Seq, c.header.Seq, ErrGap)
	}
	if fresh {
		c.first = r.Seq
	}
	for part, body := range r.bodies {
		err := eachSection(body, func(kind byte, b []byte) error {
			if kind != sectionTask {
				return nil
			}
			if rest, ok := readWords(b, t.task); !ok || len(rest) != 0 {
				return fmt.Errorf("task words: %w", ErrDamaged)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("replay record %d part %d: %w", r.Seq, part, err)
		}
	}
	copy(c.task, t.task)
	c.header, c.position, c.confirmed, c.layout = r.Header, r.Position, r.Seq, r.layout
	return nil
}

// eachSection gives the sections of a part to fn.
func eachSection(body []byte, fn func(kind byte, b []byte) error) error {
	for len(body) > 0 {
		if len(body) < sectionHead {
			return fmt.Errorf("section: %w", ErrDamaged)
		}
		kind, size := body[0], binary.LittleEndian.Uint32(body[1:])
		body = body[sectionHead:]
		if uint64(size) > uint64(len(body)) || kind < sectionTask || kind > sectionNote {
			return fmt.Errorf("section %d of %d bytes: %w", kind, size, ErrDamaged)
		}
		if err := fn(kind, body[:size]); err != nil {
			return err
		}
		body = body[size:]
	}
	return nil
}

// rename is what a record did to a slot's name.
type rename struct {
	slot Slot
	live bool
	name []byte
}

// rename makes a slot's name what a record said.
func (t *Table) rename(r rename) {
	switch live := t.names.live(r.slot); {
	case r.live && !(live && string(t.names.name(r.slot)) == string(r.name)):
		t.writeNames(r.slot)
		t.names.set(r.slot, r.name)
		t.indexed = false
	case !r.live && live:
		t.writeNames(r.slot)
		t.names.unset(r.slot)
		t.indexed = false
	}
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
	if !t.indexed {
		if s, ok := t.names.reindex(); !ok {
			return fmt.Errorf("name %q is on slot %d and another: %w", t.names.name(s), s, ErrDamaged)
		}
	}
	clear(t.journaled)
	t.replaying, t.indexed, t.replayers = false, false, nil
	return nil
}

// replayer applies records to the stripes of one lane. Names are the table's to
// change, when all lanes have ended.
type replayer struct {
	view         Table
	index, count int // stripes whose number modulo count is index
	withRefresh  bool
	renames      []rename
	err          error

	bound Slot     // of the record being applied
	cells []uint16 // of the section's last entry
	words []uint64 // and its words
	next  []uint64

	former    *former  // layout of the record being applied; nil: the table's
	cellWords []int    // by cell of it
	gone      []uint64 // where words go that nobody wants

	runs   []run // of the wide cell at work
	packed []uint64
}

func (p *replayer) mine(s Slot) bool { return p.view.stripeOf(s)%p.count == p.index }

func (p *replayer) run(records []*Record) (err error) {
	seq := uint64(0)
	defer func() {
		if v := recover(); v != nil {
			page, ok := v.(*PageError)
			if !ok {
				panic(v)
			}
			err = fmt.Errorf("replay record %d: %w", seq, page)
		}
	}()
	order := []byte{sectionRefresh, sectionDrops, sectionSets}
	if p.view.broken.setsFirst {
		order = []byte{sectionRefresh, sectionSets, sectionDrops}
	}
	if !p.withRefresh {
		order = order[1:]
	}
	for _, r := range records {
		seq, p.bound = r.Seq, r.Bound
		p.under(r.layout)
		for _, section := range order {
			for part, body := range r.bodies {
				if err := p.pass(body, section); err != nil {
					return fmt.Errorf("replay record %d part %d: %w", r.Seq, part, err)
				}
			}
		}
	}
	return nil
}

// pass applies the sections of one kind.
func (p *replayer) pass(body []byte, want byte) error {
	return eachSection(body, func(kind byte, b []byte) error {
		switch {
		case kind != want:
			return nil
		case kind == sectionDrops:
			return p.drops(b)
		default:
			return p.entries(b)
		}
	})
}

func (p *replayer) drops(b []byte) error {
	for last := -1; len(b) > 0; {
		gap, k := binary.Uvarint(b)
		if k <= 0 || gap == 0 || gap > uint64(int(p.bound)-last-1) {
			return fmt.Errorf("drop after slot %d: %w", last, ErrDamaged)
		}
		last += int(gap)
		b = b[k:]
		if s := Slot(last); p.mine(s) {
			p.renames = append(p.renames, rename{slot: s})
			p.view.clearCells(s)
			p.view.forgetAside(s)
		}
	}
	return nil
}

// entries applies a section of sets or refresh, if it is of a stripe of the
// lane's.
func (p *replayer) entries(b []byte) error {
	last, size, stripe := -1, 0, -1
	p.cells, p.words = p.cells[:0], p.words[:0]
	for len(b) > 0 {
		head, k := binary.Uvarint(b)
		if k <= 0 || head>>1 > uint64(int(p.bound)-last-1) {
			return fmt.Errorf("entry after slot %d: %w", last, ErrDamaged)
		}
		last += int(head >> 1)
		b = b[k:]
		ok := last >= 0
		if ok && stripe < 0 {
			if stripe = p.view.stripeOf(Slot(last)); !p.mine(Slot(last)) {
				return nil
			}
		}
		ok = ok && p.view.stripeOf(Slot(last)) == stripe
		if ok && head&1 == 0 {
			b, size, ok = p.readCells(b)
		}
		if ok && len(p.cells) > 0 {
			b, ok = p.entry(Slot(last), b, entryShape{words: size, same: head&1 != 0})
		}
		if !ok || len(p.cells) == 0 {
			return fmt.Errorf("entry of slot %d: %w", last, ErrDamaged)
		}
	}
	return nil
}

// readCells reads the cells of an entry and gives the number of the narrow ones'
// words.
func (p *replayer) readCells(b []byte) (rest []byte, words int, ok bool) {
	p.cells = p.cells[:0]
	for cell := -1; ; {
		gap, k := binary.Uvarint(b)
		if k <= 0 {
			return nil, 0, false
		}
		b = b[k:]
		if gap == 0 {
			return b, words, true
		}
		if gap > uint64(len(p.cellWords)-1-cell) {
			return nil, 0, false
		}
		cell += int(gap)
		p.cells = append(p.cells, uint16(cell))
		if w := p.cellWords[cell]; w < wideWords {
			words += w
		}
	}
}

// entryShape is how many words the cells of an entry hold, and whether they are the cells of the entry before: then its words change those.
type entryShape struct {
	words int
	same  bool
}

// entry sets the cells of a slot.
func (p *replayer) entry(s Slot, b []byte, shape entryShape) (rest []byte, ok bool) {
	cells := p.cells
	if cells[0] == 0 {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > maxName || n > uint64(len(b)-k) {
			return nil, false
		}
		p.renames = append(p.renames, rename{slot: s, live: true, name: b[k : k+int(n)]})
		b = b[k+int(n):]
		cells = cells[1:]
	}
	if cap(p.next) < shape.words {
		p.next = make([]uint64, 2*shape.words)
	}
	words := p.next[:shape.words]
	if b, ok = readWords(b, words); !ok {
		return nil, false
	}
	if shape.same {
		if len(p.words) != len(words) {
			return nil, false
		}
		xor(words, p.words)
	}
	p.words, p.next = words, p.words
	wide := 0
	for _, cell := range cells {
		if p.cellWords[cell] >= wideWords {
			wide++
			continue
		}
		n := p.cellWords[cell]
		copy(p.target(s, cell), words[:n])
		words = words[n:]
	}
	for i := 0; wide > 0; i++ {
		if p.cellWords[cells[i]] >= wideWords {
			if b, ok = p.wide(b, p.target(s, cells[i])); !ok {
				return nil, false
			}
			wide--
		}
	}
	return b, true
}

// replayed is the words of a cell, to be written by replay.
func (t *Table) replayed(s Slot, cell uint16) []uint64 {
	col := t.cellColumn[cell]
	c := &t.cols[col]
	at := (int(cell) - c.first) * c.words
	return t.writeRow(int(col), s)[at : at+c.words]
}
