package configs

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// steps checks what operators do in a test.
func (c *scenarioChecker) steps(doc *scenarioDoc, s *Scenario) {
	c.silences = map[string]StepKind{}
	for i := range doc.Steps.items {
		step := &doc.Steps.items[i]
		did := len(s.Steps)
		if step.Restart.value {
			s.Steps = append(s.Steps, ScenarioStep{At: step.At.value, Kind: StepRestart})
		}
		c.quiet(step, step.Silence, StepSilence, s)
		c.quiet(step, step.Maintenance, StepMaintenance, s)
		if step.Ack != nil && step.Ack.set {
			d := step.Ack
			one := c.ofAlert(alertOf{&d.section, &d.Rule, &d.Device, &d.Group}, s)
			one.At, one.Kind, one.Author, one.Reason = step.At.value, StepAck, d.Author.value, d.Reason.value
			s.Steps = append(s.Steps, one)
		}
		if step.Unack != nil && step.Unack.set {
			d := step.Unack
			one := c.ofAlert(alertOf{&d.section, &d.Rule, &d.Device, &d.Group}, s)
			one.At, one.Kind = step.At.value, StepUnack
			s.Steps = append(s.Steps, one)
		}
		c.unsilence(step, s)
		wrong := step.bad || step.Restart.bad || step.Unsilence.bad || step.Silence != nil || step.Maintenance != nil || step.Ack != nil || step.Unack != nil
		if len(s.Steps) == did && !wrong && step.set && !step.Unsilence.set {
			c.errorf(step.at, "%s does nothing; write restart: true, or what an operator does: silence, maintenance, unsilence, ack or unack", step.path)
		}
	}
	slices.SortStableFunc(s.Steps, func(a, b ScenarioStep) int { return cmp.Compare(a.At, b.At) })
}

// quiet checks a silence or maintenance.
func (c *scenarioChecker) quiet(step *stepDoc, doc *quietDoc, kind StepKind, s *Scenario) {
	if doc == nil || !doc.set {
		return
	}
	one := ScenarioStep{At: step.At.value, Kind: kind, Name: doc.Name.value, Start: step.At.value}
	if doc.Start.set {
		one.Start = doc.Start.value
	}
	one.End = one.Start + doc.For.value
	said := doc.Labels.set || doc.Match.set
	match := func(name string, t *text) {
		said = said || t.set
		if t.ok() {
			one.Matchers = append(one.Matchers, ScenarioMatcher{name, "=", t.value})
		}
	}
	c.rule(&doc.Rule)
	for _, m := range []struct {
		name string
		text *text
	}{{"rule", &doc.Rule}, {"device", &doc.Device}, {"group", &doc.Group}, {"level", &doc.Level}} {
		match(m.name, m.text)
	}
	for i, item := range doc.Labels.items {
		match(labelPrefix+doc.Labels.names[i].value, item)
	}
	for i := range doc.Match.items {
		if m, ok := c.matcher(&doc.Match.items[i]); ok {
			one.Matchers = append(one.Matchers, m)
		}
	}
	if !said {
		c.errorf(doc.at, "%s does not say which alerts; write rule, device, group, level, labels or match", doc.path)
	}
	if doc.Name.ok() {
		const of = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
		if strings.Trim(doc.Name.value, of) != "" || len(doc.Name.value) > 100 {
			c.errorf(doc.Name.at, "%s must be 1 to 100 letters, digits, - . and _", &doc.Name)
		}
		if first, again := c.silences[one.Name]; again && first != kind {
			c.errorf(doc.Name.at, "%s is the name of a silence and of a maintenance; give each its own", &doc.Name)
		}
		c.silences[one.Name] = kind
	}
	s.Steps = append(s.Steps, one)
}

