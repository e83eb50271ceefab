package oracle

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// expressions are those of a pipeline, ready to run.
type expressions struct {
	where  *vm.Program   // nil: all readings pass
	derive []*vm.Program // in the order of the file
	kinds  map[string]kind
	seen   map[string]any // what an expression sees, filled in anew for each
	fields []string       // of wide messages, those that an expression may name
}

// compileAll makes the expressions of a checked pipeline ready: one that does not
// compile is a broken promise of the check.
func compileAll(p *configs.Pipeline) expressions {
	e := expressions{kinds: labelKinds(p), seen: map[string]any{}}
	for _, name := range p.Source.Reading.Metrics {
		if !slices.Contains([]string{"device", "metric", "value", "time", "labels"}, name) {
			e.fields = append(e.fields, name)
		}
	}
	compile := func(source string, o expr.Option) *vm.Program {
		program, err := expr.Compile(source, expr.Env(e.env()), o, expr.Optimize(false), expr.DisableBuiltin("int"),
			expr.Function("int", wholeNumber, new(func(float64) int), new(func(int) int)))
		if err != nil {
			panic(fmt.Sprintf("expression %q of pipeline %q: %v", source, p.Name, err))
		}
		return program
	}
	if p.Where != nil {
		e.where = compile(p.Where.Source, expr.AsBool())
	}
	for i := range p.Derive {
		e.derive = append(e.derive, compile(p.Derive[i].Value.Source, expr.AsKind(reflect.Float64)))
	}
	return e
}

// wholeNumber is the function int, which is an error beyond 64 bits and for NaN.
func wholeNumber(args ...any) (any, error) {
	v, isFloat := args[0].(float64)
	switch {
	case !isFloat:
		return args[0], nil
	case v >= -0x1p63 && v < 0x1p63:
		return int(v), nil
	default:
		return nil, fmt.Errorf("int of %v", v)
	}
}

// env says of what types the names in an expression are.
func (e *expressions) env() map[string]any {
	columns := types.Map{}
	for name, k := range e.kinds { // unordered: into a map
		columns[name] = map[kind]types.Type{isText: types.String, isNumber: types.Float64, isTruth: types.Bool}[k]
	}
	env := map[string]any{"device": "", "metric": "", "value": 0.0, "time": 0, "labels": columns}
	for _, name := range e.fields {
		env[name] = 0.0
	}
	return env
}

// evaluate works an expression out for a reading.
func (t *task) evaluate(program *vm.Program, r reading, at event.Time) (any, error) {
	seen := t.expressions.seen
	seen["device"], seen["metric"], seen["value"], seen["time"] = r.device, t.p.Metrics[r.metric], r.value, int(at)
	if t.p.Roster != nil {
		seen["labels"] = t.typedLabels(r.device)
	}
	for _, name := range t.expressions.fields {
		seen[name] = math.NaN()
		if v, ok := fieldNumber(r.object.field(name)); ok {
			seen[name] = v
		}
	}
	return expr.Run(program, seen)
}

// fieldNumber is the value of another field of a wide message; ok is false where
// it is missing or cannot be a value.
func fieldNumber(n *node) (v float64, ok bool) {
	if !n.there() {
		return 0, false
	}
	switch n.kind {
	case 't':
		return 1, true
	case 'f':
		return 0, true
	case '0':
		v, err := strconv.ParseFloat(n.text, 64)
		return v, err == nil
	}
	return 0, false
}

// passes reports whether where lets a reading through. An error says that it
// cannot be told.
func (t *task) passes(r reading, at event.Time) (bool, error) {
	if t.expressions.where == nil {
		return true, nil
	}
	answer, err := t.evaluate(t.expressions.where, r, at)
	if err != nil {
		return false, err
	}
	yes, ok := answer.(bool)
	if !ok {
		return false, fmt.Errorf("where is %v", answer)
	}
	return yes, nil
}

// derive works out a metric made from the one of a reading. ok is false where it
// is missing.
func (t *task) derive(index int, r reading, at event.Time) (v float64, ok bool) {
	if len(t.p.Source.Reading.Metrics) > 0 {
		for _, field := range t.p.Derive[index].Fields {
			if _, held := fieldNumber(r.object.field(t.p.Metrics[field])); !held {
				return 0, false
			}
		}
	}
	answer, err := t.evaluate(t.expressions.derive[index], r, at)
	if err != nil {
		return 0, false
	}
	v, ok = answer.(float64)
	return v, ok && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// typedLabels are the labels of a device in the version in force.
func (t *task) typedLabels(device string) map[string]any {
	all, known := t.typed[device]
	if !known {
		all = t.roster.typed(device, t.expressions.kinds)
		t.typed[device] = all
	}
	return all
}

// used reports whether anything is made of a metric: a window, a rule, or another
// metric from it.
func used(p *configs.Pipeline, metric int) bool {
	return directlyUsed(p, metric) || slices.ContainsFunc(p.Derive, func(d configs.Derived) bool { return d.From == metric })
}

// directlyUsed reports whether a window or a rule looks at a metric.
func directlyUsed(p *configs.Pipeline, metric int) bool {
	return slices.ContainsFunc(p.Windows, func(w configs.Window) bool { return w.MetricIndex == metric }) ||
		slices.ContainsFunc(p.Rules, func(r configs.Rule) bool {
			return slices.ContainsFunc(r.Looks(), func(w configs.When) bool { return w.Window < 0 && w.Metric == metric })
		})
}
