package simulation

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

// changeOfGroups draws a change of what a file has of windows over several devices. It may be one that no file can have.
func changeOfGroups(text string, s *shape, rng *rand.Rand) edition {
	fresh := fmt.Sprintf("fleet-%d", 100+rng.IntN(900))
	windows := regexp.MustCompile(`(?m)^  - \{name: ([^ ,]*), metric: ([^ ,]*), (.*), by: ([^ ,]*), compute: \[[^\n]*\n`).FindAllStringSubmatch(text, -1)
	if len(windows) == 0 {
		return edition{what: "windows over several devices come", text: withFleetWindow(text, fresh, s, rng)}
	}
	w := windows[rng.IntN(len(windows))]
	line, name, kind, by := w[0], w[1], w[3], w[4]
	other := func(what, from, to string) edition {
		return edition{what: "of a window over several devices " + what, text: strings.Replace(text, line, strings.Replace(line, from, to, 1), 1)}
	}
	switch rng.IntN(11) {
	case 0, 1:
		return edition{what: "a window over several devices more", text: withFleetWindow(text, fresh, s, rng)}
	case 2:
		return edition{what: "a window over several devices less", text: withoutWindow(text, line, name)}
	case 3:
		for _, w := range windows {
			text = withoutWindow(text, w[0], w[1])
		}
		return edition{what: "no window over several devices is left", text: text}
	case 4:
		return other("computes more", "compute: [", "compute: ["+[]string{"count", "min", "range", "stddev"}[rng.IntN(4)]+", ")
	case 5, 6:
		kinds := []string{"tumbling", "hopping", "fraction", "offset", "rolling", "session", "count"}
		return other("is of another kind", kind, fleetKind(kinds[rng.IntN(len(kinds))], rng))
	case 7:
		return other("puts others together", "by: "+by, "by: "+[]string{"all", "labels.site", "labels.factor"}[rng.IntN(3)])
	case 8:
		return other("is of another metric", "metric: "+w[2], "metric: "+[]string{"temperature", "pressure", "humidity"}[rng.IntN(3)])
	case 9:
		if strings.Contains(line, ", on: change}") {
			return other("is said on close", ", on: change}", "}")
		}
		return other("is said on change", "emit: {topic: fleet}", "emit: {topic: fleet, on: change}")
	default:
		return edition{what: "others are waited for longer, or less", text: regexp.MustCompile(`wait_for_late: \d+ms`).ReplaceAllString(text, fmt.Sprintf("wait_for_late: %dms", 500*(1+rng.IntN(6))))}
	}
}

// withFleetWindow adds a window over several devices, and a rule on it as a rule.
func withFleetWindow(text, name string, s *shape, rng *rand.Rand) string {
	w := fleetWindow(s, name, rng)
	emit := ", emit: {on: never}"
	for i := range s.pipeline.Windows {
		if topic := s.pipeline.Windows[i].Emit.Topic; topic != "" {
			emit = ", emit: {topic: " + topic + "}"
		}
	}
	more := fmt.Sprintf("  - {name: %s, metric: %s, %s, compute: [%s]%s}\nrules:\n", w.name, w.metric, w.kind, strings.Join(w.computes, ", "), emit)
	if rng.IntN(3) > 0 {
		more += fmt.Sprintf("  - {name: on-%s, when: %s.mean, levels: {warning: {above: 52.2, clear_below: 44.4}, critical: {above: 63}}}\n", w.name, w.name)
	}
	return strings.Replace(text, "rules:\n", more, 1)
}

// withoutWindow takes a window out of a file, and what looks at it.
func withoutWindow(text, line, name string) string {
	text = strings.Replace(text, line, "", 1)
	rules := regexp.MustCompile(`(?m)^  - \{name: ([^ ,]*), (?:when|anomaly): [^\n]*\b`+regexp.QuoteMeta(name)+`\.[^\n]*\n`).FindAllStringSubmatch(text, -1)
	for _, r := range rules {
		text = withoutRule(text, r[0], r[1])
	}
	return text
}
