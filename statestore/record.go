package statestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/weirstream/weir/event"
)

// A part of a record is
//
//	magic, layout, seq, part, parts, from, to, wall, base, cycle start, cursor, bound   fixed, little endian
//	sections: kind (1 byte), length (4), content                                        0 or more
//	CRC-32C of all that
//
// Kinds are 1 task words, 2 refresh, 3 drops, 4 sets, 5 note. A note is not state
// and goes on in the next part where it does not fit one. A section of sets or
// refresh is a row of entries, one a slot: the distance from the slot before and
// whether its cells are the same as there, the gaps between the cells otherwise,
// the name where cell 0 is among them, the words of the narrow cells, and what
// wide cells there are one by one (wide.go). Such a section stays within a stripe of 65,536 slots, and several may follow each
// other. Each part begins anew, so it can be read by itself.

const recordMagic = "wjr4"

const (
	atLayout     = 4
	atSeq        = 12
	atPart       = 20
	atParts      = 24
	atFrom       = 28
	atTo         = 36
	atWall       = 44
	atBase       = 52
	atCycleStart = 60
	atCursor     = 68
	atBound      = 72
	headerSize   = 76
	sectionHead  = 5
)

const (
	sectionTask    = 1
	sectionRefresh = 2
	sectionDrops   = 3
	sectionSets    = 4
	sectionNote    = 5
)

// encoder makes the parts of one record after the other in buffers of its own.
type encoder struct {
	table *Table
	head  Header
	max   int

	parts   [][]byte // finished, without checksum
	buf     []byte   // the part at work
	spare   [][]byte
	done    int // bytes of finished parts
	section byte
	start   int      // of the section's content
	last    int      // slot of the section's last entry, -1 before the first
	same    []uint16 // cells of the section's last entry
	words   []uint64 // and its words
	next    []uint64

	cells   []uint16   // the cells of the entry to come, ascending
	was     [][]uint64 // of the wide ones among them, what they were; nil: told as a whole, as are those beyond its end
	nextWas int        // the first of them not yet used

	runs   []run // of the wide cell at work
	packed []uint64
}

func (e *encoder) begin(t *Table, h Header, max int) {
	e.table, e.head, e.max = t, h, max
	e.spare = append(e.spare, e.parts...)
	e.parts = e.parts[:0]
	e.done = 0
	e.open()
}

// size is the number of bytes written so far.
func (e *encoder) size() int { return e.done + len(e.buf) }

func (e *encoder) open() {
	e.buf = nil
	if n := len(e.spare); n > 0 {
		e.buf, e.spare = e.spare[n-1][:0], e.spare[:n-1]
	}
	le := binary.LittleEndian
	b := append(e.buf, recordMagic...)
	b = le.AppendUint64(b, e.table.fingerprint)
	b = le.AppendUint64(b, e.head.Seq)
	b = le.AppendUint32(b, uint32(len(e.parts)))
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(e.head.From))
	b = le.AppendUint64(b, uint64(e.head.To))
	b = le.AppendUint64(b, uint64(e.head.Wall))
	e.buf = append(b, make([]byte, headerSize-atBase)...)
	e.section = 0
}

// enter makes sure that section is open and n bytes fit after it.
func (e *encoder) enter(section byte, n int) {
	if len(e.buf)+5+n+4 > e.max && len(e.buf) > headerSize {
		e.close()
		e.open()
	}
	if e.section == section {
		return
	}
	e.leave()
	e.buf = append(e.buf, section, 0, 0, 0, 0)
	e.section, e.start, e.last, e.same = section, len(e.buf), -1, e.same[:0]
}

func (e *encoder) leave() {
	if e.section != 0 {
		binary.LittleEndian.PutUint32(e.buf[e.start-4:], uint32(len(e.buf)-e.start))
		e.section = 0
	}
}

func (e *encoder) close() {
	e.leave()
	e.done += len(e.buf)
	e.parts = append(e.parts, e.buf)
	e.buf = nil
}

