package task

import (
	"encoding/binary"
	"slices"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
	"github.com/weirstream/weir/statestore"
)

// groups is a group task's memory beside its state, which it follows from. A slot
// of the state is one of three things, told apart by the name:
//
//	BY 0 GROUP                        a group: its rings and rules, and when its next window is due
//	0 PARTITION                       a partition of the source: its watermark, as the clock in the head
//	1 WINDOW CHUNK BY 0 GROUP         panes of a group that are too far ahead for its ring
//
// Panes get ahead where a partition of the source stands still, or has a day to
// catch up: the others go on, and nobody is late for that.
type groups struct {
	heading  event.Time   // where their clock is moving to, or has been moved
	upstream []event.Time // by partition of the source: its watermark; 0: none yet
	dues     heap[timer]  // of groups; one that does not agree with the head is void
	forgets  heap[timer]  // of groups: one each, not later than when it is to be forgotten
	ahead    []aheadRow   // in no order
	place    []int32      // by slot: 1 + where in ahead it is; 0: nowhere
	leasts   heap[timer]  // of ahead; one that does not agree with the row is void
	near     []aheadRow   // those being promoted
	in       partialRecord
	name     []byte
	at       int // the window whose panes are being promoted
	other    row // a row of panes ahead, while t.row is that of the group
	promote  func(window.Partial)
	compare  func(a, b aheadRow) int
}

// aheadRow is a slot of panes ahead, with the start of its earliest pane.
type aheadRow struct {
	slot   statestore.Slot
	window int
	chunk  int64
	least  event.Time
}

const (
	upstreamMark = 0
	aheadMark    = 1
	aheadPrefix  = 1 + 4 + 8
)

// newGroups finds the task's memory in its state.
func newGroups(t *Task) *groups {
	g := &groups{upstream: make([]event.Time, t.o.Partitions), dues: heap[timer]{before: timer.before}, forgets: heap[timer]{before: timer.before}, leasts: heap[timer]{before: timer.before}}
	g.other.table = t.table
	g.promote, g.compare = t.promotePane, t.compareAhead
	for s := range t.table.Bound() {
		if !t.table.Live(s) {
			continue
		}
		name := t.table.Name(s)
		head := t.table.Row(headCol, s)
		switch name[0] {
		case upstreamMark:
			if p := binary.BigEndian.Uint32(name[1:]); p < uint32(len(g.upstream)) {
				g.upstream[p] = event.Time(head[headClock])
			}
		case aheadMark:
			k := int(binary.BigEndian.Uint32(name[1:]))
			in := &t.plan.inlets[k]
			start, _ := in.panes.Held(t.table.Row(in.ahead, s), -maxPartialTime)
			g.addAhead(aheadRow{slot: s, window: k, chunk: in.panes.Chunk(start), least: start})
		default:
			if due := event.Time(head[headDue]); due != event.Never {
				g.dues.push(timer{due: due, slot: s})
			}
			t.armTimer(s)
			if head[headReached] != 0 {
				g.forgets.push(timer{due: t.keptUntil(s), slot: s})
			}
		}
	}
	return g
}

// foldPartials folds records of the topic of partials in the order of offsets.
func (t *Task) foldPartials(records []Record) {
	for i := range records {
		rec := &records[i]
		t.record, t.shown = rec, false
		t.table.Task()[wordRecords]++
		if !t.o.WallStamped && !rec.Unstamped {
			t.tickGroups(rec.Append)
		}
		t.record, t.moment = rec, max(t.Clock(), rec.Append)
		t.foldPartial(rec)
		t.settle()
		t.endCause(0)
	}
	t.record = nil
}

func (t *Task) foldPartial(rec *Record) {
	g, words := t.groups, t.table.Task()
	err := g.in.parse(rec.Value)
	if err == nil && g.in.kind == kindWatermark && g.in.partitions == t.o.Partitions && g.in.partition < t.o.Partitions {
		t.hear(g.in.partition, g.in.watermark)
		return
	}
	words[wordIn]++
	k, why := -1, errNoPartial
	if err == nil && g.in.kind == kindPartial {
		k, why = t.windowOf(rec), errNoWindow
	}
	if k < 0 {
		words[wordBad]++
		t.quarantine(&event.Reading{Metric: event.Undeclared, Bad: event.Malformed}, rec.Append, event.Malformed, why)
		return
	}
	p, now := g.in.partial, t.watermark()
	if t.lateFor(k, rec.Key, p) {
		words[wordLate]++
		t.quarantineLate(k, rec)
		return
	}
	words[wordProcessed]++
	t.slot = t.groupSlot(k, rec.Key)
	t.catchUp(t.Clock())
	t.reach(p.End)
	if t.plan.inlets[k].panes != nil && t.isAhead(p.Start, now) {
		t.absorbAhead(k, rec.Key, p)
		return
	}
	t.absorb(k, p, now)
}

