package configs

import (
	"slices"
	"strings"

	"github.com/weirstream/weir/operators/aggregate"
)

const mostLevels = 15

func (c *checker) rules() {
	items := c.doc.Rules.items
	for i := range items {
		doc := &items[i]
		c.word(&doc.Name)
		for j := range i {
			if o := &items[j].Name; doc.Name.ok() && o.ok() && o.value == doc.Name.value {
				c.errorf(doc.Name.at, "%s is the name of another rule, at line %d; rule names must differ", &doc.Name, o.at.line)
				break
			}
		}
		r := Rule{Name: doc.Name.value, When: When{Window: -1}}
		c.complete(doc)
		c.anomalous(doc)
		c.when(doc, &r)
		c.levels(doc, &r)
		c.holds(doc, &r)
		c.groupLevels(doc, &r)
		c.anomaly(doc, &r)
		c.temper(doc, &r)
		c.schedule(doc, &r)
		c.escalation(doc, &r)
		c.message(doc, &r)
		c.p.Rules = append(c.p.Rules, r)
	}
}

// complete checks that a rule has what it needs. A rule of a kind that is not
// built yet has been refused already and needs nothing.
func (c *checker) complete(doc *ruleDoc) {
	if doc.NoData != nil || doc.Anomaly != nil {
		return
	}
	if !doc.set {
		doc.When.bad = doc.When.bad || !doc.When.set
		return
	}
	if !doc.When.set {
		doc.When.bad = true
		c.errorf(doc.at, "%s.when is missing: write what the rule looks at, a window result such as temp_5m.mean, a metric, or an expression of these", doc.path)
	}
	if !doc.Levels.set {
		c.errorf(doc.at, "%s.levels is missing: write for example levels: {warning: {above: 8, clear_below: 7}}", doc.path)
	}
}

// when resolves what a rule looks at.
func (c *checker) when(doc *ruleDoc, r *Rule) {
	t := &doc.When
	if c.isFormula(t) && doc.Anomaly != nil {
		t.bad = true
		c.errorf(t.at, "%s is an expression, and a rule on anomalies learns one series; derive a metric from it (derive: {NAME: EXPRESSION}), or name a window result or a metric", t)
		return
	}
	if c.isFormula(t) {
		c.formula(t, r)
		return
	}
	c.title(t)
	if !t.ok() {
		return
	}
	name, result, dotted := strings.Cut(t.value, ".")
	if i := c.window(name); dotted && i >= 0 && !isExpression(t.value) {
		r.When.Window, r.When.Result = i, result
		c.result(t, i)
		return
	}
	problem := ""
	switch {
	case c.isMetric(t.value):
	case !dotted && c.window(t.value) >= 0:
		problem = "is a window; write which of its results: " + t.value + "." + orWord(first(c.p.Windows[c.window(t.value)].Compute), "mean")
	case dotted && (aggregate.Known(result) || nearest(name, c.windowNames()) != ""):
		problem = "refers to a window that does not exist" + c.suggestResult(name, result)
	default:
		problem = c.noSuchMetric(t.value)
	}
	if problem != "" {
		t.bad = true
		c.errorf(t.at, "%s %s", t, problem)
		return
	}
	if !c.doubtFormula(t) {
		c.doubtMetric(t)
	}
}

// isExpression reports whether s looks like one; a metric that does so has to
// be named elsewhere in the file to be taken as a metric.
func isExpression(s string) bool { return strings.ContainsAny(s, "<>=!()&|+*?\"' \t") }

// result checks that window i computes what a rule asks of it.
func (c *checker) result(t *text, i int) {
	w, doc := &c.p.Windows[i], &c.doc.Windows.items[i]
	_, result, _ := strings.Cut(t.value, ".")
	if slices.Contains(w.Compute, result) || doc.Compute.bad {
		return
	}
	t.bad = true
	if aggregate.Known(result) {
		c.errorf(t.at, "%s: window %s does not compute %s; add it to %s.compute", t, w.Name, result, doc.path)
		return
	}
	c.errorf(t.at, "%s: window %s has no result %s, it computes %s%s", t, w.Name, shorten(result), andList(w.Compute), suggest(result, w.Compute))
}

func (c *checker) window(name string) int {
	return slices.IndexFunc(c.p.Windows, func(w Window) bool { return w.Name == name && name != "" })
}

func (c *checker) windowNames() []string {
	var names []string
	for i := range c.p.Windows {
		names = append(names, c.p.Windows[i].Name)
	}
	return names
}

// isMetric reports whether something in the file says that name is a metric.
func (c *checker) isMetric(name string) bool {
	return slices.Contains(c.windowMetrics(), name) || c.wideNames(name) || c.isDerived(name)
}

func (c *checker) wideNames(name string) bool {
	return slices.Contains(c.doc.Source.Reading.Metrics.values(), name)
}

func (c *checker) windowMetrics() []string {
	var metrics []string
	for i := range c.p.Windows {
		metrics = append(metrics, c.p.Windows[i].Metric)
	}
	return metrics
}

func (c *checker) suggestResult(name, result string) string {
	if w := nearest(name, c.windowNames()); w != "" {
		return "; did you mean " + w + "." + shorten(result) + "?"
	}
	if names := c.windowNames(); len(names) > 0 {
		return "; the windows are " + andList(names)
	}
	return "; this pipeline has no windows"
}

