package task

import (
	"fmt"
	"math"
	"slices"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/operators/roster"
	"github.com/weirstream/weir/statestore"
)

// FitRoster returns the roster as the pipeline's tasks take it: its labels begin
// with those of Pipeline.Roster.Labels, so that an index into these is an index into
// its rows. A version that lacks a label which the pipeline uses, or has it as another
// kind, is refused with the reason.
func (c *Plan) FitRoster(r *roster.Roster) (*roster.Roster, error) {
	for i, l := range c.Pipeline.Roster.Labels {
		if what, kind := c.usesLabel(i); what != "" {
			if err := r.Serves(roster.Label{Name: l.Name, Kind: kind}); err != nil {
				return nil, fmt.Errorf("%s uses labels.%s: %w", what, l.Name, err)
			}
		}
	}
	return r.Arrange(c.Pipeline.Roster.Labels), nil
}

// usesLabel says what of the pipeline uses the label of that index, and as what
// kind; empty: nothing does. To messages every label is text.
func (c *Plan) usesLabel(index int) (string, roster.Kind) {
	p := c.Pipeline
	l := p.Roster.Labels[index]
	if c.where != nil && slices.Contains(c.where.Labels(), index) {
		return "where", l.Kind
	}
	for i := range p.Derive {
		if slices.Contains(c.expressions.derived[i].program.Labels(), index) {
			return "derive." + p.Derive[i].Name, l.Kind
		}
	}
	for i := range c.partials {
		if w := c.partials[i].window; w.GroupLabel() == l.Name {
			return "window " + w.Name, roster.Text
		}
	}
	for i := range c.rules {
		if f := c.rules[i].formula; f != nil && slices.Contains(f.program.Labels(), index) {
			return "rule " + p.Rules[i].Name, l.Kind
		}
	}
	if i := slices.IndexFunc(c.whole.Inhibit, func(in configs.Inhibit) bool { return in.Label == l.Name }); i >= 0 {
		return "inhibit", roster.Text
	}
	for i := range p.Rules {
		for k := range p.Rules[i].Levels {
			for _, name := range p.Rules[i].Levels[k].Labels { // unordered: one is enough
				if name == l.Name {
					return "rule " + p.Rules[i].Name, roster.Number
				}
			}
		}
	}
	for i := range p.Rules {
		if slices.ContainsFunc(p.Rules[i].Template, func(part configs.Part) bool { return part.Field == labelField+l.Name }) {
			return "rule " + p.Rules[i].Name, roster.Text
		}
	}
	return "", l.Kind
}

// labelField is what fields of a message and thresholds begin with that are
// labels.
const labelField = "labels."

// ownLevel says which thresholds of a level are labels: indexes into
// Pipeline.Roster.Labels, -1 where the file of the pipeline has the number.
type ownLevel struct {
	enter, leave int
	written      alerts.Threshold
}

// planOwn finds the labels that give thresholds to a rule; nil where none does.
func (c *Plan) planOwn(spec *configs.Rule) []ownLevel {
	if !slices.ContainsFunc(spec.Levels, func(l configs.Level) bool { return len(l.Labels) > 0 }) {
		return nil
	}
	own := make([]ownLevel, len(spec.Levels))
	for i := range spec.Levels {
		l := &spec.Levels[i]
		own[i] = ownLevel{
			enter: max(c.label(l.Labels["above"]), c.label(l.Labels["below"])),
			leave: max(c.label(l.Labels["clear_below"]), c.label(l.Labels["clear_above"])),
		}
		for _, v := range []*float64{l.Above, l.Below} {
			if v != nil {
				own[i].written.Enter = *v
			}
		}
		for _, v := range []*float64{l.ClearBelow, l.ClearAbove} {
			if v != nil {
				own[i].written.Leave = *v
			}
		}
	}
	return own
}

// label is the index of a label, or -1.
func (c *Plan) label(name string) int {
	if name == "" || c.Pipeline.Roster == nil {
		return -1
	}
	return slices.IndexFunc(c.Pipeline.Roster.Labels, func(l roster.Label) bool { return l.Name == name })
}

// perDevice are the thresholds of a level that the alert machine gets from us.
func perDevice(l *configs.Level) alerts.Fields {
	var f alerts.Fields
	for _, one := range []struct {
		name  string
		field alerts.Fields
	}{{"above", alerts.Above}, {"below", alerts.Below}, {"clear_below", alerts.ClearBelow}, {"clear_above", alerts.ClearAbove}} {
		if l.Labels[one.name] != "" {
			f |= one.field
		}
	}
	return f
}