// windowOf is the window that a partial is for; -1 where it is for none of this
// plan: a record that is not weir's, or of a former version of the file.
func (t *Task) windowOf(rec *Record) int {
	g := t.groups
	k := slices.IndexFunc(t.plan.inlets, func(in inlet) bool { return in.window.Name == string(g.in.window) })
	if k < 0 || len(rec.Key) == 0 || len(rec.Key) > event.MaxDevice {
		return -1
	}
	in := &t.plan.inlets[k]
	start, end := in.pane(g.in.partial.Start)
	if start != g.in.partial.Start {
		return -1
	}
	if g.in.partial.End = end; !in.fits(&g.in.partial, g.in.shape) {
		return -1
	}
	return k
}

// dueBy makes the group at work look at its windows by then.
func (t *Task) dueBy(due event.Time) {
	if due < event.Time(t.table.Row(headCol, t.slot)[headDue]) {
		t.setDue(due)
	}
}

func (t *Task) setDue(due event.Time) {
	t.table.Write(headCol, 0, t.slot)[headDue] = uint64(due)
	if due != event.Never {
		t.groups.dues.push(timer{due: due, slot: t.slot})
	}
}

// hear takes the watermark of a partition of the source. The clock of all groups
// is the least of them, once every partition has spoken.
func (t *Task) hear(partition int32, watermark event.Time) {
	g := t.groups
	if watermark <= g.upstream[partition] {
		return
	}
	g.upstream[partition] = watermark
	g.name = binary.BigEndian.AppendUint32(append(g.name[:0], upstreamMark), uint32(partition))
	t.table.Write(headCol, 0, t.slotOf(g.name))[headClock] = uint64(watermark)
	if to := slices.Min(g.upstream); to > t.watermark() {
		t.moveGroups(to)
		t.forgetGroups()
		t.table.Task()[wordStill] = uint64(t.Clock())
	}
}

// moveGroups moves the clock of all groups. It stops on the way wherever panes
// ahead begin, for these have to be in their rings before a window that takes them
// can close.
func (t *Task) moveGroups(to event.Time) {
	words := t.table.Task()
	t.groups.heading = to
	for now := t.watermark(); now < to; {
		next := min(to, t.groups.leastAhead())
		t.closeGroups(next)
		now = next
		words[wordWatermark] = uint64(now)
		t.promoteAhead(now)
	}
}

// closeGroups closes the windows that end by then, in the order of their ends and
// then of the groups.
func (t *Task) closeGroups(by event.Time) {
	g := t.groups
	t.closing = true
	defer func() { t.closing = false }()
	for len(g.dues.items) > 0 && g.dues.items[0].due <= by {
		e := g.dues.pop()
		if !t.table.Live(e.slot) || event.Time(t.table.Row(headCol, e.slot)[headDue]) != e.due {
			continue
		}
		t.slot = e.slot
		t.catchUp(t.Clock())
		next := event.Never
		for k := range t.plan.inlets {
			if t.keeps(e.slot, k) {
				next = min(next, t.closeInlet(k, e.due))
			}
		}
		t.setDue(next)
	}
}

// isAhead reports whether a group's ring does not reach so far at that clock.
func (t *Task) isAhead(start, now event.Time) bool { return start >= now+t.plan.skew }

