package task

import (
	"math"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// scannedPerFold is how many devices a fold looks at after recovery to find out
// what they have not sent.
const scannedPerFold = 4_096

// gathering is what a device task needs for windows over several devices.
type gathering struct {
	held  *held
	of    *partial // whose panes are being sent
	send  func(window.Partial)
	group []byte    // whose pane is being sent
	alone [1]uint64 // the value of a reading that is sent by itself
}

func newGathering(t *Task) *gathering {
	g := &gathering{held: newHeld(t.table.Bound())}
	g.send = t.sendPane
	return g
}

// gatherPane folds a value into the panes of windows over several devices, and
// returns when the device's next window or pane is due.
func (t *Task) gatherPane(feeds *metric, s sample, due event.Time) event.Time {
	if words := t.table.Task(); uint64(s.now) > words[wordForemost] {
		words[wordForemost] = uint64(s.now)
	}
	for _, k := range feeds.partials {
		p := &t.plan.partials[k]
		if p.Late(s.at, s.before) {
			continue
		}
		if p.onChange { // nothing is gathered
			t.gathering.of = p
			t.sendPane(p.Alone(s.at, s.value))
			continue
		}
		t.row.col, t.row.slot = p.col, t.slot
		if !p.Fold(&t.row, s.at, s.value) {
			continue // the pane held something, and all is known of it
		}
		_, end := p.Pane(s.at)
		if end+t.plan.wait <= s.now { // closed before, and open to backfill
			t.sendPanes(k, end)
			continue
		}
		due = min(due, end+t.plan.wait)
		t.hold(end)
	}
	for _, k := range feeds.counted {
		t.sendAlone(&t.plan.counted[k], s)
	}
	return due
}

// hold makes the watermark wait for a pane that the device at work has begun.
// A pane that the watermark has passed is too late for its group already: there is
// nothing to wait for.
func (t *Task) hold(end event.Time) {
	h := t.gathering.held
	if end > t.watermark() && end < h.of(t.slot) { // a device not known yet is known by the scan
		h.set(t.slot, end)
	}
}

// holdLeast finds out what the device at work makes the watermark wait for.
func (t *Task) holdLeast() {
	least := event.Never
	for k := range t.plan.partials {
		p := &t.plan.partials[k]
		_, end := p.Held(t.table.Row(p.col, t.slot), t.watermark())
		least = min(least, end)
	}
	t.gathering.held.set(t.slot, least)
}

// closePanes sends the panes that the device's clock has closed, and returns when
// the next one is due.
func (t *Task) closePanes(now event.Time) event.Time {
	due := event.Never
	for k := range t.plan.partials {
		p := &t.plan.partials[k]
		open, _ := p.Pane(now - t.plan.wait)
		t.sendPanes(k, open)
		due = min(due, p.NextDue(t.table.Row(p.col, t.slot), now))
	}
	if len(t.plan.partials) > 0 {
		t.holdLeast()
	}
	return due
}

// sendAllPanes sends whatever the device at work has gathered: it fell silent, or
// is about to be forgotten.
func (t *Task) sendAllPanes() {
	if len(t.plan.partials) == 0 {
		return
	}
	for k := range t.plan.partials {
		t.sendPanes(k, event.Never)
	}
	t.gathering.held.set(t.slot, event.Never)
}

// sendPanes sends the panes of a window that begin before a time.
func (t *Task) sendPanes(k int, before event.Time) {
	g, p := t.gathering, &t.plan.partials[k]
	g.of = p
	t.row.col, t.row.slot = p.col, t.slot
	p.Drain(&t.row, before, g.send)
}

// sendPane sends one pane of the window at work to its group.
func (t *Task) sendPane(pane window.Partial) {
	of := t.gathering.of
	t.sendPartial(&of.address, of.Told(pane))
}

// sendAlone sends a reading to a count window, in the order of whose readings it
// has no later time than its append time.
func (t *Task) sendAlone(to *address, s sample) {
	at := min(s.at, t.record.Append)
	g := t.gathering
	g.alone[0] = math.Float64bits(s.value)
	t.sendPartial(to, window.Partial{Start: at, End: at + 1, Count: 1, Words: g.alone[:]})
}

// sendPartial sends a partial to its group. Whose group it is, the device's label
// says now; the readings of a device without one are counted.
func (t *Task) sendPartial(to *address, pane window.Partial) {
	device := t.table.Name(t.slot)
	group := t.groupOf(to)
	if len(group) == 0 || len(group) > event.MaxDevice {
		t.table.Task()[wordUngrouped] += pane.Count
		return
	}
	t.out.begin(t.plan.partialsTopic(), group)
	t.out.to(t.o.GroupPartition(group))
	t.out.arena = appendPartial(t.out.arena, partialHead{
		window: to.name, device: device, shape: to.shape, partition: t.o.Partition,
	}, &pane)
	t.out.end(0, "")
}

// groupOf is the name of the group that the device at work belongs to in a window;
// empty for none. It is valid until the next call.
func (t *Task) groupOf(to *address) []byte {
	g := t.gathering
	g.group = append(g.group[:0], configs.GroupAll...)
	if to.window.By != configs.GroupAll {
		g.group = append(g.group[:0], t.labels(t.slot).Text(to.label)...)
	}
	return g.group
}

// watermark is what the task has said last: every pane that ends at or before it,
// of every device that is not silent and not far behind, has been sent.
func (t *Task) watermark() event.Time { return event.Time(t.table.Task()[wordWatermark]) }

// sendWatermark tells all group tasks how far this one is, if that has moved far
// enough: by markStep while it folds, by a second when it has caught up, and in
// any case past the end of a pane.
func (t *Task) sendWatermark(step event.Time) {
	h := t.gathering.held
	last := t.watermark()
	foremost := event.Time(t.table.Task()[wordForemost])
	next := min(t.Clock()-t.plan.wait, max(h.least().due-1, foremost-t.plan.patience))
	if !h.known() || next <= last || next < last+step && !t.passesPane(last, next) {
		return
	}
	t.table.Task()[wordWatermark] = uint64(next)
	for q := range t.o.Partitions {
		t.out.begin(t.plan.partialsTopic(), nil)
		t.out.to(q)
		t.out.arena = appendWatermark(t.out.arena, upstream{t.o.Partition, t.o.Partitions}, next)
		t.out.end(0, "")
	}
	for least := h.least(); least.due <= next; least = h.least() {
		t.slot = least.slot // too far behind to be waited for
		t.holdLeast()
	}
}

// passesPane reports whether a pane of a second or more ends on the way.
func (t *Task) passesPane(from, to event.Time) bool {
	for k := range t.plan.partials {
		p := &t.plan.partials[k]
		before, _ := p.Pane(from)
		now, end := p.Pane(to)
		if now > before && end-now >= leastStep {
			return true
		}
	}
	return false
}

// scanPanes looks at the next n devices that recovery left unknown.
func (t *Task) scanPanes(n int) {
	h := t.gathering.held
	for ; n > 0 && h.scan < h.bound; n-- {
		slot := h.scan
		h.scan++
		if t.table.Live(slot) && h.of(slot) == 0 {
			t.slot = slot
			t.holdLeast()
		}
	}
}
