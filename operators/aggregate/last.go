package aggregate

import (
	"math"

	"github.com/weirstream/weir/event"
)

// last is the value of the newest reading by event time; of readings of the same
// time, the one folded last. Word 0 is the time, word 1 the value.
type last struct{}

func (last) Name() string  { return "last" }
func (last) State() string { return "last" }
func (last) Words() int    { return 2 }

func (last) Fold(w []uint64, s Sample) {
	if s.First || s.Time >= event.Time(w[0]) {
		w[0], w[1] = uint64(s.Time), math.Float64bits(s.Value)
	}
}

func (last) Merge(dst, src []uint64, m Merge) {
	if m.First || event.Time(src[0]) >= event.Time(dst[0]) {
		copy(dst, src)
	}
}

func (last) Result(w []uint64, _ uint64) float64 { return math.Float64frombits(w[1]) }
