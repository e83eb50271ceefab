package task

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/statestore"
)

// rule compares one rule of the new pipeline with its namesake. Of a rule the layout
// holds the names of its levels and which have a hold; all else it may change amid an
// episode.
func (e *evolving) rule(r *configs.Rule) {
	p := EvolvedPart{Kind: "rule", Name: r.Name}
	o := e.old.ruleNamed(r.Name)
	if o == nil {
		p.New = true
		e.add(p, "")
		return
	}
	own, was := e.now.ruleColumn(r.Name), e.old.ruleColumn(r.Name)
	if own != was && (o.Anomaly != nil || r.Anomaly != nil) {
		p.Notes = append(p.Notes, endsOpen)
		e.add(p, e.anomalyChange(o, r))
		return
	}
	if own != was {
		changes := append(silenceChange(o, r), levelChanges(o, r)...)
		if len(changes) == 0 {
			changes = append(changes, "its windows put devices together in another way, or what is kept of it has another shape")
		}
		p.Notes = append(p.Notes, endsOpen)
		e.add(p, strings.Join(changes, ", and "))
		return
	}
	if from, to := e.old.sayWhen(o), e.now.sayWhen(r); from != to {
		p.Notes = append(p.Notes, fmt.Sprintf("it looks at %s instead of %s, and episodes that %s began go on", to, from, from))
	}
	if from, to := inputNames(o), inputNames(r); !slices.Equal(from, to) {
		p.Notes = append(p.Notes, sayInputs(from, to))
	}
	p.Notes = append(p.Notes, sensitivityChange(o, r)...)
	for i := range r.Levels {
		if from, to := sayLevel(&o.Levels[i]), sayLevel(&r.Levels[i]); from != to {
			p.Notes = append(p.Notes, fmt.Sprintf("level %s is %s instead of %s from its next sample on", r.Levels[i].Name, to, from))
		}
	}
	if o.Message != r.Message {
		p.Notes = append(p.Notes, "its message changes")
	}
	p.Notes = append(p.Notes, e.suppression(o, r)...)
	e.add(p, "")
}

// sayInputs says how what expressions name differs: the layout has the newest value of
// each, and what is new there has yet to come.
func sayInputs(from, to []string) string {
	switch {
	case len(from) == 0:
		return "it looks at an expression now, once there are new values of " + andWords(to)
	case len(to) == 0:
		return "it looks at an expression of " + andWords(from) + " no more"
	}
	return "what its expression names changes from " + andWords(from) + " to " + andWords(to)
}

// endsOpen is what becomes of alerts whose state does not go on.
const endsOpen = "alerts that it has open end, with the reason removed"

// levelChanges says how the levels of two rules differ in what the layout holds of
// them.
func levelChanges(from, to *configs.Rule) (changes []string) {
	names := func(r *configs.Rule) (all []string) {
		for i := range r.Levels {
			all = append(all, r.Levels[i].Name)
		}
		return all
	}
	if a, b := names(from), names(to); !slices.Equal(a, b) {
		return []string{fmt.Sprintf("its levels change from %s to %s", strings.Join(a, ", "), strings.Join(b, ", "))}
	}
	for i := range to.Levels {
		switch was, is := from.Levels[i].Hold > 0, to.Levels[i].Hold > 0; {
		case is && !was:
			changes = append(changes, fmt.Sprintf("level %s gets a hold", to.Levels[i].Name))
		case was && !is:
			changes = append(changes, fmt.Sprintf("level %s loses its hold", to.Levels[i].Name))
		}
	}
	switch was, is := from.KeepFiring > 0, to.KeepFiring > 0; {
	case is && !was:
		changes = append(changes, "it gets keep_firing")
	case was && !is:
		changes = append(changes, "it loses keep_firing")
	}
	return changes
}

// silenceChange says why a rule cannot go on from its state where it is one on silence,
// or was.
func silenceChange(from, to *configs.Rule) []string {
	switch {
	case from.NoData == nil && to.NoData == nil:
		return nil
	case from.NoData == nil:
		return []string{"it becomes a rule on silence"}
	case to.NoData == nil:
		return []string{"it is no rule on silence any more"}
	case from.NoData.Expect != to.NoData.Expect:
		return []string{fmt.Sprintf("expect changes from %s to %s", from.NoData.Expect, to.NoData.Expect)}
	}
	return nil
}

func (c *Plan) ruleNamed(name string) *configs.Rule {
	for i := range c.Pipeline.Rules {
		if c.Pipeline.Rules[i].Name == name {
			return &c.Pipeline.Rules[i]
		}
	}
	return nil
}

func (c *Plan) ruleColumn(name string) statestore.Column {
	for i := range c.rules {
		if c.rules[i].spec.Name == name {
			return c.Layout.Columns[c.rules[i].col]
		}
	}
	return statestore.Column{}
}

func (c *Plan) sayWhen(r *configs.Rule) string {
	if r.NoData != nil {
		return "silence"
	}
	if r.Formula != nil {
		return strings.Join(strings.Fields(r.Formula.Source), " ")
	}
	if r.When.Window < 0 {
		return c.metrics[r.When.Metric].name
	}
	return c.Pipeline.Windows[r.When.Window].Name + "." + r.When.Result
}

// sayLevel writes the thresholds of a level as the file has them.
func sayLevel(l *configs.Level) string {
	var parts []string
	for _, t := range []struct {
		name  string
		value *float64
	}{{"above", l.Above}, {"below", l.Below}, {"clear_below", l.ClearBelow}, {"clear_above", l.ClearAbove}} {
		switch {
		case t.value != nil:
			parts = append(parts, t.name+" "+strconv.FormatFloat(*t.value, 'g', -1, 64))
		case l.Labels[t.name] != "":
			parts = append(parts, t.name+" "+labelField+l.Labels[t.name])
		}
	}
	if l.Hold > 0 {
		parts = append(parts, "hold "+sayMs(l.Hold))
	}
	return strings.Join(parts, ", ")
}

// repeats compares the memory of repeats, which narrow messages have for each
// metric.
func (e *evolving) repeats() {
	a, b := e.old, e.now
	if a.dedupeCol < 0 && b.dedupeCol < 0 {
		return
	}
	p := EvolvedPart{Kind: "repeats"}
	by := func(c *Plan) string { return c.Pipeline.Dedupe.By }
	switch {
	case by(a) != by(b):
		e.add(p, fmt.Sprintf("dedupe.by changes from %s to %s", by(a), by(b)))
	case a.Wide != b.Wide && !b.byTime:
		e.add(p, "messages are wide in one of the files and narrow in the other")
	default:
		if fresh := without(b.Pipeline.Metrics, a.Pipeline.Metrics); len(fresh) > 0 && (b.byTime || !b.Wide) {
			p.Notes = append(p.Notes, "nothing is remembered yet of "+strings.Join(fresh, ", "))
		}
		e.add(p, "")
	}
}

// without are the names that are not among others.
func without(names, others []string) (rest []string) {
	for _, n := range names {
		if !slices.Contains(others, n) {
			rest = append(rest, n)
		}
	}
	return rest
}

// Outcome is one of kept, reset, new and removed.
func (p *EvolvedPart) Outcome() string {
	switch {
	case p.Removed:
		return "removed"
	case p.New:
		return "new"
	case p.Kept:
		return "kept"
	default:
		return "reset"
	}
}
