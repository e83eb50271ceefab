package alerts

import (
	"fmt"
	"math/bits"
)

// Check returns an error naming the invariant of memory that w breaks.
func (r *Rule) Check(w []uint64) error {
	h := w[wordHeader]
	latched := uint32(h >> latchShift & latchMask)
	level := int(h>>levelShift&levelMask) - 1
	state := State(h & stateMask)
	running, both := 0, false
	for i, l := range r.levels {
		if l.slot > 0 && w[l.slot] != 0 {
			running++
			both = both || latched>>i&1 != 0
		}
	}
	top := bits.Len32(latched) - 1
	switch {
	case (latched != 0) != (state == Firing) || top >= len(r.levels):
		return fmt.Errorf("invariant 1: latched %b in state %v", latched, state)
	case state == Firing && level != top,
		state == Recovering && (level < 0 || level >= len(r.levels)),
		(state == OK || state == Pending) && level != -1:
		return fmt.Errorf("invariant 2: level %d, highest latched %d, in state %v", level, top, state)
	case running > 0 && state != Pending && state != Firing, running == 0 && state == Pending, both:
		return fmt.Errorf("invariant 3: %d holds run in state %v", running, state)
	case state != OK && (h&seenBit == 0 || h>>numberShift == 0):
		return fmt.Errorf("invariant 4: header %x", h)
	}
	return nil
}
