package oracle

import (
	"math"
	"slices"

	"github.com/weirstream/weir/event"
)

// isEnd reports whether a result goes by the first or the last reading, which of
// several devices with the same time may be any.
func isEnd(name string) bool {
	switch name {
	case "first", "last", "delta", "rate":
		return true
	}
	return false
}

// mostEnds is how many pairs of a first and a last reading are looked at by
// themselves. Beyond that any result between the least and the greatest will do.
const mostEnds = 4096

// endsOfSeveral works out a result that goes by the first and the last reading of
// several devices.
func endsOfSeveral(name string, samples []sample) measure {
	first, last := samples[0].time, samples[0].time
	for _, s := range samples {
		first, last = min(first, s.time), max(last, s.time)
	}
	lasts := endsAt(samples, last, func(a, b sample) bool { return a.order > b.order })
	firsts := endsAt(samples, first, func(a, b sample) bool { return a.order < b.order })
	var all []float64
	switch name {
	case "first":
		all = firsts
	case "last":
		all = lasts
	default:
		if name == "rate" && first == last {
			return measure{}
		}
		span := 1.0
		if name == "rate" {
			span = seconds(last - first)
		}
		if len(firsts)*len(lasts) > mostEnds {
			firsts = []float64{slices.Min(firsts), slices.Max(firsts)}
			lasts = []float64{slices.Min(lasts), slices.Max(lasts)}
			least, greatest := (lasts[0]-firsts[1])/span, (lasts[1]-firsts[0])/span
			return measure{value: least/2 + greatest/2, tolerance: (greatest/2 - least/2) * (1 + relative), vague: true}.bounded()
		}
		for _, a := range firsts {
			for _, b := range lasts {
				all = append(all, (b-a)/span)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	m := measure{value: all[0], among: all[1:]}
	if name == "rate" {
		m.tolerance = relative * max(math.Abs(all[0]), math.Abs(all[len(all)-1]))
	}
	if slices.ContainsFunc(all, func(v float64) bool { return math.IsInf(v, 0) || math.IsNaN(v) }) {
		m.value = math.Inf(1)
	}
	return m.bounded()
}

// endsAt are the different values at a time, one of each device: the one that comes
// before all others of it.
func endsAt(samples []sample, at event.Time, before func(a, b sample) bool) (values []float64) {
	best := map[string]sample{}
	for _, s := range samples {
		if s.time != at {
			continue
		}
		if other, known := best[s.of]; !known || before(s, other) {
			best[s.of] = s
		}
	}
	for _, s := range best { // unordered: sorted below
		values = append(values, s.value)
	}
	slices.Sort(values)
	return slices.Compact(values)
}