// finish fills in what only the whole record knows.
func (e *encoder) finish(p Position, bound Slot) [][]byte {
	e.close()
	le := binary.LittleEndian
	for i, b := range e.parts {
		le.PutUint32(b[atParts:], uint32(len(e.parts)))
		le.PutUint64(b[atBase:], p.Base)
		le.PutUint64(b[atCycleStart:], p.CycleStart)
		le.PutUint32(b[atCursor:], uint32(p.Cursor))
		le.PutUint32(b[atBound:], uint32(bound))
		e.parts[i] = appendChecksum(b, 0)
	}
	return slices.Clone(e.parts)
}

func (e *encoder) taskWords(words []uint64) {
	if len(words) > 0 {
		e.enter(sectionTask, wordsSize(len(words)))
		e.buf = appendWords(e.buf, words)
	}
}

// noteChunk is the most bytes of a note that need to fit a part together.
const noteChunk = 16 << 10

func (e *encoder) note(b []byte) {
	for len(b) > 0 {
		n := min(len(b), noteChunk)
		e.enter(sectionNote, n)
		e.buf = append(e.buf, b[:n]...)
		b = b[n:]
	}
}

func (e *encoder) drops(slots []Slot) {
	slices.Sort(slots)
	for _, s := range slots {
		e.enter(sectionDrops, binary.MaxVarintLen32)
		e.buf = binary.AppendUvarint(e.buf, uint64(int(s)-e.last))
		e.last = int(s)
	}
}

// entry writes e.cells of a slot, split where they do not fit a part.
func (e *encoder) entry(section byte, s Slot) {
	if e.section == section && e.table.stripeOf(s) != e.table.stripeOf(Slot(e.last)) {
		e.leave()
	}
	e.nextWas = 0
	for cells := e.cells; len(cells) > 0; {
		e.enter(section, e.bound(s, cells))
		n := len(cells)
		for n > 1 && len(e.buf)+e.bound(s, cells[:n])+4 > e.max {
			n = (n + 1) / 2
		}
		e.put(s, cells[:n])
		cells = cells[n:]
	}
}

// bound is the most bytes an entry can take.
func (e *encoder) bound(s Slot, cells []uint16) int {
	n, words := 8+3*len(cells), 0
	for _, c := range cells {
		if w := e.table.cellWords[c]; w < wideWords {
			words += w
		} else {
			n += wideBound(w)
		}
	}
	if cells[0] == 0 {
		n += 3 + len(e.table.names.name(s))
	}
	return n + wordsSize(words)
}

func (e *encoder) put(s Slot, cells []uint16) {
	b := e.buf
	head := uint64(int(s)-e.last) << 1
	e.last = int(s)
	same := slices.Equal(cells, e.same)
	if same {
		b = binary.AppendUvarint(b, head|1)
	} else {
		b = binary.AppendUvarint(b, head)
		last := -1
		for _, c := range cells {
			b = binary.AppendUvarint(b, uint64(int(c)-last))
			last = int(c)
		}
		b = append(b, 0)
		e.same = append(e.same[:0], cells...)
	}
	if cells[0] == 0 {
		name := e.table.names.name(s)
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		cells = cells[1:]
	}
	e.next = e.next[:0]
	wide := 0
	col, row := NamesColumn, []uint64(nil)
	for _, n := range cells {
		if of := e.table.cellColumn[n]; of != col {
			col, row = of, e.table.peekRow(of, s)
		}
		c := &e.table.cols[col]
		if c.words >= wideWords {
			wide++
			continue
		}
		at := (int(n) - c.first) * c.words
		e.next = append(e.next, row[at:at+c.words]...)
	}
	e.words, e.next = e.next, e.words
	if same {
		// What is left where the entry before says nearly the same: devices share the numbers of panes and most of their times.
		xor(e.next, e.words)
		b = appendWords(b, e.next)
	} else {
		b = appendWords(b, e.words)
	}
	if wide > 0 {
		b = e.putWide(b, s, cells)
	}
	e.buf = b
}

