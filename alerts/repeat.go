package alerts

import "github.com/weirstream/weir/event"

// Again says once more what w is in, pending, firing or recovering, at a time of the
// caller's: a further event of the episode, numbered like the others, with the
// value of the newest sample, and at that sample's time where t lies before it. It
// is no sample, so that nothing but the number changes. It reports whether there is
// an event; w changed only then.
func (r *Rule) Again(w []uint64, t event.Time) (Event, bool) {
	m := r.load(w)
	state, level := EventFiring, m.level
	switch m.state {
	case Firing:
	case Recovering:
		state = EventRecovering
	case Pending:
		state, level = EventPending, r.waiting(w)
	default:
		return Event{}, false
	}
	var ev Events
	st := step{rule: r, w: w, m: &m, s: Sample{Time: max(t, m.last), Value: m.value}}
	st.emit(&ev, state, level)
	r.store(w, m)
	ev.List[0].Again = true
	return ev.List[0], true
}
