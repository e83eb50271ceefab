package alerts

import (
	"slices"

	"github.com/weirstream/weir/event"
)

// Step folds one sample, in order of time, into w, the r.Words() words of one
// (rule, device). It reports whether w changed, and the events that follow, in
// order; at most two, of which the first then ends an episode and the second
// starts the next. A sample that keeps the rule in ok, that is older than the
// newest one of an episode, or that is NaN, changes nothing; nor does one in ok
// at the time at which the last episode began.
func (r *Rule) Step(w []uint64, s Sample) (changed bool, ev Events) {
	if r.Quiet(w, s.Value) || s.Value != s.Value {
		return false, ev
	}
	m := r.load(w)
	if !m.takes(s.Time) {
		return false, ev
	}
	if m.seen && s.Time == m.last && m.state != OK {
		return r.again(w, m, s)
	}
	return true, r.step(w, &m, s)
}

// again takes one more sample of the time of the newest one, which may say just what that did.
func (r *Rule) again(w []uint64, m memory, s Sample) (changed bool, ev Events) {
	var before [maxWords]uint64
	copy(before[:], w[:r.words])
	ev = r.step(w, &m, s)
	return !slices.Equal(before[:r.words], w[:r.words]), ev
}

// step takes a sample that comes in order.
func (r *Rule) step(w []uint64, m *memory, s Sample) (ev Events) {
	st := step{rule: r, w: w, m: m, s: s, x: r.sign * s.Value, waited: -1}
	if m.state == Pending {
		st.waited = r.waiting(w)
	}
	worth := st.cover(&ev)
	st.latch(worth)
	st.relatch()
	st.move(&ev)
	m.seen, m.last = true, s.Time
	r.store(w, *m)
	return ev
}

// Forget ends what w holds, because the state of its device is dropped at t: a
// firing or recovering episode ends with resolved, a pending one with ok. It
// clears w and reports whether there is an event.
func (r *Rule) Forget(w []uint64, t event.Time) (Event, bool) {
	return r.End(w, Sample{Time: t, Value: r.load(w).value})
}

// step is one sample on its way into the memory.
type step struct {
	rule   *Rule
	w      []uint64
	m      *memory
	s      Sample
	x      float64 // sign * value
	waited int     // the highest level that waited before the sample
}

// cover returns what the time since the newest sample is worth to the running
// holds, in milliseconds, and starts them over where a hole resets them.
func (st *step) cover(ev *Events) event.Time {
	r, m := st.rule, st.m
	if m.state == OK {
		return 0
	}
	passed := st.s.Time - m.last
	if r.idleAfter == 0 || passed <= r.idleAfter {
		return passed
	}
	switch r.onGap {
	case Hold:
		return passed
	case Reset:
		r.stopHolds(st.w)
		if m.state == Pending {
			st.end(ev, EventOK)
		}
	}
	return 0
}

// latch lets every level look at the sample.
func (st *step) latch(worth event.Time) {
	for i := range st.rule.levels {
		l := &st.rule.levels[i]
		bit := uint32(1) << i
		switch {
		case st.m.latched&bit != 0:
			if st.x < l.leave {
				st.m.latched &^= bit
			}
		case !(st.x > l.enter):
			if l.slot > 0 {
				st.w[l.slot] = 0
			}
		case l.slot == 0:
			st.m.latched |= bit
		default:
			if st.w[l.slot] == 0 {
				st.w[l.slot] = 1
			} else {
				st.w[l.slot] += uint64(worth)
			}
			if st.w[l.slot]-1 >= uint64(l.hold) {
				st.m.latched |= bit
				st.w[l.slot] = 0
			}
		}
	}
}

// relatch brings back levels whose hold the episode has served already, where
// keep_firing holds it open.
func (st *step) relatch() {
	if st.rule.keepFiring == 0 || st.m.latched != 0 || st.m.level < 0 {
		return
	}
	for i := 0; i <= st.m.level; i++ {
		l := &st.rule.levels[i]
		if !(st.x > l.enter) {
			continue // a device's own thresholds need not rise from level to level
		}
		st.m.latched |= 1 << i
		if l.slot > 0 {
			st.w[l.slot] = 0
		}
	}
}

// move takes the state to where the latches say it is.
func (st *step) move(ev *Events) {
	m, top := st.m, st.m.top()
	switch {
	case top >= 0:
		if m.state != Firing || m.level != top {
			st.emit(ev, EventFiring, top)
		}
		m.state, m.level = Firing, top
	case m.state == Firing && st.rule.keepFiring > 0:
		st.emit(ev, EventRecovering, m.level)
		m.state, m.missed = Recovering, st.s.Time
	case m.state == Recovering && st.s.Time-m.missed < st.rule.keepFiring:
	default:
		st.settle(ev)
		return
	}
	m.value = st.s.Value
}

// settle ends what fired, where nothing is latched any more, and lets what still
// waits be pending.
func (st *step) settle(ev *Events) {
	m := st.m
	if m.state == Firing || m.state == Recovering {
		st.end(ev, EventResolved)
	}
	waits := st.rule.waiting(st.w)
	switch {
	case waits < 0 && m.state == Pending:
		st.end(ev, EventOK)
	case waits >= 0 && m.state == OK:
		st.emit(ev, EventPending, waits)
		m.state = Pending
	}
	if m.state == Pending {
		m.value = st.s.Value
	}
}

// emit adds an event; out of ok it starts an episode.
func (st *step) emit(ev *Events, state EventState, level int) {
	m := st.m
	if m.state == OK {
		m.start, m.number = st.s.Time, 0
	}
	m.number = min(m.number+1, maxNumber)
	named := level
	if named < 0 {
		named = max(st.waited, 0)
	}
	ev.add(Event{
		State: state, Level: level, Previous: m.level,
		Value: st.s.Value, Threshold: st.rule.levels[named].threshold,
		Time: st.s.Time, EpisodeStart: m.start, Number: m.number, Marks: m.marks,
	})
}

// end emits the last event of an episode and forgets all of it but when it began;
// Step adds the time of the newest sample, which outlives it, too.
func (st *step) end(ev *Events, state EventState) {
	st.emit(ev, state, st.m.level)
	*st.m = memory{level: -1, start: st.m.start}
}
