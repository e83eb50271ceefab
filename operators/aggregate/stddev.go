package aggregate

import "math"

// stddev is the standard deviation of the sample, the root of variance.
type stddev struct{ moments }

func (stddev) Name() string { return "stddev" }

func (stddev) Result(w []uint64, _ uint64) float64 {
	return finite(math.Sqrt(meanSquare(w)) * unscale(w[0]))
}
