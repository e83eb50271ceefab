package task

import (
	"fmt"
	"math"
	"slices"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/expr"
)

// derived is a metric that is made from the readings of another.
type derived struct {
	metric  int // which metric it is
	program *expr.Program
}

// expressions are those of a plan.
type expressions struct {
	where   *expr.Program // nil: all readings pass
	derived []derived     // in the order of the file
	field   []int         // by metric: which field of a wide message it is, -1 for none
}

// planExpressions compiles where and derive, once all metrics know what they feed.
func (c *Plan) planExpressions() error {
	p := c.Pipeline
	if p.Where != nil {
		program, err := expr.Compile(p.Where.Source, p.Environment(expr.Condition))
		if err != nil {
			return fmt.Errorf("compile where: %w", err)
		}
		c.where = program
	}
	for i, d := range p.Derive {
		program, err := expr.Compile(d.Value.Source, p.Environment(expr.Number))
		if err != nil {
			return fmt.Errorf("compile derive.%s: %w", d.Name, err)
		}
		c.expressions.derived = append(c.expressions.derived, derived{metric: d.Index, program: program})
		c.metrics[d.From].derived = append(c.metrics[d.From].derived, i)
	}
	for i := range c.metrics {
		m := &c.metrics[i]
		m.used = len(m.rings)+len(m.sessions)+len(m.followers)+len(m.partials)+len(m.counted)+len(m.rules)+len(m.inputs)+len(m.derived) > 0
		c.field = append(c.field, slices.Index(p.Source.Reading.Metrics, m.name))
	}
	return nil
}

// object is the object of a wide message whose fields the task has at hand.
type object struct {
	first  int       // index in the block of its first reading; -1: none
	fields []float64 // in the order of source.reading.metrics; NaN where it has none
}

// input is what an expression sees of the reading at hand.
func (t *Task) input(p *expr.Program, r *event.Reading, at event.Time) *expr.Input {
	in := &t.in
	in.Device, in.Metric, in.Value, in.Time = r.Device, t.plan.metrics[r.Metric].name, r.Value.Num, at
	if len(p.Fields()) > 0 {
		t.gather()
		in.Fields = t.object.fields
	}
	in.Labels = nil
	if len(p.Labels()) > 0 && t.roster.Roster != nil {
		if t.found[t.index] {
			t.labelled = t.labels(t.slots[t.index])
		} else {
			t.labelled = t.roster.Of(r.Device)
		}
		in.Labels = &t.labelled
	}
	return in
}

// gather puts the fields of the object that the reading at hand came from side by
// side. All of them are in the block, for a block ends between records only, and
// next to each other: they have one time, so sorting does not part them. One that
// cannot be used is as good as missing.
func (t *Task) gather() {
	all, first := t.batch.Readings, t.index
	same := func(i int) bool {
		return i >= 0 && i < len(all) && t.from[i] == t.from[t.index] && all[i].Sample == all[t.index].Sample
	}
	for same(first - 1) {
		first--
	}
	if first == t.object.first {
		return
	}
	t.object.first = first
	if t.object.fields == nil {
		t.object.fields = make([]float64, len(t.plan.Pipeline.Source.Reading.Metrics))
	}
	for k := range t.object.fields {
		t.object.fields[k] = math.NaN()
	}
	for i := first; same(i); i++ {
		r := &all[i]
		if r.Bad != "" || r.Metric < 0 || r.Value.Kind == event.String {
			continue
		}
		if k := t.plan.field[r.Metric]; k >= 0 {
			t.object.fields[k] = r.Value.Num
		}
	}
}

// passes works out where for a reading.
func (t *Task) passes(r *event.Reading, at event.Time) (bool, error) {
	where := t.plan.where
	if where == nil {
		return true, nil
	}
	pass, err := where.Condition(t.input(where, r, at))
	if err != nil {
		t.table.Task()[wordExpressions]++
	}
	return pass, err
}

// derive works out a derived metric; false: this reading gives none, because the
// object it came from does not hold all fields that are named, or because of an
// error, which is counted.
func (t *Task) derive(d *derived, r *event.Reading, at event.Time) (float64, bool) {
	in := t.input(d.program, r, at)
	for _, k := range d.program.Fields() {
		if math.IsNaN(in.Fields[k]) {
			return 0, false
		}
	}
	v, err := d.program.Number(in)
	if err != nil {
		t.table.Task()[wordExpressions]++
		return 0, false
	}
	return v, true
}
