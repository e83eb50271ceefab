package task

import (
	"slices"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/statestore"
)

// inhibitor is a rule whose alerts suppress those of another.
type inhibitor struct {
	name   string   // as events have it: inhibit/RULE
	source string   // the rule
	rule   int      // the same, of this plan; -1: it is of the other part of the pipeline
	label  string   // in which both have the same text; empty: both are of the same device
	levels []string // of the source that count
	least  int      // the lowest of them
	most   int      // the highest level of the target
}

// announcement is a label whose text an alert of a source makes known while it fires.
type announcement struct {
	label string
	least int // the lowest level that counts for somebody
}

// firingBefore is at what level a source fired before the cause at work changed it.
type firingBefore struct {
	slot  statestore.Slot
	rule  int
	level int // -1: it did not fire
}

// planInhibition finds out which alerts suppress those of a rule, and which these do.
func (c *Plan) planInhibition(r *rule) {
	name := r.spec.Name
	for i := range c.whole.Inhibit {
		in := &c.whole.Inhibit[i]
		if in.Target.Rule == name {
			source := ruleOf(c.whole, in.Source.Rule)
			n := inhibitor{
				name: "inhibit/" + in.Source.Rule, source: in.Source.Rule, label: in.Label,
				rule:  slices.IndexFunc(c.Pipeline.Rules, func(o configs.Rule) bool { return o.Name == in.Source.Rule }),
				least: max(levelOf(source, in.Source.Level), 0), most: levelOf(r.spec, in.Target.Level),
			}
			if n.most < 0 {
				n.most = len(r.spec.Levels)
			}
			for _, l := range source.Levels[n.least:] {
				n.levels = append(n.levels, l.Name)
			}
			r.inhibitors = append(r.inhibitors, n)
		}
		if in.Source.Rule != name {
			continue
		}
		if in.Label == "" {
			r.source = true
			continue
		}
		least := max(levelOf(r.spec, in.Source.Level), 0)
		k := slices.IndexFunc(r.announced, func(a announcement) bool { return a.label == in.Label })
		if k < 0 {
			k = len(r.announced)
			r.announced = append(r.announced, announcement{in.Label, least})
		}
		r.announced[k].least = min(r.announced[k].least, least)
	}
}

// ruleOf is the rule of that name, which is there.
func ruleOf(p *configs.Pipeline, name string) *configs.Rule {
	return &p.Rules[slices.IndexFunc(p.Rules, func(r configs.Rule) bool { return r.Name == name })]
}

// levelOf is the number of a level of a rule; -1: there is none of that name.
func levelOf(r *configs.Rule, name string) int {
	return slices.IndexFunc(r.Levels, func(l configs.Level) bool { return l.Name == name })
}

// inhibits reports whether an inhibitor suppresses the alert of a rule on the device at
// hand at that level.
func (t *Task) inhibits(r *rule, in *inhibitor, level int) bool {
	switch {
	case level > in.most:
		return false
	case in.label == "":
		return t.firedAt(in.rule) >= in.least
	case t.commands == nil:
		return false
	}
	text := t.labelOf(r, in.label)
	return text != "" && t.commands.Inhibits(commands.Inhibition{
		Rule: in.source, Label: in.label, Text: text, TargetRule: r.spec.Name, Target: t.whose(r),
		Counts: func(level string) bool { return slices.Contains(in.levels, level) },
	})
}

// firedAt is the level at which a rule fired on the device at hand when the cause at
// work began; -1: it did not.
func (t *Task) firedAt(rule int) int {
	for _, c := range t.changes[t.cause:] {
		if c.slot == t.slot && c.rule == rule {
			return c.level
		}
	}
	r := &t.plan.rules[rule]
	cell := t.table.Cell(r.col, 0, t.slot)
	if !fires(cell) {
		return -1
	}
	return r.View(cell).Level
}

// firing is at what level an alert fires after an event and did before it; -1: not.
func firing(e *alerts.Event) (before, now int) {
	now = -1
	if e.State == alerts.EventFiring || e.State == alerts.EventRecovering {
		now = e.Level
	}
	return e.Previous, now
}

// noteChange notes how a source stood before the cause at work changed it.
func (t *Task) noteChange(r *rule, e *alerts.Event) {
	before, now := firing(e)
	if !r.source || before == now {
		return
	}
	k := slices.IndexFunc(t.plan.rules, func(o rule) bool { return o.col == r.col })
	if !slices.ContainsFunc(t.changes[t.cause:], func(c firingBefore) bool { return c.slot == t.slot && c.rule == k }) {
		t.changes = append(t.changes, firingBefore{t.slot, k, before})
	}
}

// newCause begins what endCause ends: a cause within another one, if that is at work.
func (t *Task) newCause() (outer int) {
	outer, t.cause = t.cause, len(t.changes)
	return outer
}

// endCause looks at the devices on which the cause at work has changed what suppresses
// alerts.
func (t *Task) endCause(outer int) {
	if len(t.changes) > t.cause {
		t.lookAtChanged()
	}
	t.cause = outer
}

