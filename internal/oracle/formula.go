package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// A rule on an expression looks once at all that one cause brings:
//
//	results, readings ──learn──▶ news ──settle, when the cause is over──▶ time by time ──▶ look
//
// A rule on anomalies looks at each value as it comes. Neither is one of the rules
// whose outcomes an emission is compared by.

// input is one of the things that a rule looks at.
type input struct{ rule, slot int }

// inputs say who is to be told of a value.
type inputs struct {
	window [][]input // by window: of what it says
	metric [][]input // by metric
	always [][]input // by window that closes: those who want to know of every reading
}

// news is a new value of an input.
type news struct {
	input
	observation
}

// datum is the newest value of an input.
type datum struct {
	known bool
	time  event.Time
	value measure
}

// formula is the expression of a rule, ready to run.
type formula struct {
	program *vm.Program
	labels  []string // that it names
}

// isPlain reports whether a rule goes by the thresholds of one result or metric.
func isPlain(r *configs.Rule) bool { return r.NoData == nil && r.Formula == nil && r.Anomaly == nil }

// tell notes what the rules look at that are not plain.
func (t *task) tell(rule int) {
	p := t.p
	r := &p.Rules[rule]
	for slot, when := range r.Looks() {
		of := &t.inputs.metric
		at := when.Metric
		if when.Window >= 0 {
			of, at = &t.inputs.window, when.Window
			if r.Evaluate == "change" && closes(&p.Windows[at]) {
				of = &t.inputs.always
			}
		}
		(*of)[at] = append((*of)[at], input{rule, slot})
	}
	if r.Formula != nil {
		t.formulas[rule] = t.expressions.formula(p, r.Formula)
	} else {
		t.detectors[rule] = detectorOf(r)
	}
}

// closes reports whether a window of a device speaks when it closes.
func closes(c *configs.Window) bool {
	return c.Kind != configs.Count && (c.Kind != configs.Rolling || c.Grouped())
}

// learn tells those who look at a result of a window of what it is.
func (t *task) learn(d *device, all []input, w *window, o observation) {
	for _, in := range all {
		o.value = t.result(w, in, o.window.window)
		t.learned(d, in, o)
	}
}

// learned tells one who looks of a value.
func (t *task) learned(d *device, in input, o observation) {
	if t.p.Rules[in.rule].Anomaly != nil {
		t.judge(d, in.rule, o)
		return
	}
	o.window = nil
	if len(d.news) == 0 {
		t.stirred = append(t.stirred, d)
	}
	d.news = append(d.news, news{in, o})
}

// result is what a window says to one who looks; where it may come out in more than
// one way, as its record says.
func (t *task) result(w *window, in input, index int) measure {
	name := t.p.Rules[in.rule].Looks()[in.slot].Result
	m := compute(&t.p.Windows[index], name, w.samples)
	if v, err := strconv.ParseFloat(text(sub(w.body, name)), 64); err == nil && m.takes(v) {
		return saidAs(v)
	}
	m.value = m.guess()
	return m
}

// settle shows to rules on expressions what a cause has brought.
func (t *task) settle() {
	for _, d := range t.stirred {
		all := d.news
		d.news = nil
		slices.SortStableFunc(all, func(a, b news) int { return cmp.Compare(a.time, b.time) })
		for len(all) > 0 {
			n := 1
			for n < len(all) && all[n].time == all[0].time {
				n++
			}
			t.settleAt(d, all[:n])
			all = all[n:]
		}
	}
	t.stirred = t.stirred[:0]
}

// settleAt shows what has become new at one time.
func (t *task) settleAt(d *device, all []news) {
	rules := map[int]observation{}
	for _, n := range all {
		m := &d.rules[n.rule]
		if m.inputs == nil {
			m.inputs = make([]datum, len(t.p.Rules[n.rule].Formula.Inputs))
		}
		if known := &m.inputs[n.slot]; !known.known || n.time >= known.time {
			*known = datum{true, n.time, n.value}
		}
		rules[n.rule] = n.observation
	}
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		t.work(d, rule, rules[rule])
	}
}

