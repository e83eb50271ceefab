package configs

import (
	"slices"
	"strings"
)

// schedule checks when alerts of a rule count.
func (c *checker) schedule(doc *ruleDoc, r *Rule) {
	d := doc.Schedule
	if d == nil || d.bad {
		return
	}
	if d.From.set != d.To.set && !d.From.bad && !d.To.bad {
		have, lacks := &d.From.leaf, "to"
		if d.To.set {
			have, lacks = &d.To.leaf, "from"
		}
		c.errorf(have.at, "%s needs %s as well; without both it is the whole day", have, lacks)
	}
	s := &Schedule{Days: d.Days.value, From: d.From.value, To: d.To.value}
	r.Schedule = s
	if t := &d.Timezone; t.ok() {
		z, ok := zone(t.value)
		if !ok {
			c.errorf(t.at, "%s is not a time zone; write a name such as Europe/Berlin or UTC%s", t, suggest(t.value, zoneNames()))
			return
		}
		s.Location = z
	}
	if always := (Weekdays{true, true, true, true, true, true, true}); d.Days.ok() && s.Days == always && s.From == s.To && !d.From.bad && !d.To.bad {
		c.warnf(d.at, "%s has no effect: every day, all day", d.path)
	}
}

// escalation checks the steps of a rule.
func (c *checker) escalation(doc *ruleDoc, r *Rule) {
	items := doc.Escalate.items
	if len(items) > MostEscalations {
		c.errorf(doc.Escalate.at, "%s has %d steps; the most is %d", doc.Escalate.path, len(items), MostEscalations)
	}
	for i := range items {
		e := &items[i]
		c.word(&e.Severity)
		if i > 0 && e.After.ok() && items[i-1].After.ok() && e.After.value <= items[i-1].After.value {
			c.errorf(e.After.at, "%s must be more than the %s of the step before; both count from when the alert fired", &e.After, items[i-1].After.show())
		}
		r.Escalate = append(r.Escalate, Escalation{After: e.After.value, Never: e.Unless.value == "never", Severity: e.Severity.value})
	}
}

// inhibits checks which alerts suppress others.
func (c *checker) inhibits() {
	items := c.doc.Inhibit.items
	if c.doc.Inhibit.set && !c.doc.Rules.set && len(items) > 0 {
		c.errorf(c.doc.Inhibit.at, "%s has no effect: the pipeline has no rules", c.doc.Inhibit.path)
		return
	}
	for i := range items {
		d := &items[i]
		in := Inhibit{Source: c.inhibitEnd(&d.Source), Target: c.inhibitEnd(&d.Target)}
		c.equal(d, &in)
		for j := range c.p.Inhibit {
			if c.p.Inhibit[j] == in && d.sound() && items[j].sound() {
				c.warnf(d.at, "%s says what %s says", d.path, items[j].path)
				break
			}
		}
		c.p.Inhibit = append(c.p.Inhibit, in)
	}
}

// sound reports whether nobody has complained about what an entry says.
func (d *inhibDoc) sound() bool {
	return d.Equal.ok() && d.Source.Rule.ok() && d.Target.Rule.ok() && !d.Source.Level.bad && !d.Target.Level.bad
}

// inhibitEnd resolves the rule and the level of one side; its rule is empty where it
// has been complained about.
func (c *checker) inhibitEnd(d *inhibitEndDoc) InhibitEnd {
	t := &d.Rule
	if !t.ok() {
		return InhibitEnd{}
	}
	r := c.p.ruleNamed(t.value)
	if r == nil {
		t.bad = true
		c.errorf(t.at, "%s is no rule of the pipeline%s", t, suggestOr(t.value, c.ruleNames(), "; its rules are "+andList(c.ruleNames())))
		return InhibitEnd{}
	}
	end := InhibitEnd{Rule: t.value}
	if l := &d.Level; l.ok() {
		var names []string
		for i := range r.Levels {
			names = append(names, r.Levels[i].Name)
		}
		if !slices.Contains(names, l.value) {
			l.bad = true
			c.errorf(l.at, "%s is no level of rule %s%s", l, r.Name, suggestOr(l.value, names, "; it has "+andList(names)))
			return end
		}
		end.Level = l.value
	}
	return end
}

// equal checks what the two sides have in common.
func (c *checker) equal(d *inhibDoc, in *Inhibit) {
	t := &d.Equal
	if !t.ok() {
		return
	}
	label, labelled := strings.CutPrefix(t.value, labelPrefix)
	problem := ""
	switch {
	case labelled && c.p.Roster == nil && c.doc.Devices == nil:
		problem = "needs devices.roster, the file that gives devices their labels"
	case labelled && c.p.Roster == nil: // there is one, and it has been complained about
	case labelled && !slices.Contains(c.labels(), label):
		problem = "is no label of the roster" + suggestOr(label, c.labels(), "; it has "+andList(c.labels()))
	case labelled:
		in.Label = label
	case t.value != "device":
		problem = "must be device, or labels.NAME for alerts of devices with the same label" + c.suggestLabel(t.value)
	case in.Source.Rule == "" || in.Target.Rule == "":
	case in.Source.Rule == in.Target.Rule:
		problem = "with one rule as source and target: an alert does not suppress itself; write labels.NAME, for alerts of other devices"
	case c.p.groupedBy(in.Source.Rule) != c.p.groupedBy(in.Target.Rule):
		problem = "needs two rules on the same devices: " + c.p.sayWhose(in.Source.Rule) + ", and " + c.p.sayWhose(in.Target.Rule) + "; write labels.NAME"
	}
	if problem != "" {
		t.bad = true
		c.errorf(t.at, "%s %s", t, problem)
	}
}

// ruleNamed is the rule of that name; nil where there is none.
func (p *Pipeline) ruleNamed(name string) *Rule {
	i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.Name == name && name != "" })
	if i < 0 {
		return nil
	}
	return &p.Rules[i]
}

func (c *checker) ruleNames() []string {
	var names []string
	for i := range c.p.Rules {
		names = append(names, c.p.Rules[i].Name)
	}
	return names
}

// groupedBy is the by of the window that a rule looks at; empty where it looks at each
// device.
func (p *Pipeline) groupedBy(rule string) string {
	if r := p.ruleNamed(rule); r != nil && r.When.Window >= 0 {
		return p.Windows[r.When.Window].By
	}
	return ""
}

// sayWhose says whose alerts a rule raises.
func (p *Pipeline) sayWhose(rule string) string {
	if r := p.ruleNamed(rule); r.When.Window >= 0 {
		return rule + " looks " + strings.Replace(sayBy(&p.Windows[r.When.Window]), "for each", "at each", 1)
	}
	return rule + " looks at each device"
}
