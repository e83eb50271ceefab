package statestore

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A wide cell, such as the buckets of a percentile, changes in a few of its words
// at a time, and many of them are zero. The journal does not carry it whole: a
// record says which runs of its words changed and what they are now, or, of a cell
// that is told as a whole, which runs are not zero:
//
//	runs<<1 | whole, then (words to pass, words of the run) for each, all as varints;
//	the words of all runs, packed as elsewhere
//
// The words are absolute, so a cell may still be replayed over a later state of
// itself. But only a cell told as a whole counts as journaled: of one told in
// part, refresh has to say the rest before the journal can be trimmed.

// wideWords is the length from which on a cell is wide.
const wideWords = 32

// maxBefore bounds the words remembered of a batch, in 64-bit words: 8 MiB. What
// changes beyond is journaled whole.
const maxBefore = 1 << 20

// narrowBytes and wideBytes are what a changed cell adds to a record, roughly.
func narrowBytes(words int) int { return 2 + 5*words }

const wideBytes = 80

// before holds wide cells as they were when the batch began.
type before struct {
	entries []beforeEntry // in the order of their first write
	words   []uint64
	next    int // entries before it are below what find was asked for last
}

type beforeEntry struct {
	key uint64 // slot and cell
	at  int
}

func beforeKey(s Slot, cell int) uint64 { return uint64(s)<<16 | uint64(cell) }

// take remembers a cell; false where there is no room.
func (o *before) take(key uint64, words []uint64) bool {
	if len(o.words)+len(words) > maxBefore {
		return false
	}
	o.entries = append(o.entries, beforeEntry{key, len(o.words)})
	o.words = append(o.words, words...)
	return true
}

// sort readies it for find.
func (o *before) sort() {
	slices.SortFunc(o.entries, func(a, b beforeEntry) int {
		return cmp.Compare(a.key, b.key)
	})
	o.next = 0
}

// find gives where the words of a cell begin, and whether it was remembered. It is
// to be asked in ascending order.
func (o *before) find(key uint64) (at int, ok bool) {
	for o.next < len(o.entries) && o.entries[o.next].key < key {
		o.next++
	}
	if o.next == len(o.entries) || o.entries[o.next].key != key {
		return 0, false
	}
	return o.entries[o.next].at, true
}

// clear begins the next batch, and gives memory back that this one hardly used.
func (o *before) clear() {
	if cap(o.words) > maxBefore/8 && len(o.words) < cap(o.words)/16 {
		*o = before{}
	}
	o.entries, o.words, o.next = o.entries[:0], o.words[:0], 0
}

// remember keeps a wide cell as it was before its first write of the batch, and
// gives what it will add to the record, roughly.
func (t *Table) remember(s Slot, cell int) int {
	// Of a cell that was empty nothing needs to be known: it is told as a whole.
	if was := t.peek(s, cell); zero(was) || t.before.take(beforeKey(s, cell), was) {
		return wideBytes
	}
	return narrowBytes(t.cellWords[cell])
}

// inPart gives what a changed cell was where it is to be told in part, nil where
// as a whole: that is shorter, or the slot was dropped in the batch, so that replay
// clears it first.
func (t *Table) inPart(s Slot, cell int) []uint64 {
	at, ok := t.before.find(beforeKey(s, cell))
	if !ok || t.dropMap[s>>6]>>(s&63)&1 != 0 {
		return nil
	}
	now := t.peek(s, cell)
	was := t.before.words[at : at+len(now)]
	changed := 0
	for i, w := range now {
		if w != was[i] {
			changed++
		}
	}
	if changed >= setWords(now) {
		return nil
	}
	return was
}

// run is words [from, to) of a cell.
type run struct{ from, to int }

// appendRuns appends the runs of words that differ from was; where that is nil,
// those not zero, with single zeros between them.
func appendRuns(runs []run, now, was []uint64) []run {
	first := len(runs)
	for i, w := range now {
		if was == nil && w == 0 || was != nil && w == was[i] {
			continue
		}
		if n := len(runs); n > first && (runs[n-1].to == i || was == nil && runs[n-1].to >= i-2) {
			runs[n-1].to = i + 1
			continue
		}
		runs = append(runs, run{i, i + 1})
	}
	return runs
}

// wide writes a wide cell, was being nil where it is told as a whole.
func (e *encoder) wide(b []byte, now, was []uint64) []byte {
	e.runs = appendRuns(e.runs[:0], now, was)
	whole := 0
	if was == nil {
		whole = 1
	}
	b = binary.AppendUvarint(b, uint64(len(e.runs)<<1|whole))
	e.packed = e.packed[:0]
	at := 0
	for _, r := range e.runs {
		b = binary.AppendUvarint(b, uint64(r.from-at))
		b = binary.AppendUvarint(b, uint64(r.to-r.from))
		e.packed = append(e.packed, now[r.from:r.to]...)
		at = r.to
	}
	return appendWords(b, e.packed)
}

// putWide writes the wide ones among the cells of an entry.
func (e *encoder) putWide(b []byte, s Slot, cells []uint16) []byte {
	for _, n := range cells {
		if e.table.cellWords[n] < wideWords {
			continue
		}
		was := []uint64(nil)
		if e.nextWas < len(e.was) {
			was = e.was[e.nextWas]
			e.nextWas++
		}
		b = e.wide(b, e.table.peek(s, int(n)), was)
	}
	return b
}

// wideBound is the most bytes a wide cell can take.
func wideBound(words int) int { return wordsSize(words) + 4*(words/2+1) + 3 }

// wide reads a wide cell into the words of one.
func (p *replayer) wide(b []byte, cell []uint64) (rest []byte, ok bool) {
	head, k := binary.Uvarint(b)
	if k <= 0 || head>>1 > uint64(len(cell)) {
		return nil, false
	}
	b = b[k:]
	p.runs = p.runs[:0]
	at, packed := 0, 0
	for range head >> 1 {
		skip, k := binary.Uvarint(b)
		if k <= 0 || skip > uint64(len(cell)-at) {
			return nil, false
		}
		b = b[k:]
		n, k := binary.Uvarint(b)
		at += int(skip)
		if k <= 0 || n == 0 || n > uint64(len(cell)-at) {
			return nil, false
		}
		b = b[k:]
		p.runs = append(p.runs, run{at, at + int(n)})
		at += int(n)
		packed += int(n)
	}
	if cap(p.packed) < packed {
		p.packed = make([]uint64, len(cell))
	}
	words := p.packed[:packed]
	if b, ok = readWords(b, words); !ok {
		return nil, false
	}
	if head&1 != 0 {
		clear(cell)
	}
	for _, r := range p.runs {
		words = words[copy(cell[r.from:r.to], words):]
	}
	return b, true
}

// setWords is how many words are not zero.
func setWords(words []uint64) (n int) {
	for _, w := range words {
		n += int((w | -w) >> 63)
	}
	return n
}
