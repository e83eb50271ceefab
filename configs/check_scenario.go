package configs

import (
	"math"
	"slices"
	"time"

	"github.com/weirstream/weir/event"
)

// scenarioChecker turns a decoded file of tests into scenarios.
type scenarioChecker struct {
	*decoder
	doc *scenariosDoc
	all *Scenarios
	p   *Pipeline // nil: it cannot be used, which has been said

	names    map[string]place    // of the tests so far
	silences map[string]StepKind // of the test so far: what each name is
}

func (c *scenarioChecker) check(o ScenarioOptions) {
	if path := &c.doc.Pipeline; path.ok() {
		p, err := o.Load(path.value)
		if err != nil {
			c.errorf(path.at, "%s cannot be tested: %v", path, err)
		}
		c.p, c.all.Pipeline = p, p
	}
	c.names = map[string]place{}
	for i := range c.doc.Tests.items {
		c.all.Tests = append(c.all.Tests, c.scenario(&c.doc.Tests.items[i]))
	}
}

func (c *scenarioChecker) scenario(doc *scenarioDoc) Scenario {
	s := Scenario{Name: doc.Name.value, Line: doc.at.line, Every: doc.Every.value, Devices: c.devices(doc), Readings: [6]int64{-1, -1, -1, -1, -1, -1}}
	if doc.Name.ok() {
		if first, again := c.names[s.Name]; again {
			c.errorf(doc.Name.at, "%s is also the name of the test at line %d; give each its own", &doc.Name, first.line)
		}
		c.names[s.Name] = doc.Name.at
	}
	if doc.Start.ok() {
		at, err := time.Parse(time.RFC3339, doc.Start.value)
		switch {
		case err != nil:
			c.errorf(doc.Start.at, "%s is not a time; write it such as 2026-03-01T08:00:00Z", &doc.Start)
		case at.Year() < 1970 || at.Year() > 2199:
			c.errorf(doc.Start.at, "%s must be from 1970 to 2199", &doc.Start)
		}
		s.Start = event.Time(at.UnixMilli())
	}
	c.series(doc, &s)
	c.rows(doc, &s)
	c.steps(doc, &s)
	c.end(doc, &s)
	c.expectations(doc, &s)
	c.aggregates(doc, &s)
	for i, w := range doc.Readings.classes() {
		if w.set {
			s.Readings[i] = w.value
		}
	}
	if !doc.Expect.set && !doc.None.set && !doc.Aggregates.set && !doc.Readings.set && doc.set {
		c.errorf(doc.at, "%s expects nothing; write expect, expect_aggregates, expect_readings or none", doc.path)
	}
	return s
}

// devices are those that send the series.
func (c *scenarioChecker) devices(doc *scenarioDoc) []string {
	switch {
	case doc.Device.set && doc.Devices.set:
		c.errorf(doc.Devices.at, "%s and %s exclude each other; keep one", doc.Device.path, doc.Devices.path)
	case doc.Device.ok():
		c.deviceName(&doc.Device)
		return []string{doc.Device.value}
	case doc.Devices.ok():
		for i := range doc.Devices.items {
			c.deviceName(&doc.Devices.items[i])
		}
		return doc.Devices.values()
	case doc.Series.set && !doc.Device.bad && !doc.Devices.bad:
		c.errorf(doc.at, "%s has series and no device; write device: NAME", doc.path)
	}
	return nil
}

func (c *scenarioChecker) deviceName(t *text) {
	if t.ok() && len(t.value) > event.MaxDevice {
		c.errorf(t.at, "%s has %d bytes; a device has at most %d", t.path, len(t.value), event.MaxDevice)
	}
}

// deviceOf is the device that an entry names, or the only one of the test.
func (c *scenarioChecker) deviceOf(t *text, self *section, s *Scenario) string {
	switch {
	case t.ok():
		c.deviceName(t)
		return t.value
	case len(s.Devices) == 1:
		return s.Devices[0]
	case !t.bad && self.set:
		c.errorf(self.at, "%s does not say which device; write device: NAME", self.path)
	}
	return ""
}

func (c *scenarioChecker) series(doc *scenarioDoc, s *Scenario) {
	for i, item := range doc.Series.items {
		name := &doc.Series.names[i]
		c.metric(name)
		s.Series = append(s.Series, Series{Metric: name.value, Values: item.values})
		if span := int64(len(item.values)) * int64(s.Every); span > longestSpan {
			c.errorf(item.at, "%s goes on for longer than 36500d", item.path)
		}
	}
}

// metric checks that a message can say the metric at all, and that a wide one declares it.
func (c *scenarioChecker) metric(t *text) {
	if c.p == nil || !t.ok() {
		return
	}
	known := c.p.Metrics
	if wide := c.p.Source.Reading.Metrics; len(wide) > 0 {
		known = wide
	}
	for i := range c.p.Derive {
		if c.p.Derive[i].Name == t.value && !slices.Contains(c.p.Source.Reading.Metrics, t.value) {
			c.errorf(t.at, "%s: %s is derived by the pipeline; send the metric it is made from", t.path, t.value)
			return
		}
	}
	if !slices.Contains(known, t.value) {
		c.errorf(t.at, "%s: the pipeline knows no metric %s%s", t.path, shorten(t.value), suggest(t.value, known))
	}
}

