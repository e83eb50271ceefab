package window

import (
	"math"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// Partial is what a pane holds: readings of [Start, End), aggregated. A window
// over several devices is put together from panes that each device keeps by
// itself, of the same length and with the same list of aggregates.
type Partial struct {
	Start, End event.Time
	Count      uint64
	// Words are those of the aggregates in the order of Spec.Compute, PartialWords
	// of them. Drain lends them for the callback.
	Words []uint64
}

// PartialWords is the length of Partial.Words. Rings of one window each that
// compute the same agree in it and in what the words mean; but what one without
// Spec.Parts drains, one with it takes as Told has it.
func (r *Ring) PartialWords() int { return r.words - paneWords }

// Pane is the pane of t as [start, end).
func (r *Ring) Pane(t event.Time) (start, end event.Time) {
	p := r.paneOf(t)
	return r.paneStart(p), r.paneStart(p + 1)
}

// Chunk is which multiple of the ring's length the pane of t belongs to: a row
// has room for all panes of one chunk, wherever the clock is.
func (r *Ring) Chunk(t event.Time) int64 {
	return floorDiv(event.Time(r.paneOf(t)), event.Time(r.cells))
}

// Absorb merges a partial into its pane, as Fold does with a reading; the caller
// answers for the same. fresh reports whether the pane held no reading before, and
// opened is how many windows that are open at the clock began with it.
func (r *Ring) Absorb(row Row, from Partial, clock event.Time) (fresh bool, opened int) {
	p := r.paneOf(from.Start)
	at := r.cell(p)
	cell := row.Write(at)
	claim(cell, p)
	count := cell[1] & countMask
	fresh = count == 0
	if fresh {
		cell[1]++ // what begins with one reading begins with many
		opened = r.Opened(row.Words(), from.Start, clock)
		cell = row.Write(at)
	}
	cell[1] = cell[1]&^countMask | min(count+from.Count, countMask) | touchedBit
	for i := range r.folds {
		f := &r.folds[i]
		if f.from < f.to {
			f.Merge(cell[f.from:f.to], from.Words[f.from-paneWords:f.to-paneWords], aggregate.Merge{First: fresh})
		}
	}
	return fresh, opened
}

// Drain takes the panes that hold readings and begin before a time out of the
// row, oldest first, and leaves them empty. take must not use the row.
func (r *Ring) Drain(row Row, before event.Time, take func(Partial)) {
	words := row.Words()
	first := r.oldest(words, math.MinInt64)
	if first == math.MaxInt64 {
		return
	}
	last := first + r.cells - 1
	if before != event.Never {
		last = min(last, r.paneOf(before-1))
	}
	for p := first; p <= last; p++ {
		if cell, ok := r.at(words, p); !ok || cell[1]&countMask == 0 {
			continue
		}
		cell := row.Write(r.cell(p))
		take(Partial{Start: r.paneStart(p), End: r.paneStart(p + 1), Count: cell[1] & countMask, Words: cell[paneWords:]})
		clear(cell)
		words = row.Words()
	}
}

// Held is the earliest pane that holds readings and ends after a time, as its
// start and end; [event.Never] twice where there is none.
func (r *Ring) Held(words []uint64, after event.Time) (start, end event.Time) {
	p := r.oldest(words, r.paneOf(after)) // the pane of a time ends after it
	if p == math.MaxInt64 {
		return event.Never, event.Never
	}
	return r.paneStart(p), r.paneStart(p + 1)
}

// oldest is the least pane with readings that is not less than from; MaxInt64
// where there is none.
func (r *Ring) oldest(words []uint64, from int64) int64 {
	least := int64(math.MaxInt64)
	for at := 0; at < len(words); at += r.words {
		cell := words[at : at+r.words]
		if cell[1]&countMask == 0 {
			continue
		}
		if p := paneNumber(cell); p >= from {
			least = min(least, p)
		}
	}
	return least
}

// ReviseWith is Revise after Absorb of the same partial.
func (r *Ring) ReviseWith(row Row, from Partial, clock event.Time, emit Emit) {
	r.revise(row, addition{from.Start, from.Count}, clock, emit)
}

// addition is what has just been folded: so many readings in the pane of a time.
type addition struct {
	at event.Time
	n  uint64
}