// work shows a rule what its expression is now.
func (t *task) work(d *device, rule int, o observation) {
	m := &d.rules[rule]
	if slices.ContainsFunc(m.inputs, func(i datum) bool { return !i.known }) {
		return
	}
	v, err := t.formulate(d, rule)
	switch open := m.pending || m.firing; {
	case err != nil && open && !m.failing:
		m.failing = true
		t.sayAgain(d, rule, alert{cause: cause{reason: "error"}})
	case err == nil && m.failing:
		m.failing = false
		t.sayAgain(d, rule, alert{cause: cause{reason: "worked"}})
	}
	if err != nil {
		return
	}
	o.value = v
	t.look(d, rule, o)
	m.failing = m.failing && (m.pending || m.firing)
}

// formulate works out the expression of a rule, and how far another correct way to do
// so may be away.
func (t *task) formulate(d *device, rule int) (measure, error) {
	f := t.formulas[rule]
	of := t.roster.of(d.name)
	for _, name := range f.labels {
		if of[name] == "" {
			return measure{}, fmt.Errorf("device %q has no label %s", d.name, name)
		}
	}
	env := map[string]any{"labels": map[string]any{}}
	if t.p.Roster != nil && t.groups == nil {
		env["labels"] = t.typedLabels(d.name)
	}
	all := d.rules[rule].inputs
	for i := range all {
		env[slotName(i)] = all[i].value.value
	}
	v, err := f.run(env)
	if err != nil {
		return measure{}, err
	}
	m := measure{value: v, tolerance: math.Abs(v) * relative}
	for i := range all {
		tolerance := all[i].value.tolerance
		for _, near := range []float64{-tolerance, tolerance} {
			env[slotName(i)] = all[i].value.value + near
			if w, err := f.run(env); err == nil {
				m.tolerance += math.Abs(w - v)
			}
		}
		env[slotName(i)] = all[i].value.value
	}
	return m, nil
}

// run works an expression out; what is no finite number is an error.
func (f *formula) run(env map[string]any) (float64, error) {
	answer, err := expr.Run(f.program, env)
	if err != nil {
		return 0, err
	}
	v := 0.0
	switch answer := answer.(type) {
	case bool:
		if answer {
			v = 1
		}
	case int:
		v = float64(answer)
	case float64:
		v = answer
	default:
		return 0, fmt.Errorf("it is %v", answer)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("it is %v", v)
	}
	return v, nil
}

func slotName(slot int) string { return fmt.Sprintf("weir_%d", slot) }

// formula compiles the expression of a rule. What it names becomes the slots of its
// inputs.
func (e *expressions) formula(p *configs.Pipeline, f *configs.Formula) *formula {
	env := map[string]any{"labels": e.env()["labels"]}
	names := &naming{slots: map[string]string{}}
	for i := range f.Inputs {
		env[slotName(i)] = 0.0
		names.slots[f.Inputs[i].Name] = slotName(i)
	}
	program, err := expr.Compile(f.Source, expr.Env(env), expr.Patch(names), expr.Optimize(false), expr.DisableBuiltin("int"),
		expr.Function("int", wholeNumber, new(func(float64) int), new(func(int) int)))
	if err != nil {
		panic(fmt.Sprintf("expression %q of pipeline %q: %v", f.Source, p.Name, err))
	}
	slices.Sort(names.labels)
	return &formula{program, slices.Compact(names.labels)}
}

// naming puts the slots in place of what an expression names, and notes the labels.
type naming struct {
	slots  map[string]string
	labels []string
}

// Visit implements ast.Visitor. What is within a node comes before it.
func (n *naming) Visit(node *ast.Node) {
	name := ""
	switch of := (*node).(type) {
	case *ast.IdentifierNode:
		name = of.Value
	case *ast.MemberNode:
		owner, isName := of.Node.(*ast.IdentifierNode)
		field, isText := of.Property.(*ast.StringNode)
		if !isName || !isText {
			return
		}
		if owner.Value == "labels" {
			n.labels = append(n.labels, field.Value)
			return
		}
		name = owner.Value + "." + field.Value
		for metric, slot := range n.slots { // unordered: one at most; a metric called as the window is took its place
			if slot == owner.Value {
				name = metric + "." + field.Value
			}
		}
	}
	if slot, ok := n.slots[name]; ok {
		ast.Patch(node, &ast.IdentifierNode{Value: slot})
	}
}
