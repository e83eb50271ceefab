package configs

import "strings"

// looksAlways reports whether a rule on a window looks at every reading.
func (r *ruleDoc) looksAlways(w *Window) bool {
	return w.speaksAlways() || r.Evaluate.set && r.Evaluate.value == "change"
}

// temper checks what a rule does with an alert beside its levels.
func (c *checker) temper(doc *ruleDoc, r *Rule) {
	if e := &doc.RepeatEvery; e.ok() && e.value > 0 && e.value < shortestRepeat {
		c.errorf(e.at, "%s is too short; the shortest is %s, and 0s is never", e, formatSpan(shortestRepeat))
	}
	r.RepeatEvery = doc.RepeatEvery.value
	if f := doc.Flapping; f != nil && !f.bad {
		r.Flapping = &Flapping{Changes: int(f.Changes.value), Within: f.Within.value}
	}
	if doc.NoData != nil {
		c.noData(doc, r)
		return
	}
	c.evaluated(doc, r)
	r.KeepFiring, r.OnGap = doc.KeepFiring.value, doc.OnGap.value
	if g := &doc.OnGap; g.set && g.ok() && g.value != "pause" && doc.Levels.set && !doc.Levels.bad && !doc.holdsAny() {
		c.warnf(g.at, "%s has no effect: no level of the rule has a hold", g)
	}
}

// holdsAny reports whether a level has to hold before it is entered.
func (r *ruleDoc) holdsAny() bool {
	for i := range r.Levels.items {
		if h := &r.Levels.items[i].Hold; h.bad || h.value > 0 {
			return true
		}
	}
	return false
}

// evaluated finds out when a rule looks at what it looks at.
func (c *checker) evaluated(doc *ruleDoc, r *Rule) {
	e := &doc.Evaluate
	what, closes := "metrics have a value at every reading", -1
	for _, look := range r.Looks() {
		if look.Window < 0 {
			continue
		}
		w := &c.p.Windows[look.Window]
		if what = "a rolling window never closes"; w.Kind == Count {
			what = "a count window never closes"
		}
		if !w.speaksAlways() {
			closes = look.Window
			break
		}
	}
	if r.Formula != nil {
		what = "nothing that the expression names ever closes"
	}
	switch {
	case e.set && e.ok() && e.value == "close" && closes < 0 && !doc.When.bad && doc.When.set:
		c.errorf(e.at, "%s: %s; write evaluate: change, or remove the line", e, what)
	case e.set && e.ok() && e.value == "change" && closes >= 0 && c.p.Windows[closes].Grouped():
		c.errorf(e.at, "%s: window %s is %s, whose readings its groups do not see one by one; write evaluate: close, or remove the line",
			e, c.p.Windows[closes].Name, sayBy(&c.p.Windows[closes]))
	case e.set || doc.When.bad:
	case closes >= 0:
		e.fill("close")
	default:
		e.fill("change")
	}
	r.Evaluate = e.value
}

// noData checks a rule on silence.
func (c *checker) noData(doc *ruleDoc, r *Rule) {
	d := doc.NoData
	r.When.Metric = -1
	if doc.When.set {
		c.errorf(doc.When.at, "%s does not go with no_data, which looks at silence alone; write two rules", &doc.When)
	}
	if doc.Levels.set {
		c.errorf(doc.Levels.at, "%s does not go with no_data, which has one level; write no_data.severity", doc.Levels.path)
	}
	for _, l := range []*leaf{&doc.Evaluate.leaf, &doc.KeepFiring.leaf, &doc.OnGap.leaf} {
		if l.set && !l.bad {
			c.errorf(l.at, "%s has no effect with no_data: silence is no reading; remove it", l)
		}
		l.raw = ""
	}
	c.word(&d.Severity)
	r.NoData = &NoData{After: d.After.value, Expect: d.Expect.value}
	r.Levels = []Level{{Name: d.Severity.value}}
	if !d.Expect.ok() {
		return
	}
	if d.Expect.value == "roster" {
		if c.doc.Devices == nil {
			c.errorf(d.Expect.at, "%s needs a roster that names the devices; write devices: {roster: FILE}, a CSV file with the column device", &d.Expect)
		}
		return
	}
	if f := &c.doc.State.ForgetAfter; d.After.ok() && f.ok() && d.After.value >= f.value {
		c.errorf(d.After.at, "%s must be less than state.forget_after=%s, or the device is forgotten before the rule fires; expect: roster watches devices that are forgotten too", &d.After, f.show())
	}
}

// noField says why a message about silence cannot hold a field; nothing where it
// can, or where the message is of another rule.
func (d *noDataDoc) noField(field string) string {
	if d == nil || field != "metric" && !strings.HasPrefix(field, "window.") {
		return ""
	}
	return "has nothing to show: the rule looks at silence, not at a value"
}

// hears refuses rules on silence in a pipeline that uses no readings: one that
// nothing uses is no sign of life.
func (c *checker) hears() {
	if c.doc.Windows.set {
		return
	}
	for i := range c.doc.Rules.items {
		if c.doc.Rules.items[i].NoData == nil {
			return
		}
	}
	if len(c.doc.Rules.items) > 0 {
		d := c.doc.Rules.items[0].NoData
		c.errorf(d.at, "%s: nothing in the pipeline uses readings, and one that nothing uses is no sign of life; add a window, or a rule on a metric", d.path)
	}
}
