package oracle

import (
	"math"
	"math/big"

	"github.com/weirstream/weir/event"
)

// relative is how far a sum or a mean may be off, relative to the sum of the
// magnitudes: the engine adds up in another order.
const relative = 1e-9

// compute works one result out over all readings of a window, which are in the
// order of their arrival and at least one.
func compute(name string, samples []sample) measure {
	switch name {
	case "count":
		return measure{value: float64(len(samples))}
	case "sum":
		return sum(samples)
	case "mean":
		m := sum(samples)
		n := float64(len(samples))
		m.value, m.tolerance = m.value/n, m.tolerance/n
		return m
	case "min", "max":
		best := samples[0].value
		for _, s := range samples {
			if name == "min" && s.value < best || name == "max" && s.value > best {
				best = s.value
			}
		}
		return measure{value: best}
	case "last":
		last, at := 0.0, event.Time(math.MinInt64)
		for _, s := range samples {
			if s.time >= at {
				last, at = s.value, s.time
			}
		}
		return measure{value: last}
	}
	panic("the model does not know the result " + name)
}

// sum adds up exactly and rounds once; a sum beyond float64 is the nearest one
// there is. Where the magnitudes add up to more than a float64 holds, a partial
// sum may have been cut on the engine's way, and any result will do.
func sum(samples []sample) measure {
	total, lost, magnitude := 0.0, 0.0, 0.0
	for _, s := range samples {
		// Neumaier (1974): what the addition drops is added up by itself.
		next := total + s.value
		if math.Abs(total) >= math.Abs(s.value) {
			lost += total - next + s.value
		} else {
			lost += s.value - next + total
		}
		total = next
		magnitude += math.Abs(s.value)
	}
	if !math.IsInf(magnitude, 0) {
		return measure{value: total + lost, tolerance: magnitude * relative}
	}
	exact := new(big.Float).SetPrec(2200) // from the least to beyond the greatest float64
	for _, s := range samples {
		exact.Add(exact, big.NewFloat(s.value))
	}
	v, _ := exact.Float64()
	huge := math.IsInf(v, 0)
	return measure{value: max(-math.MaxFloat64, min(v, math.MaxFloat64)), tolerance: math.Inf(1), huge: huge}
}
