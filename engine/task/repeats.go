package task

import (
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
)

// repeatedTime judges a reading by device, metric and time, and remembers it.
// Each metric has times of its own, those of one wide message too. A reading
// without a time has only its append time, by which a repeat is no repeat.
func (t *Task) repeatedTime(r *event.Reading, at event.Time) bool {
	if !r.HasTime {
		return false
	}
	cell := int(r.Metric)
	verdict := t.plan.dedupeTime.Judge(t.table.Cell(t.plan.dedupeCol, cell, t.slot), at)
	if verdict == operators.New {
		t.plan.dedupeTime.Mark(t.table.Write(t.plan.dedupeCol, cell, t.slot), at)
	}
	return verdict == operators.Duplicate
}
