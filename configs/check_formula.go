package configs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/operators/aggregate"
	"github.com/weirstream/weir/operators/expr"
	"github.com/weirstream/weir/operators/roster"
)

// isFormula reports whether what a rule looks at is an expression. A metric that
// looks like one is one only if the file names it elsewhere.
func (c *checker) isFormula(t *text) bool {
	if !t.ok() || c.isMetric(t.value) {
		return false
	}
	if isExpression(t.value) {
		return true
	}
	if !strings.ContainsAny(t.value, "-/%^[]") {
		return false
	}
	// a-b may be a metric of that name: only where it can be none is it read again.
	name, result, dotted := strings.Cut(t.value, ".")
	i := c.window(name)
	none := c.noSuchMetric(t.value) != "" && (!dotted || i < 0)
	if dotted && i >= 0 {
		none = !slices.Contains(c.p.Windows[i].Compute, result) && !c.doc.Windows.items[i].Compute.bad
	}
	return none && c.namesKnown(t.value)
}

// namesKnown reports whether a text is an expression that names something, all of
// which the file knows.
func (c *checker) namesKnown(s string) bool {
	all, err := expr.Mentions(s)
	for _, m := range all {
		if name, result, dotted := strings.Cut(m.Name, "."); c.isMetric(m.Name) || dotted && c.window(name) >= 0 && aggregate.Known(result) {
			continue
		}
		return false
	}
	return err == nil && len(all) > 0
}

// formula checks a rule that looks at an expression.
func (c *checker) formula(t *text, r *Rule) {
	r.When.Metric = -1
	f := &Formula{}
	t.raw = strings.TrimSpace(strings.ReplaceAll(t.raw, "\n", " ")) // Explain shows it on one line
	mentions, err := expr.Mentions(t.value)
	if err != nil {
		c.notCompiled(t, err)
		return
	}
	for _, m := range mentions {
		if in, problem := c.mentioned(t, m, mentions); problem != "" {
			c.wrongMention(t, m, problem)
		} else if in != nil && !slices.ContainsFunc(f.Inputs, func(o Input) bool { return o.Name == in.Name }) {
			f.Inputs = append(f.Inputs, *in)
		}
	}
	if t.bad {
		return
	}
	f.Source = t.value
	slices.SortFunc(f.Inputs, func(a, b Input) int { return cmp.Compare(a.Name, b.Name) })
	if _, err := expr.Compile(f.Source, c.p.FormulaEnvironment(f)); err != nil {
		c.notCompiled(t, err)
		return
	}
	if len(f.Inputs) == 0 {
		t.bad = true
		c.errorf(t.at, "%s names no window result and no metric, so nothing would ever make the rule look", t)
		return
	}
	if c.together(t, mentions, f); !t.bad {
		r.Formula = f
	}
}

// notCompiled complains about an expression.
func (c *checker) notCompiled(t *text, err error) {
	t.bad = true
	e, ok := errors.AsType[*expr.Error](err)
	if !ok {
		c.errorf(t.at, "%s: %s", t.path, err)
		return
	}
	at, within := c.within(t, e)
	c.errorf(at, "%s%s: %s%s", t.path, within, c.sayWrong(e), c.unnameable(t.value))
}

// wrongMention complains about a name in an expression.
func (c *checker) wrongMention(t *text, m expr.Mention, problem string) {
	t.bad = true
	at, within := c.within(t, &expr.Error{Line: m.Line, Col: m.Col})
	c.errorf(at, "%s%s: %s %s", t.path, within, shorten(m.Name), problem)
}

// mentioned is what a name in an expression stands for, nil for a label, or what is
// wrong with it.
func (c *checker) mentioned(t *text, m expr.Mention, all []expr.Mention) (*Input, string) {
	if label, is := m.Label(); is {
		return nil, c.label(label, roster.Text)
	}
	in := &Input{Name: m.Name, When: When{Window: -1, Metric: -1}}
	name, result, dotted := strings.Cut(m.Name, ".")
	i := c.window(name)
	switch {
	case dotted && i >= 0:
		in.Window, in.Result = i, result
		return in, c.noResult(i, result)
	case c.isMetric(m.Name):
		return in, ""
	case i >= 0:
		return nil, "is a window; write which of its results: " + name + "." + orWord(first(c.p.Windows[i].Compute), "mean")
	case dotted:
		return nil, "refers to a window that does not exist" + c.suggestResult(name, result) + c.unnameable(t.value)
	case slices.Contains([]string{"device", "metric", "value", "time"}, name):
		return nil, "is not known here: the rule looks at window results and metrics by their names, not at one reading"
	case name == "labels" || strings.HasPrefix(name, "$"):
		return nil, "is neither a window result nor a metric"
	}
	if problem := c.noSuchMetric(name); problem != "" {
		return nil, problem + c.unnameable(t.value)
	}
	others := slices.DeleteFunc(c.windowMetrics(), func(metric string) bool {
		return slices.ContainsFunc(all, func(o expr.Mention) bool { return o.Name == metric })
	})
	if near := nearest(name, others); near != "" && !sameButDigits(near, name) {
		at, within := c.within(t, &expr.Error{Line: m.Line, Col: m.Col})
		c.warnf(at, "%s%s: %s is taken as a metric of its own; did you mean %s?", t.path, within, name, near)
	}
	return in, ""
}

