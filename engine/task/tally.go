package task

import (
	"slices"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// EventStates is how many states an alert event can tell.
const EventStates = 5

// EventStateAt is the state that counts of alert events have at place i, in [0, EventStates).
func EventStateAt(i int) alerts.EventState { return alerts.EventState(i + 1) }

// Counts are what a batch says, counted for those who watch weir itself. They are no state: what is said again after a
// crash is counted with the batch that is committed.
type Counts struct {
	// Quarantined are records for the quarantine topic, by event.Reason.Index.
	Quarantined [event.ReasonCount]uint32
	// Events are alert events: EventStates for each rule, in the order of Plan.Rules; nil: there were none.
	Events []uint32
}

// reset forgets the counts and keeps the memory.
func (c *Counts) reset() {
	c.Quarantined = [event.ReasonCount]uint32{}
	clear(c.Events)
}

// tally is how the alerts of a task stand, by rule. It is no state: it follows from the rules' cells, which are counted
// bit by bit after recovery, and then moves with every event.
//
// Invariant: it counts the alerts of all live slots below next.
type tally struct {
	next     statestore.Slot
	pace     int // slots that are counted at once
	complete bool
	standing []int32 // see Standing
	from     []int   // by rule: where its part begins
	changed  bool    // since Standing was asked last
}

// countedAtOnce is how many devices are counted at once after recovery, so that going live does not wait for a scan
// over all of them.
const countedAtOnce = 16_384

func newTally(p *Plan) tally {
	t := tally{pace: countedAtOnce}
	n := 0
	for k := range p.rules {
		p.rules[k].rank = k + 1
		t.from = append(t.from, n)
		n += len(p.rules[k].spec.Levels) + 2
	}
	t.standing = make([]int32, n)
	return t
}

// count moves the count of a rule's alerts that fire, at a level and with marks, by n.
func (t *tally) count(r *rule, level int, marks uint8, n int32) {
	own := t.standing[t.from[r.rank-1]:]
	levels := len(r.spec.Levels)
	own[level] += n
	if marks&markSuppressed != 0 {
		own[levels] += n
	}
	if marks&markAcked != 0 {
		own[levels+1] += n
	}
	t.changed = true
}

// tallySome counts the alerts of some more devices that recovery brought.
func (t *Task) tallySome() {
	y := &t.tally
	for n := y.pace; n > 0 && y.next < t.table.Bound(); n-- {
		slot := y.next
		y.next++
		if !t.table.Live(slot) || t.plan.grouped && t.table.Name(slot)[0] <= aheadMark || t.table.Row(headCol, slot)[headFlags]&flagOpen == 0 {
			continue
		}
		for k := range t.plan.rules {
			r := &t.plan.rules[k]
			if cell := t.table.Cell(r.col, 0, slot); fires(cell) {
				y.count(r, r.View(cell).Level, alerts.Marks(cell), 1)
			}
		}
	}
	if y.next >= t.table.Bound() {
		y.complete, y.changed = true, true
	}
}

// tallyEvent takes note of an event of a rule on the device at hand; before are the marks of its episode before it.
func (t *Task) tallyEvent(r *rule, e *alerts.Event, before uint8) {
	if r.rank == 0 {
		return // the rule is gone
	}
	if t.out.Counts.Events == nil {
		t.out.Counts.Events = make([]uint32, EventStates*len(t.plan.rules))
	}
	t.out.Counts.Events[EventStates*(r.rank-1)+int(e.State)-1]++
	if !t.tally.complete && t.slot >= t.tally.next {
		return // it is still to be counted
	}
	if e.Previous >= 0 {
		t.tally.count(r, e.Previous, before, -1)
	}
	if e.State == alerts.EventFiring || e.State == alerts.EventRecovering {
		t.tally.count(r, e.Level, e.Marks, 1)
	}
}

// Standing is how many alerts fire, and have changed since it was asked last: for each rule in the order of Plan.Rules
// one number for each of its levels, then how many of them are suppressed, and how many are acknowledged. nil: nothing
// has changed, or not all alerts that recovery brought have been counted yet. The caller owns it.
func (t *Task) Standing() []int32 {
	if !t.tally.complete || !t.tally.changed {
		return nil
	}
	t.tally.changed = false
	return slices.Clone(t.tally.standing)
}

// Rules are the rules that tasks of the plan judge by, in the order of counts.
func (c *Plan) Rules() []*configs.Rule {
	all := make([]*configs.Rule, len(c.rules))
	for k := range c.rules {
		all[k] = c.rules[k].spec
	}
	return all
}

// Newest is the greatest event time folded in this life of the task, or of a group task the clock of all groups; 0: none
// is known. It never lies past the append time of its reading.
func (t *Task) Newest() event.Time {
	if t.groups != nil {
		return t.watermark()
	}
	return t.newest
}
