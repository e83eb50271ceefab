package aggregate

import "github.com/weirstream/weir/event"

// first is the value of the oldest reading by event time; of readings of the
// same time, the one folded first. 2 words: the time, the value.
type first struct{}

func (first) Name() string  { return "first" }
func (first) State() string { return "first" }
func (first) Words() int    { return 2 }

func (first) Fold(w []uint64, s Sample) {
	if s.First || s.Time < event.Time(w[0]) {
		w[0], w[1] = uint64(s.Time), word(s.Value)
	}
}

func (first) Merge(dst, src []uint64, m Merge) {
	if m.First || event.Time(src[0]) < event.Time(dst[0]) {
		copy(dst, src)
	}
}

func (first) Result(w []uint64, _ uint64) float64 { return number(w[1]) }
