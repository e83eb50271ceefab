package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// expressions draws filters and derived metrics.
func expressions(b *strings.Builder, s *shape, rng *rand.Rand) {
	if s.rosters != nil && rng.IntN(2) == 0 {
		filters := []string{"value < labels.upper + 20", `labels.site != "north"`, "labels.active or value > 50", "labels.factor > 0 ? value > 20 : value > 40",
			"int(value) % 3 == 0 or int(labels.factor) > 0"}
		fmt.Fprintf(b, "where: '%s'\n", filters[rng.IntN(len(filters))])
	} else if rng.IntN(4) == 0 {
		filters := []string{"value < 1e300", "value > 20 and value <= 90", `device != "pump-0" or value > 50`, "100 / value > 1.2", "not (value == 0)"}
		fmt.Fprintf(b, "where: %q\n", filters[rng.IntN(len(filters))])
	}
	if rng.IntN(3) > 0 {
		return
	}
	s.derived = true
	values := []string{"(value - 32) * 5 / 9", "1000 / (value - 50)", "value > 60 ? 1 : 0", "value ** 2"}
	if s.rosters != nil {
		values = append(values, "value * labels.factor", "labels.active ? value : -value", `labels.site startsWith "n" ? value : 2 * labels.limit`, "value / (labels.limit - 50)")
	}
	if s.wide && rng.IntN(2) == 0 {
		fmt.Fprintf(b, "derive: {load: %q}\n", []string{"temperature * pressure / 100", "temperature - pressure", "pressure > 50 ? temperature : 40"}[rng.IntN(3)])
		return
	}
	fmt.Fprintf(b, "derive: {load: {from: temperature, value: '%s'}}\n", values[rng.IntN(len(values))])
}

// drawnWindow is a window before it is written down.
type drawnWindow struct {
	name, metric, kind string
	computes           []string
	closes             bool
	fleet              bool // over all devices
	change             bool // of those: every change is said
	unsaid             bool // it is not emitted
}

// vague reports whether a result may be told within a bound only.
func vague(result string) bool {
	return strings.HasPrefix(result, "p") || slices.Contains([]string{"median", "mode", "distinct", "integral", "time_weighted_mean"}, result)
}

// windows draws the windows and the rules on them.
func windows(b *strings.Builder, s *shape, rng *rand.Rand) {
	b.WriteString("windows:\n")
	var watched []drawnWindow
	for _, w := range append(drawWindows(s, rng), fleetWindows(s, rng)...) {
		watch := w.name == "tumble" || rng.IntN(2) == 0
		emit := ", emit: " + emitOf(w, rng)
		if watch {
			watched = append(watched, w)
			if rng.IntN(4) == 0 {
				emit = []string{"", ", emit: {on: never}"}[rng.IntN(2)]
				watched[len(watched)-1].unsaid = true
			}
		}
		fmt.Fprintf(b, "  - {name: %s, metric: %s, %s, compute: [%s]%s}\n", w.name, w.metric, w.kind, strings.Join(w.computes, ", "), emit)
	}
	b.WriteString("rules:\n")
	for _, w := range watched {
		name, result := w.name, "mean"
		if rng.IntN(3) == 0 {
			result = w.computes[rng.IntN(len(w.computes))]
		}
		if w.unsaid && vague(result) {
			result = "mean" // nothing would tell the verifier on which side of a threshold it was
		}
		levels := "{warning: {above: 55, clear_below: 45}, critical: {above: 70}}"
		switch rng.IntN(3) {
		case 0:
			levels = "{warning: {above: 50}, critical: {above: 60, clear_below: 40, hold: 4s}}"
		case 1:
			levels = "{low: {below: 45, clear_above: 55, hold: 2s}}"
		}
		labels, owner := "", "device"
		if w.fleet {
			owner = "group"
		} else if s.rosters != nil && rng.IntN(3) > 0 {
			levels, labels = ownLevels(rng), "{{labels.site}} "
		}
		fmt.Fprintf(b, "  - {name: on-%s, when: %s.%s, levels: %s%s, message: \"{{%s}} %s{{rule}} {{level}} {{value}} {{threshold}} {{active_for}} {{window.start}}\"}\n", name, name, result, levels,
			manner(ruled{closes: w.closes && !w.fleet, vague: vague(result)}, rng), owner, labels)
	}
	if rng.IntN(2) == 0 {
		metric := []string{"temperature", "humidity"}[rng.IntN(2)]
		hold := []string{"", ", hold: 1s", ", hold: 3s"}[rng.IntN(3)]
		enter := "above: 60, clear_below: 50"
		if s.rosters != nil && rng.IntN(2) == 0 {
			enter = []string{"above: labels.limit, clear_below: labels.calm", "above: labels.upper", "above: 60, clear_below: labels.calm"}[rng.IntN(3)]
		}
		fmt.Fprintf(b, "  - {name: bare, when: %s, levels: {warning: {%s%s}, critical: {above: 80}}%s, message: \"{{device}} {{metric}} {{value | printf \\\"%%.2f\\\"}}\"}\n", metric, enter, hold, manner(ruled{}, rng))
	}
	onSilence(b, s.rosters != nil, 4, rng)
	formula(b, watched, s.rosters != nil, rng)
	drawInhibit(b, s.rosters != nil, rng)
}