// noResult says why window i has no such result; nothing where it has.
func (c *checker) noResult(i int, result string) string {
	w, doc := &c.p.Windows[i], &c.doc.Windows.items[i]
	switch {
	case slices.Contains(w.Compute, result) || doc.Compute.bad:
		return ""
	case aggregate.Known(result):
		return fmt.Sprintf("is not there: window %s does not compute %s; add it to %s.compute", w.Name, result, doc.path)
	}
	return fmt.Sprintf("is not there: window %s has no result %s, it computes %s%s", w.Name, shorten(result), andList(w.Compute), suggest(result, w.Compute))
}

// unnameable tells of windows and metrics that stand in an expression, which cannot
// name them, since their names are no words; nothing where there are none.
func (c *checker) unnameable(s string) string {
	var odd []string
	for _, name := range append(append(c.windowNames(), c.windowMetrics()...), c.doc.Source.Reading.Metrics.values()...) {
		if name != "" && strings.Contains(s, name) && !isPlainWord(name) && !slices.Contains(odd, name) {
			odd = append(odd, name)
		}
	}
	if len(odd) == 0 {
		return ""
	}
	return "; an expression cannot name " + andList(odd) + ": a name there is one word of letters, digits and underscores"
}

// isPlainWord reports whether an expression reads s as one name.
func isPlainWord(s string) bool {
	all, err := expr.Mentions(s)
	return err == nil && len(all) == 1 && all[0].Name == s && !strings.Contains(s, ".")
}

// sameButDigits reports whether two names differ in a number only.
func sameButDigits(a, b string) bool {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, s)
	}
	return letters(a) == letters(b)
}

// together refuses an expression of what is kept for different devices.
func (c *checker) together(t *text, mentions []expr.Mention, f *Formula) {
	r := Rule{Formula: f}
	if r.Window() < 0 {
		return
	}
	grouped := slices.IndexFunc(f.Inputs, func(in Input) bool { return in.Window >= 0 && c.p.Windows[in.Window].Grouped() })
	if grouped < 0 {
		return
	}
	w := &c.p.Windows[f.Inputs[grouped].Window]
	for _, m := range mentions {
		i := slices.IndexFunc(f.Inputs, func(in Input) bool { return in.Name == m.Name })
		switch {
		case i < 0:
			c.wrongMention(t, m, fmt.Sprintf("is the label of one device, and window %s is %s", w.Name, sayBy(w)))
		case f.Inputs[i].Window < 0:
			c.wrongMention(t, m, fmt.Sprintf("is a metric, of which each device has its own, and window %s is %s", w.Name, sayBy(w)))
		case c.p.Windows[f.Inputs[i].Window].By != w.By:
			o := &c.p.Windows[f.Inputs[i].Window]
			c.wrongMention(t, m, fmt.Sprintf("does not go with window %s: that is %s, and %s is %s", w.Name, sayBy(w), o.Name, sayBy(o)))
		}
	}
}

// formulaUses are the metrics that the formula of a rule needs of the source.
func (c *checker) formulaUses(t *text, f *Formula) []use {
	mentions, _ := expr.Mentions(f.Source)
	var uses []use
	for _, m := range mentions {
		for i := range f.Inputs {
			if in := &f.Inputs[i]; in.Name == m.Name && in.Window < 0 {
				at, _ := c.within(t, &expr.Error{Line: m.Line, Col: m.Col})
				uses = append(uses, use{at, m.Name, &in.Metric})
			}
		}
	}
	return uses
}

// doubtFormula warns of a metric that reads like an expression of others, and reports
// whether it did.
func (c *checker) doubtFormula(t *text) bool {
	doubtful := !c.isMetric(t.value) && strings.ContainsAny(t.value, "-/%^") && c.namesKnown(t.value)
	if doubtful {
		c.warnf(t.at, "%s is taken as a metric of that name; write spaces around the operators for an expression", t)
	}
	return doubtful
}
