package oracle

import (
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/weirstream/weir/configs"
)

// relative is how far a sum or a mean may be off, relative to the sum of the
// magnitudes: the engine adds up in another order.
const relative = 1e-9

// compute works one result of a window out over all its readings, which are at
// least one.
func compute(c *configs.Window, name string, samples []sample) measure {
	if name == "time_weighted_mean" {
		if _, span := partsOf(samples); span == 0 && math.IsInf(sum(samples).tolerance, 1) {
			return compute(c, "mean", samples) // that is what it is, and it is not compared
		}
	}
	if unit := unitOf(name); unit != 0 && magnitude(samples) > mostMagnitude {
		m := compute(c, name, reduced(samples))
		for range unit {
			m.value, m.tolerance = m.value/reduction, m.tolerance/reduction
		}
		return m.bounded()
	}
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
	case "range":
		return measure{value: extent(samples)}.bounded()
	case "first", "last", "delta", "rate":
		if c.Grouped() {
			return endsOfSeveral(name, samples)
		}
		if name == "rate" {
			return rate(samples)
		}
		first, last := ends(samples)
		return measure{value: map[string]float64{"first": first.value, "last": last.value, "delta": last.value - first.value}[name]}.bounded()
	case "variance":
		return variance(samples)
	case "stddev":
		return deviation(samples)
	case "median":
		return quantile("50", samples)
	case "mode":
		return mode(samples)
	case "distinct":
		return distinct(samples)
	case "ewma":
		return ewma(samples, float64(max(c.Size, c.Gap))/4) // a session has a gap, all else a size
	case "slope":
		return slope(samples)
	case "integral", "time_weighted_mean":
		if c.Grouped() {
			return areaOfSeveral(name, samples)
		}
		if name == "integral" {
			return integral(samples)
		}
		return timeWeighted(samples)
	}
	if digits, ok := strings.CutPrefix(name, "p"); ok {
		return quantile(digits, samples)
	}
	panic("the model does not know the result " + name)
}

// mostMagnitude is that of readings which can be squared and added up. Greater ones
// are made smaller, by a power of two, so that nothing on the way to a result is
// beyond float64 but the result itself.
const (
	mostMagnitude = 1e140
	reduction     = 0x1p-600
)

// unitOf is the power of the readings' unit that a result has, for results that add
// up products; 0 for others.
func unitOf(name string) int {
	switch name {
	case "stddev", "ewma", "slope", "integral", "time_weighted_mean":
		return 1
	case "variance":
		return 2
	}
	return 0
}

func reduced(samples []sample) []sample {
	small := slices.Clone(samples)
	for i := range small {
		small[i].value *= reduction
	}
	return small
}

// takes reports whether a number found is as good as the one worked out.
func (m measure) takes(v float64) bool {
	near := func(of float64) bool { return v == of || math.Abs(v-of) <= m.tolerance }
	return near(m.value) || m.or != nil && m.or.takes(v) || slices.ContainsFunc(m.among, near)
}

// guess is what the engine has probably said, where it may say this or that.
func (m measure) guess() float64 {
	if m.hinted {
		return m.likely
	}
	return m.value
}

// bounded is a result whose way may lead beyond float64: then it is the nearest
// there is, and any will do.
func (m measure) bounded() measure {
	if math.IsInf(m.value, 0) || math.IsNaN(m.value) || math.IsNaN(m.tolerance) || math.IsInf(m.tolerance, 0) {
		m.tolerance, m.huge = math.Inf(1), true
		m.value = max(-math.MaxFloat64, min(m.value, math.MaxFloat64))
		if math.IsNaN(m.value) {
			m.value = 0
		}
	}
	return m
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
