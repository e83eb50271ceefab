package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/weirstream/weir/configs"
)

// additions are what a pipeline gets beside what its own stream of chance has drawn,
// so that a seed's world is what it was before there were any.
type additions struct {
	*rand.Rand
	of *configs.Pipeline
}

// to is the text of a pipeline with rules on anomalies in one pipeline of `odd`, and with further
// lines about which alerts suppress others in one of two.
func (a additions) to(text string, odd int) string {
	const behind = "alerts: {topic"
	head, tail, found := strings.Cut(text, behind)
	if !found {
		head, tail = text, ""
	} else {
		tail = behind + tail
	}
	rules, inhibits, inhibited := strings.Cut(head, "inhibit:\n")
	if a.IntN(odd) == 0 {
		rules += a.anomalies()
	}
	if a.IntN(2) == 0 {
		inhibits, inhibited = inhibits+a.inhibits(inhibits), true
	}
	if inhibited && inhibits != "" {
		rules += "inhibit:\n" + inhibits
	}
	return rules + tail
}

// anomalies draws rules on what is unusual in metrics and in results that come out in one way only.
func (a additions) anomalies() string {
	var all []string
	for i := range a.of.Windows {
		w := &a.of.Windows[i]
		for _, result := range w.Compute {
			if slices.Contains([]string{"count", "min", "max", "first", "last", "range", "delta"}, result) && !(w.Grouped() && (result == "first" || result == "last" || result == "delta")) {
				all = append(all, w.Name+"."+result)
			}
		}
	}
	var b strings.Builder
	for i := range 1 + a.IntN(2) {
		of := a.of.Windows[0].Metric
		if i > 0 && len(all) > 0 {
			of = all[a.IntN(len(all))]
		}
		fmt.Fprintf(&b, "  - {name: odd-%d, anomaly: {of: %s, sensitivity: one false alarm per %s}%s}\n", i, of, []string{"hour", "hour", "day", "month"}[a.IntN(4)], said(a.Rand))
	}
	return b.String()
}

// inhibits draws which alerts suppress others, those of groups too, from a level on and up to one.
func (a additions) inhibits(before string) string {
	labelled := a.of.Roster != nil
	var b strings.Builder
	for range 1 + a.IntN(3) {
		from, to := &a.of.Rules[a.IntN(len(a.of.Rules))], &a.of.Rules[a.IntN(len(a.of.Rules))]
		equal := "device"
		switch {
		case labelled && (a.IntN(2) == 0 || from == to || whose(a.of, from) != whose(a.of, to)):
			equal = "labels.site"
		case from == to || whose(a.of, from) != whose(a.of, to):
			continue
		}
		line := fmt.Sprintf("  - {source: {rule: %s%s}, target: {rule: %s%s}, equal: %s}\n", from.Name, a.level(from), to.Name, a.level(to), equal)
		if !strings.Contains(before+b.String(), line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// level draws a level of a rule, or none.
func (a additions) level(r *configs.Rule) string {
	if len(r.Levels) == 0 || a.IntN(3) == 0 {
		return ""
	}
	return ", level: " + r.Levels[a.IntN(len(r.Levels))].Name
}

// whose says over which devices the windows are that a rule looks at; empty for each by itself.
func whose(p *configs.Pipeline, r *configs.Rule) string {
	if r.Window() < 0 {
		return ""
	}
	return p.Windows[r.Window()].By
}
