package task

import (
	"math"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// timers are the moments at which rules have something due, or what suppresses their
// alerts may be something else: one for each device,
// the least of all its rules. They are no state. What is due stands in the rules'
// own cells, the head of the device has a time before which nothing is, and
// recovery arms its timer again; a timer that goes off too soon looks and is set
// anew. So a reading need not move the timer of its device, but what comes sooner
// does.
type timers struct {
	*wheel
	at []event.Time // by slot: when its timer goes off; 0: it has none
}

// newTimers returns the timers of a task whose clock stands at now; none where no
// rule has any.
func newTimers(p *Plan, now event.Time) timers {
	if !p.timed {
		return timers{}
	}
	w := timers{wheel: newWheel(timerSpan)}
	w.enter(now / w.granule)
	return w
}

// set has the timer of a slot go off at due or before.
func (w *timers) set(slot statestore.Slot, due event.Time) {
	if missing := int(slot) + 1 - len(w.at); missing > 0 {
		w.at = append(w.at, make([]event.Time, missing)...)
	}
	switch at := w.at[slot]; {
	case at != 0 && at <= due:
		return
	case at != 0:
		w.remove(slot)
	}
	w.at[slot] = due
	w.add(timer{slot: slot, due: due})
}

// timedBytes of outputs end a round of timers: where the clock went far, what is
// due of a whole fleet comes bit by bit, each device by itself in order.
const timedBytes = 4 << 20

// expireDue lets happen what is due at now, over all devices in the order of the
// times at which it is, and at one time what rules have due before who falls silent:
// so it comes in one order, whether the clock went there at once or in steps. Once
// outputs take most bytes, timers wait.
func (t *Task) expireDue(now event.Time, most int) {
	if !t.plan.timed {
		t.expireIdle(now)
		return
	}
	if now < min(t.idle.next(), t.timers.next()) {
		return
	}
	record := t.record
	t.record = nil
	for {
		idle, rules := t.idle.soonest(now), t.timers.soonest(now)
		if t.out.Bytes() >= most {
			rules = event.Never
		}
		switch {
		case rules <= idle && rules != event.Never:
			t.timerDue()
		case idle != event.Never:
			if e, again := t.idleDue(t.idle.pop()); again {
				t.idle.add(e)
			}
		default:
			t.record = record
			return
		}
	}
}

// timerDue lets the rules of a device speak whose timer has gone off.
func (t *Task) timerDue() {
	e := t.timers.pop()
	if t.timers.at[e.slot] != e.due { // it was set to go off sooner, and did
		return
	}
	t.timers.at[e.slot] = 0
	if t.table.Live(e.slot) {
		t.slot = e.slot
		t.wake(e.slot)
		t.runTimers(e.due)
	}
}

// catchUp lets the rules of the device at hand speak that have something due at
// now.
func (t *Task) catchUp(now event.Time) {
	if !t.plan.timed {
		return
	}
	if due := event.Time(t.table.Row(headCol, t.slot)[headTimer]); due != 0 && due <= now {
		t.runTimers(now)
	}
}

// runTimers is catchUp for a device whose rules are to be looked at.
func (t *Task) runTimers(now event.Time) {
	record, moment, after := t.record, t.moment, t.lookedUntil()
	t.record = nil
	d := t.nextDue(after)
	for ; d.at <= now; d = t.nextDue(after) {
		t.moment = d.at
		cause := t.newCause()
		switch d.kind {
		case dueLook:
			t.look()
		case dueRepeat:
			t.sayAgain(&t.plan.rules[d.rule], d.at, now)
		case dueEscalation:
			t.escalate(&t.plan.rules[d.rule], d.at)
		default:
			t.fireAbsence(&t.plan.rules[d.rule], d.at)
		}
		t.endCause(cause)
		after = max(after, d.at)
	}
	t.record, t.moment = record, moment
	t.setTimer(d.at)
}

// due is what a device has due first.
type due struct {
	at   event.Time // event.Never: nothing
	kind dueKind
	rule int // for what is no look
}

// dueKind is what is due.
type dueKind uint8

const (
	dueAbsence dueKind = iota
	dueLook            // a schedule or a silence begins or ends: what suppresses the device's alerts may be something else
	dueRepeat
	dueEscalation
)

// nextDue is what the rules of the device at hand have due first: of one time what
// suppresses alerts, then rule by rule. What suppresses them has been looked at up to
// the time after.
func (t *Task) nextDue(after event.Time) due {
	first := due{at: t.nextLook(after), kind: dueLook}
	for k := range t.plan.rules {
		r := &t.plan.rules[k]
		if r.every > 0 {
			if at := event.Time(t.table.Cell(r.repeatCol, 0, t.slot)[repeatDue]); at != 0 && at < first.at {
				first = due{at: at, kind: dueRepeat, rule: k}
			}
		}
		if len(r.steps) > 0 {
			if _, at := t.nextStep(r); at < first.at {
				first = due{at: at, kind: dueEscalation, rule: k}
			}
		}
		if r.after > 0 {
			if at := t.absentFrom(r); at < first.at {
				first = due{at: at, kind: dueAbsence, rule: k}
			}
		}
	}
	return first
}

// resetTimer looks for what the device at hand has due next, all that was due by the task's
// clock having happened.
func (t *Task) resetTimer() { t.setTimer(t.nextDue(t.lookedUntil()).at) }

// lookedUntil is up to when it was looked at what suppresses alerts of the device at
// hand: before the time of its timer nothing was due.
func (t *Task) lookedUntil() event.Time {
	now := t.Clock()
	if at := event.Time(t.table.Row(headCol, t.slot)[headTimer]); at != 0 {
		now = min(now, at-1)
	}
	return now
}

// setTimer says when the rules of the device at hand have something due next;
// event.Never: nothing.
func (t *Task) setTimer(due event.Time) {
	word := uint64(due)
	if due == event.Never {
		word = 0
	}
	if t.table.Row(headCol, t.slot)[headTimer] != word {
		t.table.Write(headCol, 0, t.slot)[headTimer] = word
	}
	if word != 0 {
		t.timers.set(t.slot, due)
	}
}

// sooner says that the rules of the device at hand have something due.
func (t *Task) sooner(due event.Time) {
	if at := event.Time(t.table.Row(headCol, t.slot)[headTimer]); at == 0 || due < at {
		t.setTimer(due)
	}
}

// armTimer arms the timer of a device that recovery has not armed.
func (t *Task) armTimer(slot statestore.Slot) {
	if !t.plan.timed {
		return
	}
	head := t.table.Row(headCol, slot)
	if due := event.Time(head[headTimer]); due != 0 {
		t.timers.set(slot, due)
	}
	if head[headFlags]&flagOpen != 0 {
		t.setOpen(slot)
	}
}

// timerSpan is what the wheel of timers is made for, a minute to hours ahead.
const timerSpan = hour

// settleTimers lets all that is due by now happen: another roster comes into
// force, and what was due before belongs to the one before.
func (t *Task) settleTimers() {
	if t.o.WallStamped && t.floor == 0 {
		return
	}
	t.record = nil
	t.armSome(int(t.table.Bound()))
	t.expireDue(t.Clock(), math.MaxInt)
}
