package task

import (
	"encoding/binary"
	"slices"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// aheadPanes is a slot of panes ahead that is on its way to another name.
type aheadPanes struct {
	slot   statestore.Slot
	name   []byte
	window int // -1: it is gone
	row    []uint64
}

// renumber gives panes ahead their names of now, where the table succeeds that of a
// former file: such a name says the number of the window, which may be another one's.
// Which window panes are of, the column says that they were carried to. It comes
// before everything that reads these names.
func (t *Task) renumber() {
	if !t.plan.grouped || !t.table.Succeeds() {
		return
	}
	var moved []aheadPanes
	for s := range t.table.Bound() {
		if !t.table.Live(s) || t.table.Name(s)[0] != aheadMark {
			continue
		}
		k := slices.IndexFunc(t.plan.inlets, func(in inlet) bool {
			if in.panes == nil {
				return false
			}
			start, _ := in.panes.Held(t.table.Row(in.ahead, s), -maxPartialTime)
			return start != event.Never
		})
		name := slices.Clone(t.table.Name(s))
		if k >= 0 && binary.BigEndian.Uint32(name[1:]) == uint32(k) {
			continue
		}
		p := aheadPanes{slot: s, name: name, window: k}
		if k >= 0 {
			p.row = slices.Clone(t.table.Row(t.plan.inlets[k].ahead, s))
			binary.BigEndian.PutUint32(name[1:], uint32(k))
		}
		moved = append(moved, p)
	}
	for i := range moved {
		t.table.Drop(moved[i].slot)
	}
	for i := range moved {
		p := &moved[i]
		if p.window < 0 {
			continue
		}
		s, col := t.table.Add(p.name), t.plan.inlets[p.window].ahead
		for words := t.plan.inlets[p.window].panes.Words(); len(p.row) > 0; p.row = p.row[words:] {
			cell := len(t.table.Row(col, s))/words - len(p.row)/words
			if slices.ContainsFunc(p.row[:words], func(w uint64) bool { return w != 0 }) {
				copy(t.table.Write(col, cell, s), p.row)
			}
		}
	}
}

// refitGroup finds out when a window of the group at work is due next: those that made
// it so may be gone.
func (t *Task) refitGroup() {
	due, now := event.Never, t.watermark()
	for k := range t.plan.inlets {
		switch in := &t.plan.inlets[k]; {
		case !t.keeps(t.slot, k):
		case in.ring != nil:
			due = min(due, in.ring.NextDue(t.table.Row(in.ring.col, t.slot), now))
		case in.session != nil:
			due = min(due, in.session.NextDue(t.table.Row(in.session.col, t.slot), now))
		}
	}
	if due != event.Time(t.table.Row(headCol, t.slot)[headDue]) {
		t.table.Write(headCol, 0, t.slot)[headDue] = uint64(due)
	}
}

// refitParts has the device at work look at the panes that it holds for windows over
// several at its next reading, where they are due before what was to be looked at next:
// they may wait for less now.
func (t *Task) refitParts() {
	due := event.Time(t.table.Row(headCol, t.slot)[headDue])
	for k := range t.plan.partials {
		p := &t.plan.partials[k]
		if _, end := p.Held(t.table.Row(p.col, t.slot), -maxPartialTime); end != event.Never && end+t.plan.wait < due {
			t.table.Write(headCol, 0, t.slot)[headDue] = 0
			return
		}
	}
}
