package task

import (
	"slices"
	"strings"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
	"github.com/weirstream/weir/statestore"
)

// Succeeded is what Succeed has done.
type Succeeded struct {
	// Ended is how many alerts of rules ended that are gone or begin anew.
	Ended int
}

// Succeed makes the task go on from the state of a former file, where the table
// Succeeds one, and does nothing otherwise. It is to be called once, before the
// first record and after the first SetCommands and SetRoster, and what it says and
// changes belongs to the batch that is sealed next.
//
// Alerts of rules whose state was not carried over end: nobody else will end them.
// Windows that are gone say nothing.
func (t *Task) Succeed() (done Succeeded) {
	if !t.table.Succeeds() {
		return done
	}
	t.record, t.moment = nil, t.Clock()
	for i, c := range t.table.Asides() {
		gone, ok := goneRuleOf(c.Name)
		if !ok {
			continue
		}
		t.goneRule = gone
		for s := range t.table.Bound() {
			if row := t.table.AsideRow(i, s); row != nil && t.table.Live(s) {
				t.abandoned += t.abandon(s, row)
			}
		}
	}
	t.dropEmpty()
	t.recount()
	return Succeeded{Ended: t.abandoned}
}

// endGone ends the alerts that rules which are gone have of the device at work, where a
// roster takes it away before Succeed comes to it.
func (t *Task) endGone() {
	if !t.table.Succeeds() {
		return
	}
	for i, c := range t.table.Asides() {
		if gone, ok := goneRuleOf(c.Name); ok {
			t.goneRule = gone
			if row := t.table.AsideRow(i, t.slot); row != nil {
				t.abandoned += t.abandon(t.slot, row)
			}
		}
	}
}

// refit makes the heads of a former file's state say what the rules of this one have
// open and due, where the table succeeds one. It comes before timers are armed.
func (t *Task) refit() {
	if !t.table.Succeeds() {
		return
	}
	for s := range t.table.Bound() {
		if !t.table.Live(s) || t.plan.grouped && t.table.Name(s)[0] <= aheadMark {
			continue
		}
		t.slot = s
		head := t.table.Row(headCol, s)
		flags := head[headFlags] &^ (flagAbsent | flagOpen)
		for k := range t.plan.rules {
			r := &t.plan.rules[k]
			if alerts.StateOf(t.table.Cell(r.col, 0, s)) == alerts.OK {
				continue
			}
			if flags |= flagOpen; r.after > 0 {
				flags |= flagAbsent
			}
			t.refitRule(r)
		}
		if flags != head[headFlags] {
			t.table.Write(headCol, 0, s)[headFlags] = flags
		}
		if t.plan.grouped {
			t.refitGroup()
		}
		t.refitParts()
		if t.plan.timed {
			t.resetTimer()
		}
	}
}

// refitRule has an alert that is open repeat and escalate where its rule has come to do
// that: from now on.
func (t *Task) refitRule(r *rule) {
	cell := t.table.Cell(r.col, 0, t.slot)
	if marks := alerts.Marks(cell); stepOf(marks) > len(r.steps) {
		alerts.SetMarks(t.table.Write(r.col, 0, t.slot), marks&^(stepMask<<stepShift)|uint8(len(r.steps))<<stepShift)
	}
	if !fires(cell) {
		return
	}
	if r.every > 0 && !slices.ContainsFunc(t.table.Cell(r.repeatCol, 0, t.slot), func(w uint64) bool { return w != 0 }) {
		t.table.Write(r.repeatCol, 0, t.slot)[repeatDue] = uint64(t.Clock() + r.every)
	}
	if len(r.steps) > 0 && t.table.Cell(r.escalateCol, 0, t.slot)[0] == 0 {
		t.table.Write(r.escalateCol, 0, t.slot)[0] = uint64(t.Clock()) + 1
	}
}

