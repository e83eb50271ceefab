package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// tally answers questions about results. It holds none of the first lines of files, which tell of the machine.
type tally struct{ all []result }

// group is a measure's case.
type group struct {
	measure, name string
	order         int64
	command       string
}

// groups are the cases of a measure in their order.
func (t tally) groups(measure string) []group {
	var found []group
	for _, r := range t.all {
		known := func(g group) bool { return g.name == r.Case }
		if r.Measure == measure && !slices.ContainsFunc(found, known) {
			found = append(found, group{measure: measure, name: r.Case, order: r.Order, command: r.Command})
		}
	}
	slices.SortStableFunc(found, func(a, b group) int { return cmp.Compare(a.order, b.order) })
	return found
}

// engines are those that have results in a case, good or not, in the order in which they were asked.
func (t tally) engines(g group) []string {
	var names []string
	for _, r := range t.of(g, "") {
		if !slices.Contains(names, r.Engine) {
			names = append(names, r.Engine)
		}
	}
	return names
}

// of are the results of a case and an engine; of all engines where it is empty.
func (t tally) of(g group, engine string) []result {
	var found []result
	for _, r := range t.all {
		if r.Measure == g.measure && r.Case == g.name && (engine == "" || r.Engine == engine) {
			found = append(found, r)
		}
	}
	return found
}

// good holds where an engine has results in a case, and all are right.
func (t tally) good(g group, engine string) bool {
	all := t.of(g, engine)
	return len(all) > 0 && !slices.ContainsFunc(all, func(r result) bool { return !r.good() })
}

// state is the word that stands in a row without figures.
func (t tally) state(g group, engine string) string {
	for _, r := range t.of(g, engine) {
		if r.Verdict != nil && !r.Verdict.right() {
			return "**wrong**"
		}
	}
	return "**failed**"
}

// figure is a number of a result, computed from its figures; not a number where they are not there.
type figure func(r result) float64

func named(name string) figure {
	return func(r result) float64 {
		if v, ok := r.Figures[name]; ok {
			return v
		}
		return math.NaN()
	}
}

// steadily is the steady figure of a throughput, or the whole one where the backlog was too small to tell them apart, or nothing has to start.
func steadily(name string) figure {
	return func(r result) float64 {
		if v, ok := r.Figures["steady_"+name]; ok {
			return v
		}
		return named(name)(r)
	}
}

// per divides one figure by another.
func per(a, b figure) figure {
	return func(r result) float64 { return a(r) / b(r) }
}

func times(a figure, factor float64) figure {
	return func(r result) float64 { return a(r) * factor }
}

// spread is a figure over the good runs of an engine.
func (t tally) spread(g group, engine string, f figure) spread {
	var values []float64
	for _, r := range t.of(g, engine) {
		if v := f(r); r.good() && !math.IsNaN(v) && !math.IsInf(v, 0) {
			values = append(values, v)
		}
	}
	return spreadOf(values)
}

// ratio is how many times one engine's figure is another's, run by run.
func (t tally) ratio(g group, p pair, f comparison) spread {
	var values []float64
	for _, a := range t.of(g, p.engine) {
		for _, b := range t.of(g, p.other) {
			if v := f(a, b); a.Run == b.Run && a.good() && b.good() && !math.IsNaN(v) && !math.IsInf(v, 0) {
				values = append(values, v)
			}
		}
	}
	return spreadOf(values)
}

// comparison is how many times a result is another.
type comparison func(a, b result) float64

func byFigure(f figure) comparison {
	return func(a, b result) float64 { return f(a) / f(b) }
}

// bySteady compares steady figures. Where the second has none, the whole ones are compared, so that its start is never held against a
// steady figure; where only the first has none, that is to its own disadvantage.
func bySteady(name string) comparison {
	return func(a, b result) float64 {
		if _, ok := b.Figures["steady_"+name]; !ok {
			return named(name)(a) / named(name)(b)
		}
		return steadily(name)(a) / steadily(name)(b)
	}
}

// pair is an engine and the one it is compared with.
type pair struct{ engine, other string }

// show writes a spread as median (least to greatest).
func show(s spread, unit string) string {
	switch {
	case s.N == 0:
		return ""
	case s.N == 1 || s.Min == s.Max:
		return number(s.Median) + unit
	default:
		return fmt.Sprintf("%s%s (%s to %s)", number(s.Median), unit, number(s.Min), number(s.Max))
	}
}

// number writes three digits that count, and thousands in groups.
func number(v float64) string {
	a := math.Abs(v)
	switch {
	case a >= 1000:
		unit := math.Pow(10, math.Floor(math.Log10(a))-2)
		return grouped(int64(math.Round(v/unit) * unit))
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1 || v == 0:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.3g", v)
	}
}