func (c *scenarioChecker) rows(doc *scenarioDoc, s *Scenario) {
	for i := range doc.Rows.items {
		row := &doc.Rows.items[i]
		c.metric(&row.Metric)
		r := ScenarioRow{
			At: row.At.value, Arrives: row.At.value, Device: c.deviceOf(&row.Device, &row.section, s),
			Metric: row.Metric.value, Value: row.Value.value, Seq: -1,
		}
		if row.Arrives.set {
			r.Arrives = row.Arrives.value
		}
		if row.Seq.set {
			r.Seq = row.Seq.value
			if c.p != nil && c.p.Source.Reading.Seq == "" {
				c.errorf(row.Seq.at, "%s has no place: messages of the pipeline carry no sequence number", &row.Seq)
			}
		}
		if row.Arrives.set && c.p != nil && c.p.Source.Reading.Time == "" && r.At != r.Arrives {
			c.errorf(row.Arrives.at, "%s differs from at, but messages of the pipeline carry no time: it is when they arrive", &row.Arrives)
		}
		s.Rows = append(s.Rows, r)
	}
}

// end is when the test is over: not before the last thing has happened.
func (c *scenarioChecker) end(doc *scenarioDoc, s *Scenario) {
	for _, one := range s.Series {
		s.End = max(s.End, event.Time(len(one.Values)-1)*s.Every)
	}
	for i := range s.Rows {
		s.End = max(s.End, s.Rows[i].Arrives)
	}
	for i := range s.Steps {
		s.End = max(s.End, s.Steps[i].At)
	}
	if !doc.End.ok() {
		return
	}
	if doc.End.value < s.End {
		c.errorf(doc.End.at, "%s comes before the last reading or step, at %s", &doc.End, formatSpan(s.End))
	}
	s.End = doc.End.value
}

func (c *scenarioChecker) expectations(doc *scenarioDoc, s *Scenario) {
	for i := range doc.Expect.items {
		e := &doc.Expect.items[i]
		rule := c.rule(&e.Rule)
		alert := ExpectedAlert{At: e.At.value, Rule: e.Rule.value, State: e.State.value, Level: e.Level.value, ExpectedMarks: e.marks()}
		alert.Device = c.subject(whose{&e.section, &e.Device, &e.Group, c.windowOf(rule)}, s)
		if e.Value.set {
			alert.Value = &e.Value.value
		}
		if alert.Kind = e.Kind.value; rule != nil && rule.Anomaly == nil && e.Kind.ok() {
			c.errorf(e.Kind.at, "%s: rule %s is none on anomalies, only those have a kind", &e.Kind, rule.Name)
		}
		if rule != nil && e.Level.ok() {
			c.level(&e.Level, rule, alert.State)
		}
		s.Expect = append(s.Expect, alert)
	}
	for i := range doc.None.items {
		t := &doc.None.items[i]
		if c.rule(t) == nil {
			continue
		}
		if slices.ContainsFunc(s.Expect, func(e ExpectedAlert) bool { return e.Rule == t.value }) {
			c.errorf(t.at, "%s must stay silent, but expect names it", t)
		}
		s.None = append(s.None, t.value)
	}
}

// rule finds a rule of the pipeline; nil where there is none, which it says.
func (c *scenarioChecker) rule(t *text) *Rule {
	if c.p == nil || !t.ok() {
		return nil
	}
	var names []string
	for i := range c.p.Rules {
		if c.p.Rules[i].Name == t.value {
			return &c.p.Rules[i]
		}
		names = append(names, c.p.Rules[i].Name)
	}
	c.errorf(t.at, "%s is not a rule of the pipeline%s", t, suggest(t.value, names))
	return nil
}

func (c *scenarioChecker) level(t *text, r *Rule, state string) {
	var names []string
	for i := range r.Levels {
		names = append(names, r.Levels[i].Name)
	}
	switch {
	case state == "ok":
		c.errorf(t.at, "%s: an event ok has no level", t)
	case !slices.Contains(names, t.value):
		c.errorf(t.at, "%s is not a level of rule %s%s", t, r.Name, suggest(t.value, names))
	}
}

func (c *scenarioChecker) aggregates(doc *scenarioDoc, s *Scenario) {
	for i := range doc.Aggregates.items {
		a := &doc.Aggregates.items[i]
		e := ExpectedAggregate{Window: a.Window.value, Start: a.Start.value, Revision: a.Revision.value}
		if a.Final.set {
			e.Final = &a.Final.value
		}
		w := c.window(&a.Window)
		of := w
		if w != nil && !w.Grouped() {
			of = nil
		}
		e.Device = c.subject(whose{&a.section, &a.Device, &a.Group, of}, s)
		for k, item := range a.Values.items {
			name := &a.Values.names[k]
			if w != nil && !slices.Contains(w.Compute, name.value) {
				c.errorf(name.at, "%s: window %s does not compute %s%s", name.path, w.Name, shorten(name.value), suggest(name.value, w.Compute))
			}
			e.Values = append(e.Values, ExpectedValue{name.value, item.value})
		}
		s.Aggregates = append(s.Aggregates, e)
	}
}

func (c *scenarioChecker) window(t *text) *Window {
	if c.p == nil || !t.ok() {
		return nil
	}
	var names []string
	for i := range c.p.Windows {
		w := &c.p.Windows[i]
		if w.Name == t.value {
			if w.Emit.Topic == "" {
				c.errorf(t.at, "%s is not emitted: it writes no aggregates; expect the alerts of its rules", t)
				return nil
			}
			return w
		}
		names = append(names, w.Name)
	}
	c.errorf(t.at, "%s is not a window of the pipeline%s", t, suggest(t.value, names))
	return nil
}

// Same reports whether a value found is the one expected, which people write in
// decimals: within a millionth of it.
func Same(expected, found float64) bool {
	return math.Abs(expected-found) <= 1e-6*max(math.Abs(expected), 1e-3)
}
