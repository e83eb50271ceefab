package task

import (
	"math"
	"slices"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/roster"
	"github.com/weirstream/weir/operators/window"
	"github.com/weirstream/weir/statestore"
)

// What is told of the past at most, so that a task that is asked is held up for little more than the present takes: windows that have
// closed of each window, and panes of the device that are looked at for them; each window has its share of these.
const (
	mostPast  = 60
	pastPanes = 2_000
)

// Number is a floating-point number that JSON has as null where it is not finite, as in records.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(n)), nil }

// PastWindow is a window that has closed for good.
type PastWindow struct {
	Start  string            `json:"start"`
	End    string            `json:"end"`
	Count  uint64            `json:"count"`
	Values map[string]Number `json:"values"`
}

// ThresholdState is what a level of a rule has for one device. One that is nil is not written, or is a label that the device has not.
type ThresholdState struct {
	Level      string   `json:"level"`
	Above      *float64 `json:"above,omitempty"`
	Below      *float64 `json:"below,omitempty"`
	ClearBelow *float64 `json:"clear_below,omitempty"`
	ClearAbove *float64 `json:"clear_above,omitempty"`
}

// GroupName names a group of windows over several devices: By is the label, or the whole fleet.
type GroupName struct{ By, Group string }

// Device is what Describe tells of a device of the task, and beside it its labels, closed windows that its panes still hold, and what
// its rules look at; false where the task has no such device. It changes nothing of the state and may be called between two folds.
// Where state is on disk it may panic with *statestore.PageError.
func (t *Task) Device(name []byte) (DeviceState, bool) {
	slot, ok := t.table.Lookup(name)
	if !ok || t.groups != nil {
		return DeviceState{}, false
	}
	d := t.plan.Describe(t.table, slot)
	g := glance{c: t.plan, table: t.table, slot: slot, clock: event.Time(t.table.Row(headCol, slot)[headClock])}
	if t.roster.Roster != nil {
		g.labels = t.roster.Of(name)
		d.Labels = map[string]string{}
		for i, l := range t.roster.Labels() {
			if text := g.labels.Text(i); text != "" {
				d.Labels[l.Name] = text
			}
		}
	}
	d.Windows = g.addPast(d.Windows)
	g.addRules(d.Rules, d.Windows)
	return d, true
}

// Group is what DescribeGroup tells of a group of the task, and beside it what Device tells; false where the task has no such group.
func (t *Task) Group(of GroupName) (GroupState, bool) {
	slot, ok := t.table.Lookup(append(append([]byte(of.By), 0), of.Group...))
	if !ok || t.groups == nil {
		return GroupState{}, false
	}
	s, ok := t.plan.DescribeGroup(t.table, slot)
	if ok {
		g := glance{c: t.plan, table: t.table, slot: slot, clock: t.watermark(), by: s.By}
		s.Windows = g.addPast(s.Windows)
		g.addRules(s.Rules, s.Windows)
	}
	return s, ok
}

// GroupOf is the group that a name in the table of a group task stands for; false where it stands for something else.
func GroupOf(name []byte) (GroupName, bool) {
	at := slices.Index(name, 0)
	if at <= 0 || name[0] <= aheadMark {
		return GroupName{}, false
	}
	return GroupName{By: string(name[:at]), Group: string(name[at+1:])}, true
}

// glance is a look at a device or a group.
type glance struct {
	c      *Plan
	table  *statestore.Table
	slot   statestore.Slot
	clock  event.Time
	labels roster.Row
	by     string // of a group
}

