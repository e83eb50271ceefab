package task

import (
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
// first record and after the first SetRoster, and what it says and changes belongs
// to the batch that is sealed next.
//
// Alerts of rules whose state was not carried over end: nobody else will end them.
// Windows that are gone say nothing.
func (t *Task) Succeed() (done Succeeded) {
	if !t.table.Succeeds() {
		return done
	}
	t.record = nil
	for i, c := range t.table.Asides() {
		gone, ok := goneRuleOf(c.Name)
		if !ok {
			continue
		}
		t.goneRule = gone
		for s := range t.table.Bound() {
			if row := t.table.AsideRow(i, s); row != nil && t.table.Live(s) {
				done.Ended += t.abandon(s, row)
			}
		}
	}
	t.fitGroups()
	t.recount()
	return done
}

// goneRule is what is left of a rule: what the name of its column says.
type goneRule struct {
	rule   configs.Rule
	window configs.Window // by which devices it took for a group
}

// goneWindow is the window of a gone rule of groups.
const goneWindow = -2

func goneRuleOf(column string) (g goneRule, ok bool) {
	words := strings.SplitN(column, " ", 5)
	if len(words) < 3 || words[0]+" " != rulePrefix {
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
	switch i := spec.When.Window; {
	case i == goneWindow:
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
	e, open := alerts.Abandon(words, t.clockOf(s))
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
			if ring := &t.plan.rings[k]; t.groups == nil || t.keeps(s, k) {
				ring.Flush(copied.of(t.table, ring.col, s), clock, count)
			}
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
