package codec

import (
	"cmp"
	"slices"

	"github.com/weirstream/weir/event"
)

// Batch receives the readings of one or more messages. The zero value is ready;
// one that is reused stops allocating once it has grown to its work.
type Batch struct {
	// Readings is what was decoded since Reset, in document order. Devices and
	// string values are valid until the next Reset, and as long as the payloads.
	Readings []event.Reading

	message int     // index in Readings of the first reading of the last message
	arena   []byte  // strings that had escapes, unescaped
	tokens  []token // the scanner's fields of one object
	layout  layout
}

// Reset forgets the readings and keeps the memory.
func (b *Batch) Reset() {
	b.Readings = b.Readings[:0]
	b.arena = b.arena[:0]
	b.message = 0
}

// SortByTime puts the readings of the message decoded last in the order of
// event time, those of one time in document order. A reading without an event
// time counts as appended, the append time of the record. A message that is in
// order already, as nearly all are, costs one comparison a reading.
func (b *Batch) SortByTime(appended event.Time) {
	last := b.Readings[b.message:]
	before := func(x, y event.Reading) int {
		return cmp.Compare(instant(&x, appended), instant(&y, appended))
	}
	for i := 1; i < len(last); i++ {
		if instant(&last[i], appended) < instant(&last[i-1], appended) {
			slices.SortStableFunc(last, before)
			return
		}
	}
}

func instant(r *event.Reading, appended event.Time) event.Time {
	if r.HasTime {
		return r.Time
	}
	return appended
}

// begin marks where the readings of the next message start and makes room for
// that many tokens.
func (b *Batch) begin(tokens int) {
	b.message = len(b.Readings)
	if cap(b.tokens) < tokens {
		b.tokens = make([]token, tokens)
	}
	b.tokens = b.tokens[:tokens]
}

// next appends a reading that knows nothing but its sample, and returns it. It
// is valid until the next call.
func (b *Batch) next(sample int32) *event.Reading {
	n := len(b.Readings)
	if n == cap(b.Readings) {
		b.Readings = append(b.Readings, event.Reading{})
	}
	b.Readings = b.Readings[:n+1]
	r := &b.Readings[n]
	*r = event.Reading{}
	r.Metric, r.Sample = event.Undeclared, sample
	return r
}

// refuse puts a single malformed reading in the place of all the message gave.
func (b *Batch) refuse() {
	b.Readings = b.Readings[:b.message]
	b.malformed(0)
}

// malformed appends a reading that stands for a document or an element of one.
func (b *Batch) malformed(sample int32) {
	b.next(sample).Bad = event.Malformed
}
