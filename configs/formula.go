package configs

import (
	"strings"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/expr"
)

// Formula is the expression that a rule looks at in place of one window result or
// metric.
type Formula struct {
	Expression
	// Inputs are what it names beside labels, each once, at least one, in the order of
	// their names.
	Inputs []Input
}

// Input is a window result or a metric that a formula names.
type Input struct {
	Name string // as the formula has it: WINDOW.RESULT or METRIC
	When
}

// Looks are the window results and metrics that the rule looks at; none for a rule
// on silence. In those of a rule with a formula it is all that the formula names.
func (r *Rule) Looks() []When {
	switch {
	case r.NoData != nil:
		return nil
	case r.Formula == nil:
		return []When{r.When}
	}
	all := make([]When, len(r.Formula.Inputs))
	for i := range r.Formula.Inputs {
		all[i] = r.Formula.Inputs[i].When
	}
	return all
}

// Window is the first of the windows that the rule looks at, all of which are over
// the same devices, as an index into Pipeline.Windows; -1 where it looks at none.
func (r *Rule) Window() int {
	for _, w := range r.Looks() {
		if w.Window >= 0 {
			return w.Window
		}
	}
	return -1
}

// moved is the rule of a pipeline in which windows have other indexes.
func (r Rule) moved(index []int) Rule {
	if r.When.Window >= 0 {
		r.When.Window = index[r.When.Window]
	}
	if r.Formula == nil {
		return r
	}
	f := Formula{Expression: r.Formula.Expression, Inputs: append([]Input(nil), r.Formula.Inputs...)}
	for i := range f.Inputs {
		if w := &f.Inputs[i].Window; *w >= 0 {
			*w = index[*w]
		}
	}
	r.Formula = &f
	return r
}

// FormulaEnvironment is what the formula of a rule can name. The fields of expr.Input
// are in the order of Formula.Inputs, the labels in that of Roster.Labels.
func (p *Pipeline) FormulaEnvironment(f *Formula) expr.Environment {
	e := p.Environment(expr.Either)
	e.Bare, e.Fields = true, nil
	for i := range f.Inputs {
		e.Fields = append(e.Fields, f.Inputs[i].Name)
	}
	return e
}

// Hole is the longest time in milliseconds between two samples of the rule that is
// no hole in the data, where distance is that between two results of a window: what
// speaks only once every so often has to be waited for.
func (p *Pipeline) Hole(r *Rule, distance func(*Window) event.Time) event.Time {
	hole := p.Time.IdleAfter
	if r.Evaluate == "change" {
		return hole
	}
	for _, w := range r.Looks() {
		if w.Window >= 0 {
			hole = max(hole, distance(&p.Windows[w.Window]))
		}
	}
	return hole
}

// subject is what a rule looks at, as its usual message names it.
func (t *text) subject() string {
	const most = 200
	s := strings.TrimSpace(strings.ReplaceAll(t.value, "\n", " "))
	if len(s) > most || strings.Contains(s, "{{") {
		return "its expression"
	}
	return s
}
