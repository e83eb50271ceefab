package task

import (
	"strconv"

	"github.com/weirstream/weir/event"
)

// restarts notes a late reading at that time and reports whether its device has
// been late for so long that its clock restarts: then it has done so, and the
// reading is no longer late. A device whose own clock went back would otherwise be
// late until that has come to where it was: an hour for an hour, and decades where
// it began again at 1970.
func (t *Task) restarts(rec *Record, r *event.Reading, at event.Time) bool {
	if t.plan.resetAfter == 0 {
		return false
	}
	since := t.table.Row(headCol, t.slot)[headLate]
	if since == 0 {
		t.table.Write(headCol, 0, t.slot)[headLate] = uint64(rec.Append) + 1
		return false
	}
	if rec.Append-event.Time(since-1) < t.plan.resetAfter {
		return false
	}
	t.resetClock(rec, r, at)
	return true
}

// resetClock ends what the device has open and drops all that is known of it,
// but how often that has happened. The reading at that time, which is the cause,
// is then the first of a new device, and dedupe remembers it as such.
//
// The device keeps its slot, so that timers and sightings of it go on as they
// are: whether it counts as silent stays too, for that says which of the two
// wheels has its timer, and the reading ends the silence as any other does.
func (t *Task) resetClock(rec *Record, r *event.Reading, at event.Time) {
	t.endOpen()
	head := t.table.Row(headCol, t.slot)
	resets := head[headResets] + 1
	t.clockReset(rec, clockReset{
		from: event.Time(head[headClock]), to: at, lateSince: event.Time(head[headLate] - 1), resets: resets,
	})
	t.table.Task()[wordResets]++
	flags, expected := head[headFlags], uint64(0)
	if t.plan.expects {
		expected = head[headExpected]
	}
	t.table.Clear(t.slot)
	w := t.table.Write(headCol, 0, t.slot)
	w[headFlags], w[headResets] = flags&flagIdle, resets
	if t.plan.expects {
		w[headExpected] = expected
	}
	t.sample = -1 // the verdict on this message was of the device before
	t.duplicate(r, at)
}

// resets is how often the clock of the device at work was restarted.
func (t *Task) resets() uint64 { return t.table.Row(headCol, t.slot)[headResets] }

// clockReset is what happened to a device's clock.
type clockReset struct {
	from, to  event.Time
	lateSince event.Time // append time of the first late reading since the last processed one
	resets    uint64     // how often it has happened to the device, this time included
}

// clockReset puts a restart on record, in the topic that has the late readings
// which led to it.
func (t *Task) clockReset(rec *Record, c clockReset) {
	device := t.table.Name(t.slot)
	t.out.begin(QuarantineTopic, device)
	b := append(t.out.arena, `{"schema":"`+eventSchema+`","pipeline":`...)
	b = appendString(b, t.plan.Pipeline.Name)
	b = append(b, `,"event":"clock_reset","device":`...)
	b = appendString(b, device)
	b = append(b, `,"from":`...)
	b = t.stamps.append(b, c.from)
	b = append(b, `,"to":`...)
	b = t.stamps.append(b, c.to)
	b = append(b, `,"late_since":`...)
	b = t.stamps.append(b, c.lateSince)
	b = append(b, `,"resets":`...)
	b = strconv.AppendUint(b, c.resets, 10)
	b = append(b, `,"source":`...)
	b = t.appendCause(b, "")
	b = append(b, `,"appended":`...)
	b = t.stamps.append(b, rec.Append)
	t.out.arena = append(b, '}')
	t.out.end(0, "")
}

// appendResets appends the field resets, which results and alerts have where the
// device's clock was restarted: the same times may come again after it.
func appendResets(b []byte, resets uint64) []byte {
	if resets == 0 {
		return b
	}
	return strconv.AppendUint(append(b, `,"resets":`...), resets, 10)
}
