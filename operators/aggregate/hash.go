package aggregate

import "math"

// canonical is the bit pattern of a value by which it is told from others: -0 is
// 0.
func canonical(v float64) uint64 {
	if v == 0 {
		return 0
	}
	return math.Float64bits(v)
}

// hash spreads a bit pattern over 64 bits, no two alike (the finisher of
// SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
// Generators", 2014). It must stay as it is: panes on disk were filled with it.
func hash(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
