package aggregate

import "math"

// finite is v, or the greatest number of its sign where v is an infinity.
func finite(v float64) float64 {
	return max(-math.MaxFloat64, min(v, math.MaxFloat64))
}

// Sums of squares and products overflow long before their inputs do. Once a
// reading's magnitude is hugeFrom or more, a state that holds such sums keeps
// them of values scaled by the power of two shrink, and says so by hugeBit in its
// first word; the result is scaled back. What is lost then are parts of a sum
// that are nothing beside a reading of that size. A fixed scale for all would
// lose small readings instead.
//
// 2^45 squares of numbers below hugeFrom fit into a float64, and so do those of
// all numbers once scaled by shrink.
const (
	hugeFrom = 0x1p480
	shrink   = 0x1p-540
	grow     = 0x1p540
	hugeBit  = 1 << 63
)

func isHuge(v float64) bool { return math.Abs(v) >= hugeFrom }

// scaleOf is the factor by which values enter the state with this first word,
// unscale the one by which they leave it.
func scaleOf(header uint64) float64 {
	if header&hugeBit != 0 {
		return shrink
	}
	return 1
}

func unscale(header uint64) float64 {
	if header&hugeBit != 0 {
		return grow
	}
	return 1
}

// number is what a word holds.
func number(w uint64) float64 { return math.Float64frombits(w) }

// word is how a number is kept.
func word(v float64) uint64 { return math.Float64bits(v) }

// scaled multiplies a word that holds a number.
func scaled(w *uint64, by float64) { *w = word(number(*w) * by) }
