package task

import (
	"unicode/utf8"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/statestore"
)

// decode fills the block with the readings of the next records and returns how
// many records that were, at least one.
func (t *Task) decode(records []Record) int {
	t.batch.Reset()
	t.from, t.object.first = t.from[:0], -1
	n := 0
	for n < len(records) && len(t.batch.Readings) < Block {
		first := len(t.batch.Readings)
		decoder := t.o.Decoder
		if records[n].Device != nil && t.o.HeaderDecoder != nil {
			decoder = t.o.HeaderDecoder
		}
		decoder.Decode(records[n].Value, &t.batch)
		if len(t.batch.Readings)-first > 1 {
			t.batch.SortByTime(records[n].Append)
		}
		for range len(t.batch.Readings) - first {
			t.from = append(t.from, int32(n))
		}
		n++
	}
	return n
}

// probe finds the slots of the block's devices and touches their memory.
func (t *Task) probe(records []Record) {
	t.slots, t.found, t.touch, t.hashes = t.slots[:0], t.found[:0], t.touch[:0], t.hashes[:0]
	for i := range t.batch.Readings {
		r := &t.batch.Readings[i]
		if d := records[t.from[i]].Device; d != nil {
			r.Device = d
			if len(d) > event.MaxDevice || !utf8.Valid(d) {
				// Nor is it a key of what is quarantined: it may be larger than a topic takes.
				r.Device = nil
				if r.Bad == "" {
					r.Bad = event.NoDevice
				}
			}
		}
		t.hashes = append(t.hashes, statestore.Hash(r.Device))
	}
	t.touched ^= t.table.TouchNames(t.hashes)
	for i := range t.batch.Readings {
		r := &t.batch.Readings[i]
		var slot statestore.Slot
		ok := false
		if r.Bad == "" && r.Metric >= 0 {
			slot, ok = t.table.FindHashed(t.hashes[i], r.Device)
		}
		if ok {
			t.touch = append(t.touch, slot)
		}
		t.slots, t.found = append(t.slots, slot), append(t.found, ok)
	}
	t.touched ^= t.table.Touch(headCol, t.touch)
	for i, ok := range t.found {
		if ok {
			t.touchFed(&t.batch.Readings[i], records[t.from[i]].Append, t.slots[i])
		}
	}
}

// touchFed touches what a reading of a known device is about to be folded into.
func (t *Task) touchFed(r *event.Reading, appended event.Time, slot statestore.Slot) {
	feeds := &t.plan.metrics[r.Metric]
	at := operators.Arrive(r, appended).Event
	t.touchCells(feeds, at, slot)
	for _, k := range feeds.derived {
		t.touchCells(&t.plan.metrics[t.plan.derived[k].metric], at, slot)
	}
	if t.plan.byDedupe && !t.plan.Wide {
		t.touched ^= t.table.TouchCell(t.plan.dedupeCol, int(r.Metric), slot)
	}
	if t.plan.byTime {
		t.touched ^= t.table.TouchCell(t.plan.dedupeCol, int(r.Metric)*operators.DedupeTimeCells, slot)
	}
}