func (t *Task) lookAtChanged() {
	record, slot, from := t.record, t.slot, t.cause
	t.record, t.cause = nil, len(t.changes)
	for i := from; i < t.cause; i++ {
		// Of several changes of a device the first will do.
		s := t.changes[i].slot
		if t.table.Live(s) && !slices.ContainsFunc(t.changes[from:i], func(c firingBefore) bool { return c.slot == s }) {
			t.slot = s
			t.look()
		}
	}
	t.changes = t.changes[:from]
	t.record, t.slot = record, slot
}

// announce makes known that an alert fires which suppresses others by a label, or that
// it no longer does.
func (t *Task) announce(r *rule, e *alerts.Event) {
	before, now := firing(e)
	for i := range r.announced {
		a := &r.announced[i]
		if text := t.labelOf(r, a.label); text != "" {
			t.announceLevel(r, a, announced{whose: t.whose(r), text: text, before: before, now: now})
		}
	}
}

// announced is a change of the level at which a source fires.
type announced struct {
	whose       commands.Whose
	text        string // of the label
	before, now int    // -1: it does not
}

func (t *Task) announceLevel(r *rule, a *announcement, s announced) {
	in := commands.Inhibit{Rule: r.spec.Name, Label: a.label, Text: s.text, Whose: s.whose}
	switch {
	case s.now >= a.least && s.now != s.before:
		in.Level = r.spec.Levels[s.now].Name
		t.command(in.Key(), in.AppendValue(nil))
	case s.before >= a.least && s.now < a.least:
		t.command(in.Key(), nil)
	}
}

// source is an alert that fires, and a label that it makes known.
type source struct {
	slot  statestore.Slot
	rule  int
	label *announcement
	whose commands.Whose
	text  string
}

// sources are all alerts that make labels known.
func (t *Task) sources() []source {
	var all []source
	t.eachOpen(func() {
		for k := range t.plan.rules {
			r := &t.plan.rules[k]
			if len(r.announced) == 0 {
				continue
			}
			level := t.firedAt(k)
			for i := range r.announced {
				if a := &r.announced[i]; level >= a.least {
					all = append(all, source{t.slot, k, a, t.whose(r), t.labelOf(r, a.label)})
				}
			}
		}
	})
	return all
}

// relabel makes known what labels of sources have become under another roster.
func (t *Task) relabel(before []source) {
	for _, s := range before {
		r := &t.plan.rules[s.rule]
		t.slot = s.slot
		level, text := -1, ""
		if t.table.Live(s.slot) && t.whose(r) == s.whose { // who was struck and never heard has gone, and another may have the slot
			level, text = t.firedAt(s.rule), t.labelOf(r, s.label.label)
		}
		if level < s.label.least {
			text = "" // it was struck, and has taken back what it has by the new roster
		}
		if text == s.text {
			continue
		}
		if s.text != "" {
			t.announceLevel(r, s.label, announced{whose: s.whose, text: s.text, before: s.label.least, now: -1})
		}
		if text != "" {
			t.announceLevel(r, s.label, announced{whose: s.whose, text: text, before: -1, now: level})
		}
	}
}

// Reconcile makes what the task has made known agree with its state once more: the commands
// that it started with may have lacked what it wrote before. It is to be called between
// records, behind SetCommands. What the commands in force do not show yet is said again.
func (t *Task) Reconcile() {
	if t.starts {
		return // the roster brings it
	}
	record, slot := t.record, t.slot
	t.record = nil
	t.reconcile()
	t.record, t.slot = record, slot
}

// reconcile makes what the task has made known agree with its state: the file of the
// pipeline may be another than the one under which that was done.
func (t *Task) reconcile() {
	all := t.sources()
	for i := range t.commands.Inhibitors() {
		in := &t.commands.Inhibitors()[i]
		if t.owns(in) && !slices.ContainsFunc(all, func(s source) bool { return t.agrees(s, in) }) {
			t.command(in.Key(), nil)
		}
	}
	for _, s := range all {
		r := &t.plan.rules[s.rule]
		t.slot = s.slot
		known := slices.ContainsFunc(t.commands.Sources(r.spec.Name, s.label.label, s.text), func(in commands.Inhibit) bool { return t.agrees(s, &in) })
		if s.text != "" && !known {
			t.announceLevel(r, s.label, announced{whose: s.whose, text: s.text, before: -1, now: t.firedAt(s.rule)})
		}
	}
}

// agrees reports whether a command makes a source known as it is.
func (t *Task) agrees(s source, in *commands.Inhibit) bool {
	r := &t.plan.rules[s.rule]
	if in.Rule != r.spec.Name || in.Label != s.label.label || in.Text != s.text {
		return false
	}
	t.slot = s.slot
	return in.Whose == t.whose(r) && in.Level == r.spec.Levels[t.firedAt(s.rule)].Name
}

// owns reports whether a command is of a device, or a group, of this task.
func (t *Task) owns(in *commands.Inhibit) bool {
	if t.plan.grouped != (in.Group != "") {
		return false
	}
	name := []byte(in.Device)
	if t.plan.grouped {
		name = append(append([]byte(in.By), 0), in.Group...)
	}
	if _, known := t.table.Lookup(name); known {
		return true
	}
	return !t.plan.grouped && t.o.PartitionOf != nil && t.o.PartitionOf(name) == t.o.Partition
}