// deviceLabels is what a task knows of the roster.
type deviceLabels struct {
	*roster.Roster          // nil: there is none
	rows           []uint32 // by slot: 2 + the row of the device, 1 for no row; 0: not looked up yet
	alerts         []alertLabel
	thresholds     []alerts.Threshold
}

// alertLabel is a label that alerts carry.
type alertLabel struct {
	index int
	field []byte // ,"name":
}

// SetRoster puts a version of the roster in force for all that follows: records
// from position on, and wall time. r is what FitRoster returned. It is to be called
// once before the first record, also after recovery, and then between records.
//
// The first call arms all devices that recovery left unarmed: a silence that is said
// later than it was due would be judged by a version that came in between. Without a
// roster nobody can tell when it was said.
func (t *Task) SetRoster(r *roster.Roster, position int64) {
	t.armSome(math.MaxInt)
	f := &t.roster
	var sources []source
	if t.plan.timed && f.Roster != nil {
		t.settleTimers()
		sources = t.sources()
	}
	f.Roster, f.alerts = r, f.alerts[:0]
	clear(f.rows)
	for i, l := range r.Labels() {
		switch l.Name {
		case "alertname", "device", "pipeline", "severity": // weir's own
		default:
			field := append(appendString([]byte{','}, l.Name), ':')
			f.alerts = append(f.alerts, alertLabel{i, field})
		}
	}
	for k := range t.plan.rules {
		t.plan.rules[k].fittedTo = unfitted
	}
	t.rosterEntered(r.Fingerprint(), position)
	if t.plan.expects {
		cause := t.newCause()
		t.expect(r)
		t.endCause(cause)
	}
	t.relabel(sources)
	if t.commands != nil {
		t.lookAtAll(t.starts)
	}
}

// unfitted is no row: a rule that was resolved for no device yet.
const unfitted = -2

// labels returns the labels of the device in a slot. It allocates nothing, but for
// a slot that nobody has asked for so far.
func (t *Task) labels(slot statestore.Slot) roster.Row {
	if t.roster.Roster == nil {
		return roster.Row{}
	}
	return t.roster.At(t.rosterRow(slot))
}

// rosterRow returns the row of the device in a slot, -1 where it has none.
func (t *Task) rosterRow(slot statestore.Slot) int {
	f := &t.roster
	if f.Roster == nil {
		return -1
	}
	for int(slot) >= len(f.rows) {
		f.rows = append(f.rows, 0)
	}
	if f.rows[slot] == 0 {
		f.rows[slot] = uint32(f.Find(t.table.Name(slot)) + 2)
	}
	return int(f.rows[slot]) - 2
}

// unlabel makes the next look at a slot's labels look the device up: another may
// have the slot now.
func (t *Task) unlabel(slot statestore.Slot) {
	if int(slot) < len(t.roster.rows) {
		t.roster.rows[slot] = 0
	}
}

// machine is the alert machine of a rule with the thresholds of the device at
// hand.
func (t *Task) machine(r *rule) *alerts.Rule {
	if r.own == nil {
		return r.Rule
	}
	row := t.rosterRow(t.slot)
	if row == r.fittedTo {
		return &r.fitted
	}
	labels := t.labels(t.slot)
	thresholds := t.roster.thresholds[:0]
	for i := range r.own {
		o := &r.own[i]
		at := o.written
		if o.enter >= 0 {
			at.Enter = labels.Number(o.enter)
		}
		if o.leave >= 0 {
			at.Leave = labels.Number(o.leave)
		}
		thresholds = append(thresholds, at)
	}
	t.roster.thresholds, r.fittedTo = thresholds, row
	return r.Resolve(thresholds, &r.fitted)
}

// touchOwn touches the labels that give the rule its thresholds.
func (t *Task) touchOwn(r *rule, slot statestore.Slot) uint64 {
	if r.own == nil {
		return 0
	}
	return math.Float64bits(t.labels(slot).Number(max(r.own[0].enter, r.own[0].leave)))
}

// appendLabels appends the labels of the device at hand to those of an alert.
func (t *Task) appendLabels(b []byte) []byte {
	row := t.labels(t.slot)
	for i := range t.roster.alerts {
		l := &t.roster.alerts[i]
		if text := row.Text(l.index); text != "" {
			b = appendString(append(b, l.field...), text)
		}
	}
	return b
}
