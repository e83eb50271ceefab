package window

import (
	"math/bits"

	"github.com/weirstream/weir/event"
)

// divisor divides times by one positive number again and again. A division of 64 bits takes the processor ten times as long as the multiplication
// that stands in for it here (Granlund, Montgomery: Division by Invariant Integers using Multiplication, PLDI 1994).
type divisor struct {
	by    event.Time
	magic uint64 // 2^64 / by, rounded up
	exact uint64 // below it the product gives the exact quotient; 0: never
}

// newDivisor: with magic = (2^64 + e) / by and 0 <= e < by, t*magic / 2^64 exceeds t / by by t*e / (by * 2^64), which cannot reach the next
// integer while t*e < 2^64.
func newDivisor(by event.Time) divisor {
	d := divisor{by: by}
	if by > 1 {
		d.magic = ^uint64(0)/uint64(by) + 1
		d.exact = ^uint64(0) / uint64(by)
	}
	return d
}

// floor is t divided by the divisor, rounded down.
func (d *divisor) floor(t event.Time) int64 {
	if uint64(t) < d.exact {
		high, _ := bits.Mul64(uint64(t), d.magic)
		return int64(high)
	}
	return floorDiv(t, d.by)
}

func floorDiv(t, by event.Time) int64 {
	q := t / by
	if t%by < 0 {
		q--
	}
	return int64(q)
}