// doubtMetric warns of a metric that looks like a misspelt one: nothing else
// would tell, for narrow messages can carry any. Names that differ in a number
// only, such as temp1 and temp2, are taken as meant.
func (c *checker) doubtMetric(t *text) {
	if c.isMetric(t.value) {
		return
	}
	if m := nearest(t.value, c.windowMetrics()); m != "" && !sameButDigits(m, t.value) {
		c.warnf(t.at, "%s is taken as a metric of its own; did you mean %s?", t, m)
	}
}

func (c *checker) levels(doc *ruleDoc, r *Rule) {
	l := &doc.Levels
	if len(l.items) > mostLevels {
		c.errorf(l.at, "%s has %d levels; the most is %d", l.path, len(l.items), mostLevels)
	}
	for i := range l.items {
		level := &l.items[i]
		c.word(&l.names[i])
		c.level(level)
		if i > 0 {
			c.order(&l.items[i-1], level)
		}
		r.Levels = append(r.Levels, Level{
			Name: l.names[i].value, Hold: level.Hold.value,
			Above: level.Above.written(), Below: level.Below.written(),
			ClearBelow: level.ClearBelow.written(), ClearAbove: level.ClearAbove.written(), Labels: level.ownThresholds(),
		})
	}
}

// level checks one level by itself.
func (c *checker) level(l *levelDoc) {
	if !l.set {
		return
	}
	switch {
	case l.Above.set && l.Below.set:
		c.errorf(l.at, "%s has both above and below; a level has one direction, two rules make a band", l.path)
		return
	case !l.Above.set && !l.Below.set:
		c.errorf(l.at, "%s has no threshold; write above: or below: with a number", l.path)
		return
	case l.Above.set && l.ClearAbove.set:
		c.errorf(l.ClearAbove.at, "%s does not go with above; write clear_below: a level that is entered above ends below", &l.ClearAbove)
		return
	case l.Below.set && l.ClearBelow.set:
		c.errorf(l.ClearBelow.at, "%s does not go with below; write clear_above: a level that is entered below ends above", &l.ClearBelow)
		return
	}
	for _, t := range []*threshold{&l.Above, &l.Below, &l.ClearBelow, &l.ClearAbove} {
		c.ownThreshold(t)
	}
	if l.Above.ok() && l.ClearBelow.ok() && l.ClearBelow.value > l.Above.value {
		c.errorf(l.ClearBelow.at, "%s must not be more than above=%s, or the level would end while its condition holds", &l.ClearBelow, l.Above.show())
	}
	if l.Below.ok() && l.ClearAbove.ok() && l.ClearAbove.value < l.Below.value {
		c.errorf(l.ClearAbove.at, "%s must not be less than below=%s, or the level would end while its condition holds", &l.ClearAbove, l.Below.show())
	}
}

// order checks a level against the one written before it. Thresholds may be
// equal: the same value is worse the longer it holds.
func (c *checker) order(low, high *levelDoc) {
	switch {
	case low.Above.leaf.ok() && high.Below.leaf.ok() && !high.Above.set, low.Below.leaf.ok() && high.Above.leaf.ok() && !high.Below.set:
		c.errorf(high.at, "%s goes the other way than %s; the levels of a rule have one direction, so write two rules", high.path, low.path)
	case low.Above.ok() && high.Above.ok():
		c.climbs(rung{&low.Above, &low.ClearBelow, &low.Hold}, rung{&high.Above, &high.ClearBelow, &high.Hold}, 1)
	case low.Below.ok() && high.Below.ok():
		c.climbs(rung{&low.Below, &low.ClearAbove, &low.Hold}, rung{&high.Below, &high.ClearAbove, &high.Hold}, -1)
	}
}

// rung is a level with its direction left out.
type rung struct {
	enter, leave *threshold
	hold         *span
}

// climbs checks two neighbouring levels; sign is 1 for above, -1 for below.
func (c *checker) climbs(low, high rung, sign float64) {
	step := sign * (high.enter.value - low.enter.value)
	if step < 0 {
		word := "less"
		if sign < 0 {
			word = "more"
		}
		c.errorf(high.enter.at, "%s must not be %s than %s; write the levels lowest first", high.enter, word, low.enter)
		return
	}
	if step == 0 && low.hold.ok() && high.hold.ok() && high.hold.value <= low.hold.value {
		c.warnf(high.enter.at, "%s is the threshold of the level before, and hold is not longer: that level would hardly ever be seen", high.enter)
	}
	leaveOf := func(r rung) (float64, bool) {
		if !r.leave.set {
			return r.enter.value, true
		}
		return r.leave.value, r.leave.ok()
	}
	lowLeaves, lowOK := leaveOf(low)
	highLeaves, highOK := leaveOf(high)
	if lowOK && highOK && sign*(highLeaves-lowLeaves) < 0 {
		at := high.enter.at
		if high.leave.set {
			at = high.leave.at
		}
		c.warnf(at, "%s ends after the level before it, so the alert never steps down to that", strings.TrimSuffix(high.enter.path, lastKey(high.enter.path)))
	}
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.'):] }

// holds warns of a hold that the results of a window are too rare for.
func (c *checker) holds(doc *ruleDoc, r *Rule) {
	if r.When.Window < 0 || doc.When.bad {
		return
	}
	w := &c.p.Windows[r.When.Window]
	for i := range doc.Levels.items {
		h := &doc.Levels.items[i].Hold
		if !doc.looksAlways(w) {
			c.sessionHold(h, w)
		}
		if h.ok() && h.value > 0 && !doc.looksAlways(w) && h.value < w.Every {
			c.warnf(h.at, "%s is less than the %s between two results of window %s, so it takes a second result all the same", h, formatSpan(w.Every), w.Name)
		}
	}
}
