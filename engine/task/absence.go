package task

import (
	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/roster"
)

// silentFor is since when the device at hand counts as silent for a rule on
// silence that does not fire; false where the rule does not watch it.
func (t *Task) silentFor(r *rule) (event.Time, bool) {
	head := t.table.Row(headCol, t.slot)
	seen := event.Time(head[headSeen])
	if !r.ofRoster {
		return t.silentFrom(seen), seen > 0
	}
	expected := event.Time(head[headExpected])
	return t.silentFrom(max(seen, expected-1)), expected > 1
}

// silentAt is since when the device was silent as a rule that fires on it.
func (t *Task) silentAt(r *rule) event.Time {
	return r.View(t.table.Cell(r.col, 0, t.slot)).EpisodeStart - r.after
}

// absentFrom is when a rule on silence fires on the device at hand; event.Never
// where it fires already, or does not watch it.
func (t *Task) absentFrom(r *rule) event.Time {
	from, watched := t.silentFor(r)
	if !watched || r.View(t.table.Cell(r.col, 0, t.slot)).State != alerts.OK {
		return event.Never
	}
	due := from + r.after
	if t.o.WallStamped && t.floor == 0 {
		due = max(due, t.Clock()+1) // from when it counts is not known yet
	}
	return due
}

// fireAbsence fires a rule on silence.
func (t *Task) fireAbsence(r *rule, due event.Time) {
	_, events := r.Step(t.table.Write(r.col, 0, t.slot), alerts.Sample{Time: due, Value: alerts.Seconds(r.after)})
	t.table.Write(headCol, 0, t.slot)[headFlags] |= flagAbsent
	t.alert(r, &events.List[0], nil, "silence")
}

// endAbsence ends what a rule on silence has open on the device at hand.
func (t *Task) endAbsence(r *rule, reason string) {
	cell := t.table.Cell(r.col, 0, t.slot)
	if r.View(cell).State == alerts.OK {
		return
	}
	s := alerts.Sample{Time: t.moment, Value: alerts.Seconds(t.moment - t.silentAt(r))}
	if e, open := r.End(t.table.Write(r.col, 0, t.slot), s); open {
		t.alert(r, &e, nil, reason)
	}
}

// heard ends what rules on silence have open on the device at hand: its reading is
// a sign of life, whatever becomes of it.
func (t *Task) heard() {
	if len(t.plan.absences) == 0 || t.table.Row(headCol, t.slot)[headFlags]&flagAbsent == 0 {
		return
	}
	for _, k := range t.plan.absences {
		t.endAbsence(&t.plan.rules[k], "")
	}
	t.table.Write(headCol, 0, t.slot)[headFlags] &^= flagAbsent
}

// watchSilence sees to it that rules on silence look at the device at hand, which was
// heard just now.
func (t *Task) watchSilence() {
	if len(t.plan.absences) == 0 {
		return
	}
	head := t.table.Row(headCol, t.slot)
	if !t.plan.watches && head[headExpected] == 0 {
		return
	}
	if at := event.Time(head[headTimer]); at == 0 || at > event.Time(head[headSeen])+t.plan.least {
		t.resetTimer()
	}
}

// expect puts a version of the roster in force for the rules that watch its
// devices. Those of this partition get slots, heard or not: what is known of them
// has to survive like all else.
func (t *Task) expect(r *roster.Roster) {
	for slot := range t.table.Bound() {
		if t.table.Live(slot) && t.table.Row(headCol, slot)[headExpected] != 0 && !r.Has(t.table.Name(slot)) {
			t.slot = slot
			t.strike()
		}
	}
	for i := range r.Len() {
		name := r.Name(i)
		if t.o.PartitionOf != nil && t.o.PartitionOf(name) != t.o.Partition {
			continue
		}
		slot, known := t.table.Lookup(name)
		if !known {
			slot = t.table.Add(name)
			t.unlabel(slot)
		}
		if t.slot = slot; t.table.Row(headCol, slot)[headExpected] == 0 {
			t.expectFrom(t.Clock())
		}
	}
}

// expectFrom has the device at hand expected from a time on, 0 being not known
// yet.
func (t *Task) expectFrom(at event.Time) {
	t.table.Write(headCol, 0, t.slot)[headExpected] = uint64(at) + 1
	t.resetTimer()
}

// firstTime is when the task's clock is set for the first time: the devices that
// the roster named before are expected from then on.
func (t *Task) firstTime(now event.Time) {
	for slot := range t.table.Bound() {
		if t.table.Live(slot) && t.table.Row(headCol, slot)[headExpected] == 1 {
			t.slot = slot
			t.expectFrom(now)
		}
	}
}

// strike ends what the device at hand, which the roster no longer names, has open
// for that. Where it was never heard nothing is left of it.
func (t *Task) strike() {
	t.moment = t.Clock()
	t.catchUp(t.moment)
	absent := uint64(0)
	for _, k := range t.plan.absences {
		r := &t.plan.rules[k]
		switch {
		case r.ofRoster:
			t.endAbsence(r, "struck")
			if r.flapping.Changes > 0 {
				clear(t.table.Write(r.flapCol, 0, t.slot))
			}
		case r.View(t.table.Cell(r.col, 0, t.slot)).State != alerts.OK:
			absent = flagAbsent
		}
	}
	head := t.table.Write(headCol, 0, t.slot)
	head[headExpected], head[headFlags] = 0, head[headFlags]&^flagAbsent|absent
	if head[headSeen] == 0 {
		t.endGone()
		t.table.Drop(t.slot)
		return
	}
	t.resetTimer()
}

// forgetExpected drops all that is known of the device at hand but what rules that
// watch the roster need: silent it is still, and expected.
func (t *Task) forgetExpected() {
	type kept struct {
		col   int
		words []uint64
	}
	var all []kept
	keep := func(col int) {
		all = append(all, kept{col, append([]uint64(nil), t.table.Row(col, t.slot)...)})
	}
	from := t.silentFrom(event.Time(max(t.table.Row(headCol, t.slot)[headSeen], t.table.Row(headCol, t.slot)[headExpected]-1)))
	absent := uint64(0)
	for _, k := range t.plan.absences {
		r := &t.plan.rules[k]
		if !r.ofRoster {
			continue
		}
		keep(r.col)
		if r.every > 0 {
			keep(r.repeatCol)
		}
		if len(r.steps) > 0 {
			keep(r.escalateCol)
		}
		if r.flapping.Changes > 0 {
			keep(r.flapCol)
		}
		if r.View(t.table.Cell(r.col, 0, t.slot)).State != alerts.OK {
			absent = flagAbsent | flagOpen
		}
	}
	resets := t.resets()
	t.table.Clear(t.slot)
	for _, k := range all {
		copy(t.table.Write(k.col, 0, t.slot), k.words)
	}
	head := t.table.Write(headCol, 0, t.slot)
	head[headFlags], head[headResets] = absent, resets // the number is part of the ids of what goes on
	t.expectFrom(from)
}
