package task

import (
	"encoding/binary"
	"slices"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// aheadPanes is a slot of panes ahead that is on its way to another name.
type aheadPanes struct {
	slot statestore.Slot
	name []byte
	ring int // -1: the window is gone
	row  []uint64
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
		k := slices.IndexFunc(t.plan.rings, func(r ring) bool {
			start, _ := r.Held(t.table.Row(r.col, s), -maxPartialTime)
			return start != event.Never
		})
		name := slices.Clone(t.table.Name(s))
		if k >= 0 && binary.BigEndian.Uint32(name[1:]) == uint32(k) {
			continue
		}
		p := aheadPanes{slot: s, name: name, ring: k}
		if k >= 0 {
			p.row = slices.Clone(t.table.Row(t.plan.rings[k].col, s))
			binary.BigEndian.PutUint32(name[1:], uint32(k))
		}
		moved = append(moved, p)
	}
	for i := range moved {
		t.table.Drop(moved[i].slot)
	}
	for i := range moved {
		p := &moved[i]
		if p.ring < 0 {
			continue
		}
		s, col := t.table.Add(p.name), t.plan.rings[p.ring].col
		for words := t.plan.rings[p.ring].Words(); len(p.row) > 0; p.row = p.row[words:] {
			cell := len(t.table.Row(col, s))/words - len(p.row)/words
			if slices.ContainsFunc(p.row[:words], func(w uint64) bool { return w != 0 }) {
				copy(t.table.Write(col, cell, s), p.row)
			}
		}
	}
}

// fitGroups drops groups of which no window is left, and finds out when the windows of
// the others are due: those that made them so may be gone.
func (t *Task) fitGroups() {
	if t.groups == nil {
		return
	}
	for s := range t.table.Bound() {
		if !t.table.Live(s) || t.table.Name(s)[0] <= aheadMark {
			continue
		}
		kept, due := false, event.Never
		for k := range t.plan.rings {
			if r := &t.plan.rings[k]; t.keeps(s, k) {
				kept, due = true, min(due, r.NextDue(t.table.Row(r.col, s), t.watermark()))
			}
		}
		switch {
		case !kept:
			t.table.Drop(s)
		case due != event.Time(t.table.Row(headCol, s)[headDue]):
			t.slot = s
			t.setDue(due)
		}
	}
}
