package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/weirstream/weir/configs"
)

// ruled is what a rule looks at, as far as that says which manners it can have.
type ruled struct {
	closes bool // a window of one device that closes
	vague  bool // a result that may be told within a bound only
}

// manner draws how a rule's alerts begin, go on and end, as further fields of it.
func manner(of ruled, rng *rand.Rand) string {
	var b strings.Builder
	if of.closes && !of.vague && rng.IntN(4) == 0 {
		b.WriteString(", evaluate: change")
	}
	if rng.IntN(3) == 0 {
		fmt.Fprintf(&b, ", keep_firing: %ds", []int{1, 3, 10, 40}[rng.IntN(4)])
	}
	if rng.IntN(3) == 0 {
		fmt.Fprintf(&b, ", on_gap: %s", []string{"pause", "hold", "reset"}[rng.IntN(3)])
	}
	b.WriteString(said(rng))
	return b.String()
}

// said draws how often a rule's alerts are said, which rules on silence have too.
func said(rng *rand.Rand) string {
	var b strings.Builder
	if rng.IntN(3) == 0 {
		fmt.Fprintf(&b, ", repeat_every: %ds", []int{60, 61, 75}[rng.IntN(3)])
	}
	if rng.IntN(3) == 0 {
		fmt.Fprintf(&b, ", flapping: {changes: %d, within: %ds}", 2+rng.IntN(5), []int{2, 5, 20, 120, 600}[rng.IntN(5)])
	}
	if rng.IntN(4) == 0 {
		fmt.Fprintf(&b, ", schedule: {days: %q, %stimezone: %s}", []string{"sun", "sat,sun", "mon-sun"}[rng.IntN(3)],
			[]string{"", "from: \"13:00\", to: \"13:01\", ", "from: \"12:02\", to: \"12:01\", ", "from: \"02:30\", to: \"03:00\", "}[rng.IntN(4)],
			[]string{"UTC", "Europe/Berlin", "America/New_York"}[rng.IntN(3)])
	}
	if rng.IntN(4) == 0 {
		fmt.Fprintf(&b, ", escalate: [{after: %ds, severity: page%s}, {after: 70s, severity: boss%s}]", 1+rng.IntN(60),
			[]string{"", ", unless: never"}[rng.IntN(2)], []string{"", ", unless: never"}[rng.IntN(2)])
	}
	return b.String()
}

// repeats reports whether a rule repeats its alerts.
func (s *shape) repeats() bool {
	return slices.ContainsFunc(s.pipeline.Rules, func(r configs.Rule) bool { return r.RepeatEvery > 0 })
}

// onSilence draws rules on silence, of devices that fall silent after so many seconds
// and, where a roster names devices, of those.
func onSilence(b *strings.Builder, named bool, idle int, rng *rand.Rand) {
	for i := range rng.IntN(3) {
		expect := "seen"
		if named && rng.IntN(3) > 0 {
			expect = "roster"
		}
		after := []int{1, idle, idle + 1, 2 * idle, 20}[rng.IntN(5)]
		message := "{{device}} {{rule}} {{level}} {{value}} of {{threshold}} {{active_for}}"
		if named {
			message += " {{labels.site}}"
		}
		fmt.Fprintf(b, "  - {name: silent-%d, no_data: {after: %ds, expect: %s, severity: %s}%s, message: \"%s\"}\n",
			i, after, expect, []string{"critical", "gone"}[rng.IntN(2)], said(rng), message)
	}
}
