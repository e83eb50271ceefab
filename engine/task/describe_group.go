package task

import (
	"bytes"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// GroupState is one group's state, for people to look at. Times are RFC 3339.
type GroupState struct {
	Group string `json:"group"`
	By    string `json:"by"`
	Clock string `json:"clock"` // of all groups of the task
	// Due is when, by that clock, the next window of the group may close; empty where
	// none is open.
	Due string `json:"due,omitempty"`
	// KeptUntil is when, by that clock, the group is forgotten if nothing more comes
	// for it; empty where that is not known yet.
	KeptUntil string        `json:"kept_until,omitempty"`
	Windows   []WindowState `json:"windows,omitempty"`
	Rules     []RuleState   `json:"rules,omitempty"`
}

// DescribeGroup reads the state of a group out of a table of a group plan; false
// where the slot holds something else. Of a window of time it tells the one that
// contains the clock.
func (c *Plan) DescribeGroup(table *statestore.Table, slot statestore.Slot) (GroupState, bool) {
	name := table.Name(slot)
	if !c.grouped || name[0] <= aheadMark {
		return GroupState{}, false
	}
	clock := event.Time(table.Task()[wordWatermark])
	by, group, _ := bytes.Cut(name, []byte{0})
	g := GroupState{Group: string(group), By: string(by), Clock: stamp(clock), Windows: c.windowStates(table, slot, clock)}
	head := table.Row(headCol, slot)
	if due := event.Time(head[headDue]); due != event.Never {
		g.Due = stamp(due)
	}
	if until := c.keptUntil(name, head[headReached]); until != event.Never {
		g.KeptUntil = stamp(until)
	}
	for i := range c.rules {
		if c.Pipeline.Windows[c.rules[i].spec.Window()].By == g.By {
			g.Rules = append(g.Rules, c.ruleState(table, slot, i))
		}
	}
	return g, true
}