// matcher reads a condition such as device=~press-.*.
func (c *scenarioChecker) matcher(t *text) (m ScenarioMatcher, ok bool) {
	if !t.ok() {
		return m, false
	}
	at := strings.IndexAny(t.value, "=!")
	if at >= 0 {
		m.Name, m.Op, m.Value = t.value[:at], t.value[at:min(at+2, len(t.value))], t.value[min(at+2, len(t.value)):]
		if m.Op != "!=" && m.Op != "=~" && m.Op != "!~" {
			m.Op, m.Value = t.value[at:at+1], t.value[at+1:]
		}
	}
	label, labelled := strings.CutPrefix(m.Name, labelPrefix)
	known := []string{"rule", "device", "group", "level"}
	switch {
	case m.Op == "" || m.Op == "!":
		c.errorf(t.at, "%s is no condition; write one such as device=store-7, rule!=too-warm, device=~store-.* or labels.site!~Ham.*", t)
		return m, false
	case labelled && label != "", slices.Contains(known, m.Name):
	default:
		c.errorf(t.at, "%s begins with none of rule, device, group, level and labels.NAME%s", t, suggest(m.Name, known))
		return m, false
	}
	if m.Op[len(m.Op)-1] == '~' {
		if _, err := regexp.Compile("^(?:" + m.Value + ")$"); err != nil {
			c.errorf(t.at, "%s has no regular expression: %v", t, err)
			return m, false
		}
	}
	return m, true
}

// unsilence checks that there is something to take back.
func (c *scenarioChecker) unsilence(step *stepDoc, s *Scenario) {
	name := &step.Unsilence
	if !name.ok() {
		return
	}
	kind, known := c.silences[name.value]
	if !known {
		var names []string
		for _, one := range s.Steps {
			if one.Kind == StepSilence || one.Kind == StepMaintenance {
				names = append(names, one.Name)
			}
		}
		c.errorf(name.at, "%s names no silence or maintenance of a step before%s", name, suggest(name.value, names))
		return
	}
	one := ScenarioStep{At: step.At.value, Kind: StepUnsilence, Name: name.value}
	if kind == StepMaintenance {
		one.Kind = StepUnmaintenance
	}
	s.Steps = append(s.Steps, one)
}

// alertOf is where a file says which alert it means.
type alertOf struct {
	self                *section
	rule, device, group *text
}

// ofAlert finds out which alert is meant.
func (c *scenarioChecker) ofAlert(of alertOf, s *Scenario) ScenarioStep {
	rule := c.rule(of.rule)
	return ScenarioStep{Rule: of.rule.value, Device: c.subject(whose{of.self, of.device, of.group, c.windowOf(rule)}, s)}
}

// whose is where a file says of which device or group something is, and the window
// over several devices that it comes from; nil: it is of a device, or that is not known.
type whose struct {
	self          *section
	device, group *text
	window        *Window
}

// subject is the device or group that is meant: the only one of a test where none is
// named.
func (c *scenarioChecker) subject(w whose, s *Scenario) string {
	if w.window == nil {
		if w.group.set && c.p == nil {
			return w.group.value
		}
		if w.group.set {
			c.errorf(w.group.at, "%s: it is of one device; write device: NAME", w.group)
			return ""
		}
		return c.deviceOf(w.device, w.self, s)
	}
	switch {
	case w.device.set:
		c.errorf(w.device.at, "%s: window %s is %s; write group: NAME", w.device, w.window.Name, sayBy(w.window))
		return ""
	case w.group.ok():
		return w.group.value
	case w.window.By == GroupAll:
		return GroupAll
	case !w.group.bad && w.self.set:
		c.errorf(w.self.at, "%s does not say which group; window %s is %s: write group: NAME", w.self.path, w.window.Name, sayBy(w.window))
	}
	return ""
}

// windowOf is the window over several devices that a rule looks at; nil where it is of
// each device.
func (c *scenarioChecker) windowOf(r *Rule) *Window {
	if r == nil || r.Window() < 0 || !c.p.Windows[r.Window()].Grouped() {
		return nil
	}
	return &c.p.Windows[r.Window()]
}

// marks are what is expected of an event beside state, level and value.
func (d *alertDoc) marks() ExpectedMarks {
	m := ExpectedMarks{Severity: d.Severity.value, Reason: d.Reason.value}
	for _, t := range []struct {
		from *toggle
		into **bool
	}{{&d.Suppressed, &m.Suppressed}, {&d.Acked, &m.Acked}, {&d.Flapping, &m.Flapping}, {&d.Error, &m.Error}} {
		if t.from.set {
			*t.into = &t.from.value
		}
	}
	if d.Repeat.set {
		m.Repeat = &d.Repeat.value
	}
	if d.Escalation.set {
		m.Escalation = &d.Escalation.value
	}
	if d.SuppressedBy.set {
		m.SuppressedBy = slices.Sorted(slices.Values(d.SuppressedBy.values()))
	}
	return m
}
