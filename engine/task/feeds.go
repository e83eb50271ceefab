package task

import (
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// touchCells touches the cells of a metric that a value at a time goes into.
func (t *Task) touchCells(feeds *metric, at event.Time, slot statestore.Slot) {
	for _, k := range feeds.rings {
		ring := &t.plan.rings[k]
		t.touched ^= t.table.TouchCell(ring.col, ring.CellOf(at), slot)
	}
	for _, k := range feeds.sessions {
		t.touched ^= t.table.TouchCell(t.plan.sessions[k].col, 0, slot)
	}
	for _, k := range feeds.partials {
		p := &t.plan.partials[k]
		t.touched ^= t.table.TouchCell(p.col, p.CellOf(at), slot)
	}
	if feeds.last >= 0 {
		t.touched ^= t.table.TouchCell(t.plan.lastCol, feeds.last, slot)
	}
	for _, in := range feeds.inputs {
		t.touched ^= t.table.TouchCell(t.plan.rules[in.rule].formula.col, in.input-1, slot)
	}
	if feeds.gate != nil {
		return
	}
	for _, k := range feeds.rules {
		t.touched ^= t.table.TouchCell(t.plan.rules[k].col, 0, slot) ^ t.touchOwn(&t.plan.rules[k], slot) ^ t.touchSeries(&t.plan.rules[k], slot)
	}
}

// gone reports whether nothing that a metric feeds can take a value.
func (t *Task) gone(feeds *metric, at, clock event.Time) bool {
	for _, k := range feeds.rings {
		if !t.plan.rings[k].Late(at, clock) {
			return false
		}
	}
	for _, k := range feeds.sessions {
		s := &t.plan.sessions[k]
		if !s.Late(t.table.Row(s.col, t.slot), at, clock) {
			return false
		}
	}
	for _, k := range feeds.partials {
		if !t.plan.partials[k].Late(at, clock) {
			return false
		}
	}
	if len(feeds.followers) > 0 || len(feeds.counted) > 0 || len(feeds.rules) > 0 || len(feeds.inputs) > 0 {
		return at+t.plan.wait < clock
	}
	return true
}
