package task

import (
	"bytes"
	"cmp"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// addAhead adds a row of panes ahead that was not there.
func (g *groups) addAhead(row aheadRow) {
	g.ahead = append(g.ahead, row)
	for int(row.slot) >= len(g.place) {
		g.place = append(g.place, 0)
	}
	g.place[row.slot] = int32(len(g.ahead))
	g.leasts.push(timer{due: row.least, slot: row.slot})
}

// rowAhead is the row of panes ahead in a slot; nil where there is none.
func (g *groups) rowAhead(s statestore.Slot) *aheadRow {
	if int(s) >= len(g.place) || g.place[s] == 0 {
		return nil
	}
	return &g.ahead[g.place[s]-1]
}

func (g *groups) setLeast(row *aheadRow, least event.Time) {
	row.least = least
	g.leasts.push(timer{due: least, slot: row.slot})
}

// removeAhead takes out a row in which no pane is left.
func (g *groups) removeAhead(s statestore.Slot) {
	i, last := g.place[s]-1, len(g.ahead)-1
	g.ahead[i] = g.ahead[last]
	g.place[g.ahead[i].slot] = i + 1
	g.place[s] = 0
	g.ahead = g.ahead[:last]
}

// leastAhead is the start of the earliest pane ahead, event.Never where there is
// none.
func (g *groups) leastAhead() event.Time {
	for len(g.leasts.items) > 0 {
		top := g.leasts.items[0]
		if row := g.rowAhead(top.slot); row != nil && row.least == top.due {
			return top.due
		}
		g.leasts.pop()
	}
	return event.Never
}

// compareAhead orders rows of panes ahead by window, group and time.
func (t *Task) compareAhead(a, b aheadRow) int {
	return cmp.Or(
		cmp.Compare(a.window, b.window),
		bytes.Compare(t.table.Name(a.slot)[aheadPrefix:], t.table.Name(b.slot)[aheadPrefix:]),
		cmp.Compare(a.chunk, b.chunk),
	)
}
