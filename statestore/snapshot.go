package statestore

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/weirstream/weir/event"
)

// Snapshot is what a marker carries beside the pages: where in the journal the
// pages stand, and the task's words there. Header.To is the source offset.
type Snapshot struct {
	Header
	Position
	Bound  Slot
	Layout uint64 // Layout.Fingerprint
	Task   []uint64
}

const snapshotVersion = 1

// AppendBinary appends the snapshot in its stored form. The error is always
// nil.
func (s Snapshot) AppendBinary(b []byte) ([]byte, error) {
	from := len(b)
	le := binary.LittleEndian
	b = append(b, snapshotVersion)
	for _, w := range [...]uint64{s.Layout, s.Seq, uint64(s.From), uint64(s.To), uint64(s.Wall), s.Base, s.CycleStart} {
		b = le.AppendUint64(b, w)
	}
	b = le.AppendUint32(b, uint32(s.Cursor))
	b = le.AppendUint32(b, uint32(s.Bound))
	b = le.AppendUint32(b, uint32(len(s.Task)))
	return appendChecksum(appendWords(b, s.Task), from), nil
}

// ParseSnapshot reads what AppendBinary wrote; ErrDamaged otherwise.
func ParseSnapshot(b []byte) (Snapshot, error) {
	const fixed = 1 + 7*8 + 3*4
	body, ok := trimChecksum(b)
	if !ok || len(body) < fixed || body[0] != snapshotVersion {
		return Snapshot{}, fmt.Errorf("snapshot of %d bytes: %w", len(b), ErrDamaged)
	}
	le := binary.LittleEndian
	word := func(i int) uint64 { return le.Uint64(body[1+8*i:]) }
	s := Snapshot{
		Layout:   word(0),
		Header:   Header{Seq: word(1), From: int64(word(2)), To: int64(word(3)), Wall: event.Time(word(4))},
		Position: Position{Base: word(5), CycleStart: word(6), Cursor: Slot(le.Uint32(body[57:]))},
		Bound:    Slot(le.Uint32(body[61:])),
	}
	// Two words take at least a byte, which bounds what is allocated.
	count := uint64(le.Uint32(body[65:]))
	if count > 2*uint64(len(body)-fixed) || s.Bound > MaxSlots {
		return Snapshot{}, fmt.Errorf("snapshot of %d task words, bound %d: %w", count, s.Bound, ErrDamaged)
	}
	s.Task = make([]uint64, count)
	if rest, ok := readWords(body[fixed:], s.Task); !ok || len(rest) != 0 {
		return Snapshot{}, fmt.Errorf("snapshot, task words: %w", ErrDamaged)
	}
	return s, nil
}

// snapshot is the state as of the last record sealed or applied.
func (t *Table) snapshot() Snapshot {
	return Snapshot{
		Header:   t.commit.header,
		Position: t.commit.position,
		Bound:    t.Bound(),
		Layout:   t.fingerprint,
		Task:     slices.Clone(t.commit.task),
	}
}

// Restore begins recovery from local pages: it sets what the marker carries.
// All pages of the store follow by LoadPage, then the records after s.Seq, then
// FinishReplay.
func (t *Table) Restore(s Snapshot) error {
	switch {
	case t.commit.header.Seq != 0 || t.commit.restored || t.Bound() != 0:
		panic("statestore: restore into a table in use")
	case s.Layout != t.fingerprint || len(s.Task) != len(t.task):
		return fmt.Errorf("restore record %d: %w", s.Seq, ErrLayout)
	case s.Bound > MaxSlots || s.Bound%PageSlots != 0:
		return fmt.Errorf("restore record %d, %d slots: %w", s.Seq, s.Bound, ErrDamaged)
	}
	if s.Bound > 0 {
		t.grow(s.Bound - 1)
	}
	copy(t.task, s.Task)
	copy(t.commit.task, s.Task)
	t.commit.header, t.commit.position, t.commit.confirmed = s.Header, s.Position, s.Seq
	t.commit.restored, t.commit.layout = true, s.Layout
	t.replaying = true
	return nil
}

// LoadPage takes a page from the local store; the image is not kept. Pages of
// names must all be loaded. A page of words beyond Options.MemoryBytes is only
// noted as being on disk.
func (t *Table) LoadPage(im Image) error {
	if !t.commit.restored || !t.replaying {
		panic("statestore: load of a page outside recovery")
	}
	if im.ID.Column < NamesColumn || int(im.ID.Column) >= len(t.cols) || im.ID.Index >= MaxSlots>>t.pageShift(im.ID.Column) {
		return fmt.Errorf("load page %v: %w", im.ID, ErrDamaged)
	}
	first := Slot(im.ID.Index) << t.pageShift(im.ID.Column)
	t.grow(first)
	p := t.pageOf(im.ID)
	if im.ID.Column == NamesColumn {
		if err := t.names.readPage(im.Data, first); err != nil {
			return fmt.Errorf("load page %v: %w", im.ID, err)
		}
		p.state |= stored
		return nil
	}
	c := &t.cols[im.ID.Column]
	size := c.rowWords << c.shift
	if t.options.MemoryBytes > 0 && t.options.Pager != nil && t.ResidentBytes()+int64(size)*8 > t.options.MemoryBytes {
		// Damage must show now, while the journal can still stand in.
		if _, ok := trimChecksum(im.Data); !ok {
			return fmt.Errorf("load page %v: %w", im.ID, ErrDamaged)
		}
		p.state |= stored
		return nil
	}
	words := p.words
	if words == nil {
		words = make([]uint64, size)
	}
	if err := readWordsPage(im.Data, words); err != nil {
		return fmt.Errorf("load page %v: %w", im.ID, err)
	}
	p.state |= stored
	if p.words == nil {
		t.settle(p, words)
	}
	return nil
}
