package oracle

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/weirstream/weir/event"
)

// byTime are the readings in order of time, ties in that of arrival.
func byTime(samples []sample) []sample {
	sorted := slices.Clone(samples)
	slices.SortStableFunc(sorted, func(a, b sample) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.order, b.order))
	})
	return sorted
}

// ends are the first and the last reading.
func ends(samples []sample) (first, last sample) {
	first, last = samples[0], samples[0]
	for _, s := range samples[1:] {
		if s.time < first.time || s.time == first.time && s.order < first.order {
			first = s
		}
		if s.time > last.time || s.time == last.time && s.order >= last.order {
			last = s
		}
	}
	return first, last
}

// seconds is a span of time in seconds.
func seconds(span event.Time) float64 { return float64(span) / 1000 }

// rate is the change from the first reading to the last, per second.
func rate(samples []sample) measure {
	first, last := ends(samples)
	if first.time == last.time {
		return measure{}
	}
	span := seconds(last.time - first.time)
	v := (last.value - first.value) / span
	if math.IsInf(v, 0) {
		v = last.value/span - first.value/span
	}
	return measure{value: v, tolerance: relative * math.Abs(v)}.bounded()
}

// magnitude is the greatest without its sign.
func magnitude(samples []sample) float64 {
	greatest := 0.0
	for _, s := range samples {
		greatest = max(greatest, math.Abs(s.value))
	}
	return greatest
}

// ewma is the mean with weights that halve every half life of age, in
// milliseconds.
func ewma(samples []sample, halfLife float64) measure {
	_, last := ends(samples)
	total, weights := 0.0, 0.0
	for _, s := range samples {
		w := math.Exp2(-float64(last.time-s.time) / halfLife)
		weights += w
		total += w * s.value
	}
	return measure{value: total / weights, tolerance: relative * magnitude(samples)}.bounded()
}

// slope is that of the line with the least squares, per second.
func slope(samples []sample) measure {
	first, last := ends(samples)
	if first.time == last.time {
		return measure{}
	}
	n := float64(len(samples))
	meanTime, meanValue := 0.0, 0.0
	for _, s := range samples {
		meanTime += seconds(s.time-first.time) / n
		meanValue += s.value / n
	}
	products, squares := 0.0, 0.0
	for _, s := range samples {
		x := seconds(s.time-first.time) - meanTime
		products += x * (s.value - meanValue)
		squares += x * x
	}
	v := products / squares
	rounding := 1e-9*extent(samples) + 1e-12*magnitude(samples)
	return measure{value: v, tolerance: 1e-6*math.Abs(v) + rounding/seconds(last.time-first.time)}.bounded()
}

// mostDisorder is behind how many later readings one may come and still be put in
// its place.
const mostDisorder = 14

// disordered reports whether a reading came behind more later ones than that.
func disordered(samples []sample) bool {
	arrived := slices.Clone(samples)
	slices.SortStableFunc(arrived, func(a, b sample) int { return cmp.Compare(a.order, b.order) })
	var newest []event.Time // the greatest times so far, ascending: one more than may be behind
	for _, s := range arrived {
		if len(newest) > mostDisorder && s.time < newest[0] {
			return true
		}
		at, _ := slices.BinarySearch(newest, s.time+1)
		newest = slices.Insert(newest, at, s.time)
		if len(newest) > mostDisorder+1 {
			newest = newest[1:]
		}
	}
	return false
}

// integral is the area under the straight lines between readings, in value times
// seconds.
func integral(samples []sample) measure { return areaPer(1, samples) }

// areaPer is the area over a number of seconds, which may be a number where the area
// itself is beyond float64.
func areaPer(span float64, samples []sample) measure {
	sorted := byTime(samples)
	area, magnitudes := 0.0, 0.0
	for i := 1; i < len(sorted); i++ {
		a, b := sorted[i-1], sorted[i]
		width := seconds(b.time-a.time) / span
		area += (a.value/2 + b.value/2) * width
		magnitudes += (math.Abs(a.value)/2 + math.Abs(b.value)/2) * width
	}
	m := measure{value: area, tolerance: relative * magnitudes}.bounded()
	if disordered(samples) {
		m.tolerance, m.vague = math.Inf(1), true
	}
	return m
}

// timeWeighted is the mean over time; that of the readings where all came at once.
func timeWeighted(samples []sample) measure {
	first, last := ends(samples)
	m := sum(samples)
	m.value /= float64(len(samples))
	if first.time < last.time {
		m = areaPer(seconds(last.time-first.time), samples)
	}
	if m.vague {
		return m
	}
	m.tolerance = relative * magnitude(samples)
	return m.bounded()
}

// extremes are the least and the greatest time.
func extremes(samples []sample) (first, last event.Time) {
	first, last = samples[0].time, samples[0].time
	for _, s := range samples {
		first, last = min(first, s.time), max(last, s.time)
	}
	return first, last
}

// partsOf are the readings of each partial, and the time that they span by themselves.
func partsOf(samples []sample) (parts map[int][]sample, span event.Time) {
	parts = map[int][]sample{}
	for _, s := range samples {
		parts[s.part] = append(parts[s.part], s)
	}
	for _, part := range parts { // unordered: a sum of integers
		first, last := extremes(part)
		span += last - first
	}
	return parts, span
}

// areaOfSeveral is the area under the lines within each partial by itself, or that
// over the time that they span.
func areaOfSeveral(name string, samples []sample) measure {
	parts, span := partsOf(samples)
	mean := name == "time_weighted_mean"
	total, per := measure{}, 1.0
	switch {
	case mean && span == 0:
		total = sum(samples)
		total.value /= float64(len(samples))
		parts = nil
	case mean:
		per = seconds(span)
	}
	for _, number := range slices.Sorted(maps.Keys(parts)) {
		m := areaPer(per, parts[number])
		total.value += m.value
		total.tolerance += m.tolerance
		total.vague = total.vague || m.vague
	}
	if total.vague {
		total.tolerance = math.Inf(1)
		return total
	}
	if mean {
		total.tolerance = relative * magnitude(samples)
	}
	return total.bounded()
}