// absorbAhead keeps a partial until the clock of the groups gets near it.
func (t *Task) absorbAhead(k int, group []byte, p window.Partial) {
	g, in := t.groups, &t.plan.inlets[k]
	chunk := in.panes.Chunk(p.Start)
	g.name = binary.BigEndian.AppendUint32(append(g.name[:0], aheadMark), uint32(k))
	g.name = binary.BigEndian.AppendUint64(g.name, uint64(chunk))
	g.name = t.appendGroup(g.name, k, group)
	slot := t.slotOf(g.name)
	if row := g.rowAhead(slot); row == nil {
		g.addAhead(aheadRow{slot: slot, window: k, chunk: chunk, least: p.Start})
	} else if p.Start < row.least {
		g.setLeast(row, p.Start)
	}
	g.other.col, g.other.slot = in.ahead, slot
	in.panes.Absorb(&g.other, p, p.Start)
}

// promoteAhead moves panes that have come near into the windows of their groups.
// What a window says of each is in an order that follows from the state.
func (t *Task) promoteAhead(now event.Time) {
	g := t.groups
	g.near = g.near[:0]
	for !t.isAhead(g.leastAhead(), now) {
		row := g.rowAhead(g.leasts.pop().slot)
		g.near = append(g.near, *row)
		row.least = event.Never
	}
	if len(g.near) > 1 {
		slices.SortFunc(g.near, g.compare)
	}
	for _, a := range g.near {
		t.slot = t.slotOf(t.table.Name(a.slot)[aheadPrefix:])
		in := &t.plan.inlets[a.window]
		g.at, g.other.col, g.other.slot = a.window, in.ahead, a.slot
		in.panes.Drain(&g.other, now+t.plan.skew, g.promote)
		if least, _ := in.panes.Held(t.table.Row(in.ahead, a.slot), -maxPartialTime); least != event.Never {
			g.setLeast(g.rowAhead(a.slot), least)
			continue
		}
		g.removeAhead(a.slot)
		t.table.Drop(a.slot)
	}
}

func (t *Task) promotePane(p window.Partial) { t.absorb(t.groups.at, p, t.watermark()) }

// tickGroups moves the task's clock. Where the clock of the groups stands still
// for idle_after, what is open is emitted as provisional: a partition of the source
// is behind or has no owner, and nobody knows for how long.
func (t *Task) tickGroups(now event.Time) {
	words := t.table.Task()
	if now <= event.Time(words[wordClock]) {
		return
	}
	words[wordClock] = uint64(now)
	still := event.Time(words[wordStill])
	t.expireDue(min(now, still+t.plan.idleAfter), timedBytes)
	if now < still+t.plan.idleAfter {
		return
	}
	// Not now: of several moments at which wall time entered between two records the
	// journal tells the last, and what follows must not depend on the others.
	words[wordStill] += uint64((now - still) / t.plan.idleAfter * t.plan.idleAfter)
	t.record, t.moment = nil, still+t.plan.idleAfter
	for s := range t.table.Bound() {
		if !t.table.Live(s) || t.table.Name(s)[0] <= aheadMark {
			continue
		}
		t.slot = s
		t.catchUp(t.moment)
		for k := range t.plan.inlets {
			if t.keeps(s, k) {
				t.sayInlet(k)
			}
		}
		t.settle()
		t.endCause(0)
	}
	t.expireDue(now, timedBytes)
}

// nextOfGroups is when the clock of the groups will have stood still for long, or
// a rule has something due.
func (t *Task) nextOfGroups() event.Time {
	next := event.Time(t.table.Task()[wordStill]) + t.plan.idleAfter
	if t.plan.timed {
		next = min(next, t.timers.next())
	}
	return next
}

// groupSlot is the slot of a window's group, which is made where it is new.
func (t *Task) groupSlot(k int, group []byte) statestore.Slot {
	t.groups.name = t.appendGroup(t.groups.name[:0], k, group)
	return t.slotOf(t.groups.name)
}

func (t *Task) appendGroup(b []byte, k int, group []byte) []byte {
	b = append(b, t.plan.inlets[k].by...)
	return append(append(b, 0), group...)
}

// slotOf is the slot of that name, which is made where it is new.
func (t *Task) slotOf(name []byte) statestore.Slot {
	if s, ok := t.table.Lookup(name); ok {
		return s
	}
	s := t.table.Add(name)
	if name[0] > aheadMark {
		t.table.Write(headCol, 0, s)[headDue] = uint64(event.Never)
	}
	return s
}

// keeps reports whether the group in a slot is one of the window's.
func (t *Task) keeps(s statestore.Slot, k int) bool {
	return t.plan.inlets[k].keeps(t.table.Name(s))
}