// ownLevels draws levels that are a device's own.
func ownLevels(rng *rand.Rand) string {
	return []string{
		"{warning: {above: labels.limit, clear_below: labels.calm}, critical: {above: labels.upper}}",
		"{warning: {above: labels.limit, hold: 2s}, critical: {above: 70}}",
		"{low: {below: labels.calm, clear_above: labels.limit, hold: 1s}}",
		"{warning: {above: 55, clear_below: labels.calm}, critical: {above: labels.upper, hold: 3s}}",
	}[rng.IntN(4)]
}

// drawWindows draws one window that is always there and some of each other kind.
func drawWindows(s *shape, rng *rand.Rand) []drawnWindow {
	metric := func() string { return []string{"temperature", "pressure"}[rng.IntN(2)] }
	seconds := func(most int) int { return 1 + rng.IntN(most) }
	size := []int{1, 2, 4, 5}[rng.IntN(4)]
	tumble := fmt.Sprintf("tumbling: %ds", size)
	if rng.IntN(4) == 0 {
		tumble += fmt.Sprintf(", offset: %dms", rng.IntN(2*size)*500)
	}
	all := []drawnWindow{{name: "tumble", metric: "temperature", kind: tumble, closes: true}}
	if rng.IntN(3) > 0 {
		every := seconds(3)
		all = append(all, drawnWindow{name: "hop", metric: metric(), kind: fmt.Sprintf("hopping: {size: %ds, every: %ds}", every*(2+rng.IntN(4)), every), closes: true})
	}
	if rng.IntN(2) == 0 {
		all = append(all, drawnWindow{name: "newest", metric: metric(), kind: fmt.Sprintf("count: %d", 1+rng.IntN(6))})
	}
	if rng.IntN(2) == 0 {
		all = append(all, drawnWindow{name: "session", metric: metric(), kind: fmt.Sprintf("session: {gap: %dms}", 500*seconds(8)), closes: true})
	}
	if rng.IntN(3) == 0 {
		resolution := 100 * seconds(10)
		all = append(all, drawnWindow{name: "rolling", metric: metric(), kind: fmt.Sprintf("rolling: {size: %dms, resolution: %dms}", resolution*(1+rng.IntN(12)), resolution)})
	}
	if s.days != nil {
		all = append(all, drawnWindow{name: "day", metric: metric(), kind: s.days.window(), closes: true})
	}
	if s.derived {
		all = append(all, drawnWindow{name: "derived", metric: "load", kind: fmt.Sprintf("tumbling: %ds", seconds(4)), closes: true})
	}
	for i := range all {
		all[i].computes = computes(all[i], rng)
	}
	return all
}

// computes draws what a window computes; the mean is always there, for rules look at it.
func computes(w drawnWindow, rng *rand.Rand) []string {
	names := []string{"count", "sum", "min", "max", "last", "first", "delta", "rate", "range", "variance", "stddev", "p5", "p05", "p25", "p95", "p999", "median", "mode",
		"distinct", "slope"}
	if !w.fleet || hasKind("area") && w.closes && !w.change {
		names = append(names, "integral", "time_weighted_mean")
	}
	if !strings.HasPrefix(w.kind, "count") {
		names = append(names, "ewma")
	}
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return slices.Insert(names[:rng.IntN(4)], 0, "mean")
}

func emitOf(w drawnWindow, rng *rand.Rand) string {
	switch {
	case !w.closes:
		return "{topic: aggregates}"
	case w.change:
		return "{topic: fleet, on: change}"
	}
	if w.fleet {
		return []string{"{topic: aggregates}", "{topic: fleet}"}[rng.IntN(2)]
	}
	return []string{"{topic: aggregates}", "{topic: aggregates, on: change}", "{topic: aggregates}", "{topic: others, on: close}"}[rng.IntN(4)]
}
