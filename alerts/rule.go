package alerts

import "github.com/weirstream/weir/event"

// Rule is a compiled Spec. It is immutable and may be shared; the state of a
// (rule, device) is in words that the caller keeps, all zero for a device never
// seen.
type Rule struct {
	levels     []level
	sign       float64 // -1 where levels are entered by falling values
	idleAfter  event.Time
	keepFiring event.Time
	firstHold  int // index of the first hold word
	words      int
	onGap      OnGap
	perDevice  bool
	lowest     float64 // the least threshold of its levels, in terms of x
}

// level is a Level in terms of x = sign*value: the condition is x > enter, and
// the level is cleared by x < leave. enter >= leave, but for levels without a
// clear threshold, where leave is the next float after enter.
type level struct {
	enter, leave float64
	threshold    float64 // as written, or the device's
	hold         event.Time
	slot         int // index of the word that counts the hold; 0 where hold is 0
	clears       bool
}

// Words returns how many 64-bit words the state of one (rule, device) takes.
func (r *Rule) Words() int { return r.words }

// Crossed returns the highest level whose bare threshold v crosses, whatever its
// hold and its latch, or -1 where it crosses none. Two values of one window that
// cross to the same level would not have changed an alert without hold.
func (r *Rule) Crossed(v float64) int {
	x := r.sign * v
	for i := len(r.levels) - 1; i >= 0; i-- {
		if x > r.levels[i].enter {
			return i
		}
	}
	return -1
}

// Lowest says which values may take the rule out of ok: those v for which sign x v is
// greater than lowest. Thresholds that are labels are not known to it.
func (r *Rule) Lowest() (sign, lowest float64) { return r.sign, r.lowest }

// Quiet reports whether the rule is ok and v keeps it there, so that Step would
// change nothing. It is false for some samples that Step ignores as well.
func (r *Rule) Quiet(w []uint64, v float64) bool {
	return State(w[wordHeader]&stateMask) == OK && !(r.sign*v > r.lowest)
}
