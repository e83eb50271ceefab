package task

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/expr"
	"github.com/weirstream/weir/operators/window"
	"github.com/weirstream/weir/statestore"
)

// formula is the expression that a rule looks at. Its column has a cell for each
// thing that the expression names, with the newest value of that, and one behind
// them that says whether the rule has an error.
type formula struct {
	program *expr.Program
	rule    int
	col     int
	state   int // the last cell
	in      expr.Input
}

// Words of a cell of a formula's column: of a value, and of the last one.
const (
	valueTime    = 0 // 1 + the time of the value; 0: there was none yet
	valueBits    = 1
	formulaError = 0 // 1: the expression could not be worked out, with the episode open that is open now
	formulaWords = 2
)

// planFormula gives the rule that was planned last the expression it looks at, and
// binds it to all that this names.
func (c *Plan) planFormula() error {
	i := len(c.rules) - 1
	spec := c.rules[i].spec
	program, err := expr.Compile(spec.Formula.Source, c.Pipeline.FormulaEnvironment(spec.Formula))
	if err != nil {
		return fmt.Errorf("compile the expression of rule %q: %w", spec.Name, err)
	}
	n := len(spec.Formula.Inputs)
	f := &formula{program: program, rule: i, state: n, in: expr.Input{Fields: make([]float64, n)}}
	f.col = c.column(c.formulaColumn(spec), n+1, formulaWords)
	c.rules[i].formula = f
	for k := range spec.Formula.Inputs {
		look, in := spec.Formula.Inputs[k].When, ruleInput{rule: i, input: k + 1}
		if look.Window < 0 {
			c.metrics[look.Metric].inputs = append(c.metrics[look.Metric].inputs, in)
			continue
		}
		if err := c.bindRule(in, look, spec); err != nil {
			return err
		}
	}
	return nil
}

// formulaColumn is the name of the column of values. It says of what they are, so that
// values serve whatever is made of them; the last cell, which is of none, has no name.
func (c *Plan) formulaColumn(spec *configs.Rule) string {
	return ofMetrics(valuesPrefix+c.ruleName(spec), append(inputNames(spec), ""))
}

func inputNames(spec *configs.Rule) (names []string) {
	if spec.Formula == nil {
		return nil
	}
	for i := range spec.Formula.Inputs {
		names = append(names, spec.Formula.Inputs[i].Name)
	}
	return names
}

// newValue is a value that something which the formula of a rule names has got by the
// cause at work.
type newValue struct {
	slot        statestore.Slot
	rule, input int32
	at          event.Time
	value       float64
}

// compare puts the new values of a cause in order: of each rule by their times.
func (a newValue) compare(b newValue) int {
	return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.rule, b.rule), cmp.Compare(a.at, b.at))
}

// bringOne keeps a new value of an input until the cause at work has brought all it does.
func (t *Task) bringOne(in ruleInput, at event.Time, v float64) {
	t.news = append(t.news, newValue{t.slot, int32(in.rule), int32(in.input - 1), at, v})
}

// bring brings what a window says at a time to the rules that name it in expressions.
func (t *Task) bring(inputs []ruleInput, r *window.Result, at event.Time) {
	for _, in := range inputs {
		t.bringOne(in, at, r.Values[in.result])
	}
}

// bringNewest brings a reading to the rules that name its metric in expressions,
// where it is not older than the newest.
func (t *Task) bringNewest(feeds *metric, at event.Time, v float64) {
	for _, in := range feeds.inputs {
		if t.table.Cell(t.plan.rules[in.rule].formula.col, in.input-1, t.slot)[valueTime] <= uint64(at)+1 {
			t.bringOne(in, at, v)
		}
	}
}

// settle ends a cause: its new values are taken one time after the other, and rules
// on expressions look at each.
func (t *Task) settle() {
	if len(t.news) == 0 {
		return
	}
	slot, news := t.slot, t.news
	slices.SortStableFunc(news, newValue.compare)
	for i := 0; i < len(news); {
		first := &news[i]
		t.slot = first.slot
		f := t.plan.rules[first.rule].formula
		for ; i < len(news) && news[i].compare(*first) == 0; i++ {
			t.learn(f, &news[i])
		}
		t.judgeFormula(f, first.at)
	}
	t.slot, t.news = slot, news[:0]
}

// learn keeps a value, unless there is a newer one.
func (t *Task) learn(f *formula, v *newValue) {
	at, bits := uint64(v.at)+1, math.Float64bits(v.value)
	cell := t.table.Cell(f.col, int(v.input), t.slot)
	if cell[valueTime] > at || cell[valueTime] == at && cell[valueBits] == bits {
		return
	}
	w := t.table.Write(f.col, int(v.input), t.slot)
	w[valueTime], w[valueBits] = at, bits
}

// judgeFormula has a rule look at its expression at a time.
func (t *Task) judgeFormula(f *formula, at event.Time) {
	for k := range f.in.Fields {
		cell := t.table.Cell(f.col, k, t.slot)
		if cell[valueTime] == 0 {
			return
		}
		f.in.Fields[k] = math.Float64frombits(cell[valueBits])
	}
	v, ok := t.workOut(f)
	r := &t.plan.rules[f.rule]
	had := t.hasError(r)
	switch {
	case !ok:
		t.table.Task()[wordRuleErrors]++
		if !had && r.View(t.table.Cell(r.col, 0, t.slot)).State != alerts.OK {
			t.table.Write(f.col, f.state, t.slot)[formulaError] = 1
			t.sayState(r, "error")
		}
		return
	case had:
		t.table.Write(f.col, f.state, t.slot)[formulaError] = 0
		t.sayState(r, "worked")
	}
	t.evaluate(f.rule, alerts.Sample{Time: at, Value: v}, nil)
}

// workOut works the expression of a rule out; false: it cannot be.
func (t *Task) workOut(f *formula) (float64, bool) {
	if labels := f.program.Labels(); len(labels) > 0 {
		t.labelled = t.labels(t.slot)
		for _, i := range labels {
			if t.labelled.Text(i) == "" {
				return 0, false
			}
		}
		f.in.Labels = &t.labelled
	}
	v, err := f.program.Number(&f.in)
	return v, err == nil
}

// hasError reports whether the expression of a rule cannot be worked out while its
// episode on the device at hand is open.
func (t *Task) hasError(r *rule) bool {
	return r.formula != nil && t.table.Cell(r.formula.col, r.formula.state, t.slot)[formulaError] != 0
}

// sayState says once more what the open episode of a rule is in, for a reason other
// than a sample.
func (t *Task) sayState(r *rule, reason string) {
	record := t.record
	t.record = nil
	t.sayOf(r, reason)
	t.record = record
}

// endsObject reports whether the reading at an index of the block is the last of the
// object it came from. Those of one object are next to each other: see gather.
func (t *Task) endsObject(i int) bool {
	all := t.batch.Readings
	return i+1 >= len(all) || t.from[i+1] != t.from[i] || all[i+1].Sample != all[i].Sample
}
