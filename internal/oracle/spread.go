package oracle

import "math"

// variance is that of the sample, in two passes; 0 for one reading.
func variance(samples []sample) measure {
	greatest := 0.0
	for _, s := range samples {
		greatest = max(greatest, math.Abs(s.value))
	}
	n := float64(len(samples))
	mean := 0.0
	for _, s := range samples {
		mean += s.value / n
	}
	squares, rest := 0.0, 0.0
	for _, s := range samples {
		squares += (s.value - mean) * (s.value - mean)
		rest += s.value - mean
	}
	v := 0.0
	if len(samples) > 1 {
		v = max(0, squares-rest*rest/n) / (n - 1) // what the rounding of the mean added is taken off again
	}
	return measure{value: v, tolerance: relative*v + 1e-15*greatest*greatest}.bounded()
}

// deviation is the root of the variance: a result is right where its square is.
func deviation(samples []sample) measure {
	v := variance(samples)
	m := measure{value: math.Sqrt(v.value), huge: v.huge}
	low, high := math.Sqrt(max(0, v.value-v.tolerance)), math.Sqrt(v.value+v.tolerance)
	m.tolerance = max(m.value-low, high-m.value)
	return m
}

// extent is the greatest value less the least.
func extent(samples []sample) float64 {
	least, greatest := math.Inf(1), math.Inf(-1)
	for _, s := range samples {
		least, greatest = min(least, s.value), max(greatest, s.value)
	}
	return greatest - least
}

// How many different values are told apart for certain.
const (
	exactModes    = 32
	exactDistinct = 120
)

// different counts each value.
func different(samples []sample) map[float64]int {
	counts := map[float64]int{}
	for _, s := range samples {
		counts[s.value]++
	}
	return counts
}

// mode is the most frequent value, of equally frequent ones the least.
func mode(samples []sample) measure {
	counts := different(samples)
	best := samples[0].value
	for _, s := range samples {
		if n, most := counts[s.value], counts[best]; n > most || n == most && s.value < best {
			best = s.value
		}
	}
	if len(counts) > exactModes {
		return measure{value: best, tolerance: math.Inf(1), vague: true}
	}
	return measure{value: best}
}

// distinct is how many different values there are.
func distinct(samples []sample) measure {
	n := float64(len(different(samples)))
	if n > exactDistinct {
		return measure{value: n, tolerance: 0.15 * n, vague: true}
	}
	return measure{value: n}
}