// addPast adds windows that have closed, and puts the windows into the order of the file.
func (g *glance) addPast(list []WindowState) []WindowState {
	windows := 0
	for i := range g.c.rings {
		windows += len(g.c.rings[i].windows)
	}
	panes := max(mostPast, pastPanes/max(windows, 1))
	for i := range g.c.rings {
		r := &g.c.rings[i]
		words := g.table.Row(r.col, g.slot)
		for k, w := range r.windows {
			if g.c.Pipeline.Windows[w].By != g.by {
				continue
			}
			past := r.Past(words, window.Past{Window: k, Clock: g.clock, Most: mostPast, Panes: panes})
			if len(past) == 0 {
				continue
			}
			at := slices.IndexFunc(list, func(s WindowState) bool { return s.Window == g.c.Pipeline.Windows[w].Name })
			if at < 0 {
				now, _ := r.Running(words, k, g.clock)
				list, at = append(list, g.c.windowState(w, now.Start, now.End, 0, nil)), len(list)
			}
			for _, p := range past {
				s := g.c.windowState(w, p.Start, p.End, p.Count, p.Values)
				list[at].Past = append(list[at].Past, PastWindow{Start: s.Start, End: s.End, Count: s.Count, Values: s.Values})
			}
		}
	}
	slices.SortFunc(list, func(a, b WindowState) int { return g.c.windowIndex(a.Window) - g.c.windowIndex(b.Window) })
	return list
}

func (c *Plan) windowIndex(name string) int {
	for i := range c.Pipeline.Windows {
		if c.Pipeline.Windows[i].Name == name {
			return i
		}
	}
	return -1
}

// addRules adds to rules what they look at, and from where on they say something.
func (g *glance) addRules(list []RuleState, windows []WindowState) {
	for i := range list {
		s := &list[i]
		for k := range g.c.rules {
			if r := &g.c.rules[k]; r.spec.Name == s.Rule {
				s.Thresholds = g.thresholds(r)
				if v, ok := g.value(r, windows); ok {
					s.Value = &v
				}
			}
		}
	}
}

// thresholds are those of a rule for the device.
func (g *glance) thresholds(r *rule) []ThresholdState {
	if r.spec.NoData != nil || r.spec.Anomaly != nil {
		return nil
	}
	list := make([]ThresholdState, len(r.spec.Levels))
	for i := range r.spec.Levels {
		l := &r.spec.Levels[i]
		own := func(name string, written *float64) *float64 {
			if l.Labels[name] == "" {
				return written
			}
			if v := g.labels.Number(g.c.label(l.Labels[name])); v-v == 0 { // neither NaN nor infinite
				return &v
			}
			return nil
		}
		list[i] = ThresholdState{
			Level: l.Name, Above: own("above", l.Above), Below: own("below", l.Below),
			ClearBelow: own("clear_below", l.ClearBelow), ClearAbove: own("clear_above", l.ClearAbove),
		}
	}
	return list
}

// value is what a rule looks at now: the newest value of its metric or expression, and of a window what it would judge by. Of a
// window that speaks when it closes that is the one closed last, if its panes are still there or the rule is not ok.
func (g *glance) value(r *rule, windows []WindowState) (Number, bool) {
	switch {
	case r.spec.NoData != nil:
		return 0, false
	case r.formula != nil:
		return g.workOut(r.formula)
	case r.spec.When.Window < 0:
		cell := g.table.Cell(g.c.lastCol, g.c.metrics[r.spec.When.Metric].last, g.slot)
		return Number(math.Float64frombits(cell[1])), cell[0] != 0
	}
	w := &g.c.Pipeline.Windows[r.spec.When.Window]
	at := slices.IndexFunc(windows, func(s WindowState) bool { return s.Window == w.Name })
	if always := follows(w.Kind) || r.spec.Evaluate == "change"; always && at >= 0 && windows[at].Count > 0 {
		return windows[at].Values[r.spec.When.Result], true
	}
	if view := r.View(g.table.Row(r.col, g.slot)); view.State != alerts.OK {
		return Number(view.Value), true
	}
	if at >= 0 && len(windows[at].Past) > 0 {
		past := windows[at].Past
		return past[len(past)-1].Values[r.spec.When.Result], true
	}
	return 0, false
}

// workOut works an expression out of the newest values of what it names.
func (g *glance) workOut(f *formula) (Number, bool) {
	for k := range f.in.Fields {
		cell := g.table.Cell(f.col, k, g.slot)
		if cell[valueTime] == 0 {
			return 0, false
		}
		f.in.Fields[k] = math.Float64frombits(cell[valueBits])
	}
	for _, i := range f.program.Labels() {
		if g.labels.Text(i) == "" {
			return 0, false
		}
	}
	f.in.Labels = &g.labels
	v, err := f.program.Number(&f.in)
	return Number(v), err == nil
}
