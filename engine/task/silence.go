package task

import (
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// Now is what the engine knows of time when a task has caught up.
type Now struct {
	Wall event.Time
	Mono int64 // monotonic milliseconds since some fixed moment of this process, from 0
	// Position is the source offset below which everything has been folded.
	Position int64
}

// hour bounds how far apart two sightings of silence need to be before a device
// is forgotten.
const hour = 3_600_000

// armedPerAdvance is how many devices one Advance arms after recovery, so that
// going live does not wait for a scan over all of them.
const armedPerAdvance = 16_384

// Advance lets wall time enter the task: the caller has caught up at now. It
// emits the open windows of silent devices and forgets devices that have been
// silent long enough.
func (t *Task) Advance(now Now) {
	t.record, t.mono = nil, now.Mono
	t.wallEntered(now)
	if !t.tally.complete {
		t.tallySome()
	}
	if t.groups != nil {
		t.tickGroups(now.Wall)
		t.expireDue(t.Clock(), timedBytes) // what was armed since may have been due already
		t.mono = undated
		return
	}
	t.date(now.Mono)
	if t.floor == 0 && t.o.WallStamped {
		t.floor = now.Wall
	}
	t.armSome(armedPerAdvance)
	t.tick(now.Wall)
	t.expireDue(t.Clock(), timedBytes) // what was armed just now may have been due already
	if now.Wall >= t.forget.next() {
		t.forget.expire(now.Wall, func(e timer) (timer, bool) { return t.forgetDue(e, now) })
	}
	t.mono = undated
	if t.gathering != nil {
		t.scanPanes(armedPerAdvance)
		t.sendWatermark(leastStep)
	}
}

// NextTimer is when Advance will next have something to do.
func (t *Task) NextTimer() event.Time {
	if t.groups != nil {
		return t.nextOfGroups()
	}
	if t.scan < t.table.Bound() {
		return 0
	}
	next := min(t.idle.next(), t.forget.next())
	if t.plan.timed {
		next = min(next, t.timers.next())
	}
	return next
}

// tick moves the task's clock and fires the timers of devices fallen silent.
func (t *Task) tick(now event.Time) {
	words := t.table.Task()
	if now <= event.Time(words[wordClock]) {
		return
	}
	first := words[wordClock] == 0
	words[wordClock] = uint64(now)
	if first && t.plan.expects {
		t.firstTime(now)
	}
	t.expireDue(now, timedBytes)
}

func (t *Task) expireIdle(now event.Time) {
	if now < t.idle.next() {
		return
	}
	record := t.record
	t.record = nil
	t.idle.expire(now, t.idleDue)
	t.record = record
}

// idleDue looks at a device whose timer ran out.
func (t *Task) idleDue(e timer) (timer, bool) {
	if !t.table.Live(e.slot) {
		return timer{}, false
	}
	head := t.table.Row(headCol, e.slot)
	due := t.silentFrom(event.Time(head[headSeen])) + t.plan.idleAfter
	if due > e.due { // it spoke meanwhile; perhaps others fell silent before it did
		e.due = due
		return e, true
	}
	t.slot = e.slot
	t.fallSilent()
	return timer{}, false
}

// silentFrom is when a device last seen at seen counts as silent from.
func (t *Task) silentFrom(seen event.Time) event.Time { return max(seen, t.floor) }

// fallSilent emits the open windows of the device and makes the first of the two
// sightings that forgetting it needs.
func (t *Task) fallSilent() {
	before := t.moment
	t.moment = t.silentFrom(event.Time(t.table.Row(headCol, t.slot)[headSeen])) + t.plan.idleAfter
	t.catchUp(t.moment)
	cause := t.newCause()
	head := t.table.Write(headCol, 0, t.slot)
	head[headFlags] |= flagIdle
	for i := range t.plan.rings {
		ring := &t.plan.rings[i]
		t.use(&ring.outlet)
		ring.Provisional(&t.row, event.Time(head[headClock]), t.emit)
	}
	t.silenceSessions(event.Time(head[headClock]))
	t.sendAllPanes()
	t.settle()
	t.endCause(cause)
	t.moment = before
	t.sight()
}

// sighting is what forgetting knows of a slot beside the device's state.
type sighting struct {
	mono  int64 // of the first sighting of the device's present silence
	timer bool  // the forget wheel holds a timer of the slot
}

// undated is the monotonic time of what happens while records are folded: the
// next Advance dates it.
const undated = -1

// sight makes the first of the two sightings that forgetting the device needs. A
// device that falls silent again and again keeps the timer it has.
func (t *Task) sight() {
	t.setArmed(t.slot)
	for int(t.slot) >= len(t.sightings) {
		t.sightings = append(t.sightings, sighting{})
	}
	s := &t.sightings[t.slot]
	if t.mono == undated && s.mono != undated {
		t.undated = append(t.undated, t.slot)
	}
	s.mono = t.mono
	if !s.timer {
		s.timer = true
		seen := event.Time(t.table.Row(headCol, t.slot)[headSeen])
		t.forget.add(timer{slot: t.slot, due: t.silentFrom(seen) + t.plan.forget})
	}
}

// date dates the sightings made since the last Advance. Dating them too late
// only keeps a device longer.
func (t *Task) date(mono int64) {
	for _, slot := range t.undated {
		if s := &t.sightings[slot]; s.mono == undated {
			s.mono = mono
		}
	}
	t.undated = t.undated[:0]
}

// forgetDue makes the second sighting. Both wall and monotonic time must have
// passed: a wall clock that jumped forward forgets nobody who still speaks.
func (t *Task) forgetDue(e timer, now Now) (timer, bool) {
	s := &t.sightings[e.slot]
	s.timer = false
	if !t.table.Live(e.slot) {
		return timer{}, false
	}
	head := t.table.Row(headCol, e.slot)
	if head[headFlags]&flagIdle == 0 {
		return timer{}, false // it spoke; its next silence gets a timer of its own
	}
	e.due = t.silentFrom(event.Time(head[headSeen])) + t.plan.forget
	apart := min(t.plan.forget-t.plan.idleAfter, hour) // the first sighting was made idle_after into the silence
	if missing := int64(apart) - (now.Mono - s.mono); missing > 0 {
		e.due = max(e.due, now.Wall+event.Time(missing))
	}
	if e.due > now.Wall {
		s.timer = true
		return e, true
	}
	t.slot = e.slot
	t.forgetDevice()
	return timer{}, false
}

// endOpen ends what the device has open, before all that is known of it is dropped.
func (t *Task) endOpen() {
	head := t.table.Row(headCol, t.slot)
	t.closing = true
	defer func() { t.closing = false }()
	for i := range t.plan.rings {
		ring := &t.plan.rings[i]
		t.use(&ring.outlet)
		ring.Flush(&t.row, event.Time(head[headClock]), t.emit)
	}
	t.flushSessions(event.Time(head[headClock]))
	t.sendAllPanes()
	t.settle()
	t.endEpisodes(event.Time(head[headClock]))
}

// endEpisodes ends the open episodes of the device or group at work, whose clock
// is given, because it is forgotten.
func (t *Task) endEpisodes(clock event.Time) {
	for k := range t.plan.rules {
		rule := &t.plan.rules[k]
		if rule.after > 0 {
			if !rule.ofRoster {
				t.endAbsence(rule, "forgotten")
			}
			continue
		}
		scratch := t.scratch[:rule.Words()]
		copy(scratch, t.table.Cell(rule.col, 0, t.slot))
		// A window's end, which its rules take for the time, may lie ahead of
		// the clock; an episode must not end before it began.
		at := max(clock, rule.View(scratch).Last)
		if e, open := t.machine(rule).Forget(scratch, at); open {
			t.alert(rule, &e, nil, "forgotten")
		}
	}
}

// forgetDevice ends what the device has open and drops its state.
func (t *Task) forgetDevice() {
	t.moment = t.Clock()
	t.catchUp(t.moment)
	cause := t.newCause()
	t.endOpen()
	t.table.Task()[wordForgotten]++
	t.forgot(t.table.Name(t.slot))
	t.clearArmed(t.slot)
	if t.plan.expects && t.table.Row(headCol, t.slot)[headExpected] != 0 {
		t.forgetExpected()
		t.endCause(cause)
		return
	}
	t.table.Drop(t.slot)
	t.endCause(cause)
	if t.gathering != nil {
		t.gathering.held.set(t.slot, 0)
	}
}

// wake arms a device that recovery has not armed yet, before its reading is
// looked at: a silence that ended with this reading was a silence.
func (t *Task) wake(slot statestore.Slot) {
	if t.groups != nil || t.isArmed(slot) { // groups do not fall silent, and headSeen is another word of theirs
		return
	}
	head := t.table.Row(headCol, slot)
	seen := event.Time(head[headSeen])
	if seen == 0 || head[headFlags]&flagIdle != 0 || t.o.WallStamped && t.floor == 0 {
		return
	}
	if t.silentFrom(seen)+t.plan.idleAfter <= t.Clock() {
		record := t.record
		t.record = nil
		t.fallSilent()
		t.record = record
	}
}

// armSome arms the timers of the next n slots that recovery left unarmed.
func (t *Task) armSome(n int) {
	if t.groups != nil {
		return // their timers are armed, and they do not fall silent
	}
	for ; n > 0 && t.scan < t.table.Bound(); n-- {
		slot := t.scan
		t.scan++
		if !t.table.Live(slot) {
			continue
		}
		t.armTimer(slot)
		if t.isArmed(slot) {
			continue
		}
		head := t.table.Row(headCol, slot)
		seen := event.Time(head[headSeen])
		if seen == 0 {
			continue // never heard, but expected
		}
		if head[headFlags]&flagIdle != 0 {
			t.slot = slot
			t.sight()
			continue
		}
		t.arm(slot, timer{slot: slot, due: t.silentFrom(seen) + t.plan.idleAfter})
	}
}

func (t *Task) arm(slot statestore.Slot, e timer) {
	t.setArmed(slot)
	t.idle.add(e)
}

func (t *Task) isArmed(slot statestore.Slot) bool {
	i := int(slot >> 6)
	return i < len(t.armed) && t.armed[i]>>(slot&63)&1 != 0
}

func (t *Task) setArmed(slot statestore.Slot) {
	for int(slot>>6) >= len(t.armed) {
		t.armed = append(t.armed, 0)
	}
	t.armed[slot>>6] |= 1 << (slot & 63)
}

func (t *Task) clearArmed(slot statestore.Slot) { t.armed[slot>>6] &^= 1 << (slot & 63) }