// dropEmpty drops devices that only a roster made known which nobody watches any more,
// and groups of which no window is left.
func (t *Task) dropEmpty() {
	for s := range t.table.Bound() {
		switch {
		case !t.table.Live(s):
		case t.groups == nil:
			if !t.plan.expects && t.table.Row(headCol, s)[headSeen] == 0 {
				t.table.Drop(s)
			}
		case t.table.Name(s)[0] > aheadMark:
			if !slices.ContainsFunc(t.plan.inlets, func(in inlet) bool { return in.keeps(t.table.Name(s)) }) {
				t.table.Drop(s)
			}
		}
	}
}

// goneRule is what is left of a rule: what the name of its column says.
type goneRule struct {
	rule   configs.Rule
	window configs.Window // by which devices it took for a group
	// silence is set of a rule on silence, whose times are those of the task's clock.
	silence bool
}

// goneWindow is the window of a gone rule of groups.
const goneWindow = -2

func goneRuleOf(column string) (g goneRule, ok bool) {
	if !isRule(column) {
		return g, false
	}
	g.silence = strings.HasPrefix(column, silencePrefix)
	name, _ := metricsOf(column)
	words := strings.SplitN(name, " ", 5)
	if len(words) < 3 {
		return g, false
	}
	g.rule.Name, g.rule.When.Window = words[1], -1
	g.rule.Template = []configs.Part{{Literal: "rule " + words[1] + " was removed or changed: its alert ends"}}
	for _, level := range strings.Split(words[2], ",") {
		g.rule.Levels = append(g.rule.Levels, configs.Level{Name: level})
	}
	if len(words) == 5 {
		g.rule.When.Window, g.window.By = goneWindow, words[4]
	}
	return g, true
}

// looksAt is the window that a rule looks at, which may be gone with it; nil for
// none.
func (t *Task) looksAt(spec *configs.Rule) *configs.Window {
	switch i := spec.Window(); {
	case spec == &t.goneRule.rule && t.goneRule.rule.When.Window == goneWindow:
		return &t.goneRule.window
	case i < 0:
		return nil
	default:
		return &t.plan.Pipeline.Windows[i]
	}
}

// abandon ends the alert that a gone rule has of the device in a slot, and returns
// how many events that took.
func (t *Task) abandon(s statestore.Slot, words []uint64) int {
	t.slot = s
	at := t.clockOf(s)
	if t.goneRule.silence {
		at = t.Clock()
	}
	e, open := alerts.Abandon(words, at)
	if !open || e.Level >= len(t.goneRule.rule.Levels) {
		return 0
	}
	t.alert(&rule{spec: &t.goneRule.rule}, &e, nil, "removed")
	return 1
}

// clockOf is the clock of the device or the group in a slot.
func (t *Task) clockOf(s statestore.Slot) event.Time {
	if t.groups != nil {
		return t.watermark()
	}
	return event.Time(t.table.Row(headCol, s)[headClock])
}

// recount counts what is open: windows that were not carried over are not.
func (t *Task) recount() {
	open := uint64(0)
	count := func(*window.Result) uint8 { open++; return 0 }
	var copied copiedRow
	for s := range t.table.Bound() {
		if !t.table.Live(s) || t.groups != nil && t.table.Name(s)[0] <= aheadMark {
			continue
		}
		clock := t.clockOf(s)
		for k := range t.plan.rings {
			ring := &t.plan.rings[k]
			ring.Flush(copied.of(t.table, ring.col, s), clock, count)
		}
		for k := range t.plan.sessions {
			session := &t.plan.sessions[k]
			session.Flush(copied.of(t.table, session.col, s), clock, count)
		}
	}
	t.table.Task()[wordOpen] = open
}

// copiedRow is a row that may be written without consequences.
type copiedRow struct {
	words []uint64
	cell  int
}

func (r *copiedRow) of(t *statestore.Table, col int, s statestore.Slot) *copiedRow {
	r.words, r.cell = append(r.words[:0], t.Row(col, s)...), len(t.Cell(col, 0, s))
	return r
}

// Words implements window.Row.
func (r *copiedRow) Words() []uint64 { return r.words }

// Write implements window.Row.
func (r *copiedRow) Write(cell int) []uint64 { return r.words[cell*r.cell : (cell+1)*r.cell] }
