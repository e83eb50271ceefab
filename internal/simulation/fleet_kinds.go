package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// fleetKinds are what worlds have of windows over several devices, of these: tumbling, hopping, fraction (panes are shorter than
// steps), offset, rolling, session, count, change (emit: on: change), area (integral, time_weighted_mean) and forget (groups are
// forgotten soon).
func fleetKinds() []string {
	return []string{"tumbling", "hopping", "fraction", "offset", "rolling", "session", "count", "change", "area", "forget"}
}

// hasKind reports whether worlds have that of windows over several devices.
func hasKind(name string) bool { return slices.Contains(fleetKinds(), name) }

// fleetWindow draws a window over all devices, or over all with the same label.
func fleetWindow(s *shape, name string, rng *rand.Rand) drawnWindow {
	w := drawnWindow{name: name, metric: []string{"temperature", "temperature", "pressure"}[rng.IntN(3)], fleet: true, closes: true}
	if s.derived && rng.IntN(3) == 0 {
		w.metric = "load"
	}
	kinds := slices.DeleteFunc(fleetKinds(), func(kind string) bool { return slices.Contains([]string{"change", "area", "forget"}, kind) })
	kind := kinds[rng.IntN(len(kinds))]
	w.kind = fleetKind(kind, rng)
	w.closes = kind != "count"
	if s.days != nil && rng.IntN(3) == 0 {
		w.kind, w.closes = s.days.window(), true
	}
	w.change = w.closes && hasKind("change") && rng.IntN(4) == 0
	by := "all"
	if s.rosters != nil {
		by = []string{"all", "labels.site", "labels.factor", "labels.severity"}[rng.IntN(4)]
	}
	w.kind += ", by: " + by
	w.computes = computes(w, rng)
	return w
}

// fleetKind is the kind of a window as the pipeline file has it.
func fleetKind(kind string, rng *rand.Rand) string {
	every := 1 + rng.IntN(3)
	switch kind {
	case "hopping":
		return fmt.Sprintf("hopping: {size: %ds, every: %ds}", every*(2+rng.IntN(4)), every)
	case "fraction":
		return fmt.Sprintf("hopping: {size: %dms, every: %dms}", every*1500, every*500)
	case "offset":
		return fmt.Sprintf("tumbling: %ds, offset: %dms", every, rng.IntN(2*every)*500)
	case "rolling":
		resolution := 200 * (1 + rng.IntN(10))
		return fmt.Sprintf("rolling: {size: %dms, resolution: %dms}", resolution*(1+rng.IntN(6)), resolution)
	case "session":
		return fmt.Sprintf("session: {gap: %dms}", []int{2, 50, 500, 1000, 1500, 3000}[rng.IntN(6)])
	case "count":
		return fmt.Sprintf("count: %d", 1+rng.IntN(6))
	}
	return fmt.Sprintf("tumbling: %ds", every)
}