// xor changes dst by src, which is as long.
func xor(dst, src []uint64) {
	for i, w := range src {
		dst[i] ^= w
	}
}

// Record is one decoded record of the journal.
type Record struct {
	Header
	Position
	Bound Slot // greater than every slot of the table after the record

	layout uint64
	bodies [][]byte // the sections of each part
}

// Bytes is how long the record's sections are in all.
func (r *Record) Bytes() (n int) {
	for _, body := range r.bodies {
		n += len(body)
	}
	return n
}

// Note is what the owner of the table wanted remembered with the record. It is
// valid once the record was applied or found undamaged.
func (r *Record) Note() []byte {
	var note []byte
	for _, body := range r.bodies {
		for len(body) >= sectionHead {
			kind, size := body[0], int(binary.LittleEndian.Uint32(body[1:]))
			body = body[sectionHead:]
			if size > len(body) {
				break
			}
			if kind == sectionNote {
				note = append(note, body[:size]...)
			}
			body = body[size:]
		}
	}
	return note
}

// Assembler puts the parts of records together. The zero value is ready.
type Assembler struct {
	record *Record
	parts  int
}

// ErrOrder marks parts that do not follow each other.
var ErrOrder = errors.New("out of order")

// Add takes the next part of the journal and gives the record that it
// completes, or nil. The part is kept, not copied, until the record is done
// with. An error (ErrDamaged, ErrOrder) means that the journal cannot be
// followed; the Assembler is then as new.
func (a *Assembler) Add(part []byte) (*Record, error) {
	r, index, parts, err := parsePart(part)
	if err == nil {
		switch {
		case a.record == nil && index != 0:
			err = fmt.Errorf("journal record %d begins with part %d: %w", r.Seq, index, ErrOrder)
		case a.record != nil && (r.Header != a.record.Header || r.Position != a.record.Position || index != len(a.record.bodies) || parts != a.parts):
			err = fmt.Errorf("journal record %d part %d after %d of %d parts of record %d: %w",
				r.Seq, index, len(a.record.bodies), a.parts, a.record.Seq, ErrOrder)
		}
	}
	if err != nil {
		a.record = nil
		return nil, err
	}
	if a.record == nil {
		a.record, a.parts = r, parts
	} else {
		a.record.bodies = append(a.record.bodies, r.bodies...)
	}
	if len(a.record.bodies) < a.parts {
		return nil, nil
	}
	r, a.record = a.record, nil
	return r, nil
}

// Pending says whether a record has begun and is not complete.
func (a *Assembler) Pending() bool { return a.record != nil }

func parsePart(b []byte) (r *Record, index, parts int, err error) {
	body, ok := trimChecksum(b)
	if !ok || len(body) < headerSize || string(body[:atLayout]) != recordMagic {
		return nil, 0, 0, fmt.Errorf("journal part of %d bytes: %w", len(b), ErrDamaged)
	}
	le := binary.LittleEndian
	r = &Record{
		Header: Header{
			Seq:  le.Uint64(body[atSeq:]),
			From: int64(le.Uint64(body[atFrom:])),
			To:   int64(le.Uint64(body[atTo:])),
			Wall: event.Time(le.Uint64(body[atWall:])),
		},
		Position: Position{
			Base:       le.Uint64(body[atBase:]),
			CycleStart: le.Uint64(body[atCycleStart:]),
			Cursor:     Slot(le.Uint32(body[atCursor:])),
		},
		Bound:  Slot(le.Uint32(body[atBound:])),
		layout: le.Uint64(body[atLayout:]),
		bodies: [][]byte{body[headerSize:]},
	}
	index, parts = int(le.Uint32(body[atPart:])), int(le.Uint32(body[atParts:]))
	if r.Seq == 0 || r.Bound > MaxSlots || r.Cursor > r.Bound || index >= parts {
		return nil, 0, 0, fmt.Errorf("journal part %d of %d, record %d: %w", index, parts, r.Seq, ErrDamaged)
	}
	return r, index, parts, nil
}
