package alerts

import "math"

// Signal is what a caller who judges samples himself says of one.
type Signal uint8

// What can be said of a sample.
const (
	Calm   Signal = iota // nothing is wrong
	Begins               // something begins here; what was wrong so far is over
	Lasts                // what began before goes on
)

// CompileSignal prepares a rule of one level that no threshold enters or leaves: the
// caller says by Signal when it fires. It has no threshold (NaN), and no value crosses it.
func CompileSignal() *Rule {
	none := math.NaN()
	return &Rule{
		sign: 1, firstHold: wordMissed, words: wordMissed, lowest: none,
		levels: []level{{threshold: none, enter: none, leave: none}},
	}
}

// Signal folds a sample that is newer than the last one into w, the words of a rule
// of CompileSignal: it fires where something begins, and is resolved where that is
// over. It reports whether w changed, and the events that follow.
func (r *Rule) Signal(w []uint64, s Sample, what Signal) (changed bool, ev Events) {
	m := r.load(w)
	if m.state == OK && what != Begins {
		return false, ev
	}
	st := step{rule: r, w: w, m: &m, s: s, waited: -1}
	if m.state != OK && what != Lasts {
		st.end(&ev, EventResolved)
	}
	if what == Begins {
		st.emit(&ev, EventFiring, 0)
		m.state, m.level, m.latched = Firing, 0, 1
	}
	if m.state != OK {
		m.value = s.Value
	}
	m.seen, m.last = true, s.Time
	r.store(w, m)
	return true, ev
}
