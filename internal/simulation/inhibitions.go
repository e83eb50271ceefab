package simulation

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

// drawInhibit draws which of the rules on devices written so far inhibit which.
func drawInhibit(b *strings.Builder, labels bool, rng *rand.Rand) {
	var rules []string
	for _, found := range regexp.MustCompile(`- \{name: ([^ ,]*), (?:when|no_data|anomaly)(.*)`).FindAllStringSubmatch(b.String(), -1) {
		if !strings.Contains(found[2], "{{group}}") {
			rules = append(rules, found[1])
		}
	}
	if rng.IntN(2) == 0 || len(rules) < 2 {
		return
	}
	b.WriteString("inhibit:\n")
	seen := map[string]bool{}
	for range 1 + rng.IntN(3) {
		from, to := rng.IntN(len(rules)), rng.IntN(len(rules))
		equal := "device"
		if labels && rng.IntN(2) == 0 {
			equal = "labels.site"
		}
		line := fmt.Sprintf("  - {source: {rule: %s}, target: {rule: %s}, equal: %s}\n", rules[from], rules[to], equal)
		if from != to && !seen[line] {
			b.WriteString(line)
			seen[line] = true
		}
	}
	if len(seen) == 0 {
		fmt.Fprintf(b, "  - {source: {rule: %s}, target: {rule: %s}, equal: device}\n", rules[0], rules[1])
	}
}

// formula draws a rule on an expression of what windows of devices say, in one pipeline of two.
func formula(b *strings.Builder, all []drawnWindow, labels bool, rng *rand.Rand) {
	var names []string
	for _, w := range all {
		if !w.fleet {
			names = append(names, w.name+".mean")
		}
	}
	if len(names) == 0 || rng.IntN(2) == 0 {
		return
	}
	a, other := names[rng.IntN(len(names))], names[rng.IntN(len(names))]
	of := fmt.Sprintf("(%s + %s) / 2.5", a, other)
	switch rng.IntN(4) {
	case 0:
		of = fmt.Sprintf("100 / (%s - %s)", a, other) // which cannot always be worked out
	case 1:
		of = fmt.Sprintf("temperature - %s * 0.77", a)
	case 2:
		if labels {
			of = fmt.Sprintf("%s - labels.limit", a)
		}
	}
	fmt.Fprintf(b, "  - {name: reckoned, when: %q, levels: {warning: {above: 12.34}, critical: {above: 33.3, clear_below: 10.01, hold: 2s}}%s}\n", of, manner(ruled{}, rng))
}
