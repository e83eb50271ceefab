package alerts

import "github.com/weirstream/weir/event"

// Flapping tells when the alert of a (rule, device) changes too often: when
// Changes events lie within Within before an event, that one and those that follow
// are flapping, until fewer than half of Changes do. Its state is Words words of
// the caller's, all zero at first: a ring of the times of the last events.
type Flapping struct {
	Changes int        // at least 1
	Within  event.Time // milliseconds
}

// The first word of a ring: the lowest bit says whether the last event was
// flapping, the rest counts the events so far. The others are their times + 1,
// 0 where there is none, so that a time of 0 is one.
const flappingBit = 1

// Words returns how many words the state takes.
func (f Flapping) Words() int { return 1 + f.Changes }

// Step takes an event at t into the ring and reports whether it is flapping.
func (f Flapping) Step(w []uint64, t event.Time) bool {
	near := 0
	for _, at := range w[1:f.Words()] {
		if at != 0 && event.Time(at)-1 >= t-f.Within {
			near++
		}
	}
	flapping := near == f.Changes
	if f.Is(w) {
		flapping = 2*near >= f.Changes
	}
	seen := w[0] >> 1
	w[1+seen%uint64(f.Changes)] = uint64(t) + 1
	w[0] = (seen + 1) << 1
	if flapping {
		w[0] |= flappingBit
	}
	return flapping
}

// Is reports whether the last event was flapping.
func (f Flapping) Is(w []uint64) bool { return w[0]&flappingBit != 0 }
