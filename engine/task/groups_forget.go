package task

import (
	"math"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// headReached is the word of a group's head with the greatest end of a pane that has
// come for it, such that 0 says that none is known.
const headReached = headSeen

// neverReached makes a time a word that is not 0.
const neverReached = uint64(math.MaxInt64) + 1

// reach notes the end of a pane that has come for the group at work.
func (t *Task) reach(end event.Time) {
	word := t.table.Row(headCol, t.slot)[headReached]
	if word != 0 && event.Time(word^neverReached) >= end {
		return
	}
	t.table.Write(headCol, 0, t.slot)[headReached] = uint64(end) ^ neverReached
	if word == 0 {
		t.groups.forgets.push(timer{due: t.keptUntil(t.slot), slot: t.slot})
	}
}

// keptUntil is the clock at which a group is forgotten, if no pane comes for it
// that ends later.
func (t *Task) keptUntil(s statestore.Slot) event.Time {
	return t.plan.keptUntil(t.table.Name(s), t.table.Row(headCol, s)[headReached])
}

// keptUntil tells it from the name of a group and the word of its head.
func (c *Plan) keptUntil(group []byte, reached uint64) event.Time {
	if reached == 0 {
		return event.Never // of a former version, which did not note it
	}
	for k := range c.inlets {
		if c.inlets[k].keeps(group) {
			return event.Time(reached^neverReached) + c.inlets[k].kept
		}
	}
	return event.Never
}

// forgetGroups forgets the groups for which nothing has come for long enough, by
// when they were to be forgotten. Each group has one timer, which may be early: a
// pane that came meanwhile has put the time off.
func (t *Task) forgetGroups() {
	g, now := t.groups, t.watermark()
	for len(g.forgets.items) > 0 && g.forgets.items[0].due <= now {
		e := g.forgets.pop()
		if due := t.keptUntil(e.slot); due != e.due {
			g.forgets.push(timer{due: due, slot: e.slot}) // others may come before it
			continue
		}
		t.slot = e.slot
		t.forgetGroup()
	}
}

// forgetGroup ends the episodes of the group at work and drops its state, in which
// no window is open.
func (t *Task) forgetGroup() {
	t.settle() // what closed just now is known of it still
	t.catchUp(t.Clock())
	record := t.record
	t.record = nil // no partial is the cause
	cause := t.newCause()
	t.endEpisodes(t.watermark())
	t.record = record
	t.table.Task()[wordForgotten]++
	t.table.Drop(t.slot)
	t.endCause(cause)
}

// Known is how many devices, or groups, the task knows.
func (t *Task) Known() int {
	n := t.table.Len()
	if t.groups == nil {
		return n
	}
	for _, w := range t.groups.upstream {
		if w > 0 {
			n-- // the slot of its watermark
		}
	}
	return n - len(t.groups.ahead)
}
