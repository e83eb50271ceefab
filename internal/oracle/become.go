package oracle

import (
	"maps"
	"math"
	"slices"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// When the file of a pipeline gives way to another the task goes on with what both have:
//
//	journal record of another file ─▶ become: keep what goes on, put aside what does not
//	the versions a task starts with ─▶ obey: what is new may be due, what suppresses may be another
//	behind them ────────────────────▶ succeed: what is open of rules that do not go on ends
//
// Rules and windows go on where docs/RELOAD.md says so. Which windows share panes, and so go on together, is told by the layouts in the journal.

// former is what a file leaves behind that has given way to another.
type former struct {
	by      *configs.Pipeline
	expects bool // a rule of it watched whom the roster names
	left    []leftOpen
}

// leftOpen is an episode of a rule that does not go on.
type leftOpen struct {
	device *device
	rule   int
	state  machine
}

// underFile goes over to the file by which a record of the journal was written.
func (t *task) underFile(e *entry) {
	if e.by != t.file {
		t.become(e)
	}
	if e.columns != nil {
		t.columns = e.columns
	}
}

// become goes over to another file.
func (t *task) become(e *entry) {
	next := newTask(t.in.under(e.by), t.report)
	next.evidence = t.evidence // some of it is used up
	next.clock, next.moment, next.quiet, next.untold, next.whole = t.clock, t.clock, t.quiet, t.untold, t.whole
	next.wants, next.step, next.source, next.order, next.orders = t.wants, t.step+1, e.from, t.order, t.orders
	next.commands, next.versions, next.roster, next.columns = t.commands, t.versions, t.roster, t.columns
	next.groups = t.groups
	if t.parts != nil {
		next.parts = t.parts // the file may have no window over several devices, and the next one have some again
	}
	next.former = &former{by: t.p, expects: slices.ContainsFunc(t.rules.silent, t.byRoster)}
	c := &change{from: t, to: next, columns: e.columns}
	c.match()
	for _, d := range t.ordered() {
		c.carry(d)
		next.devices[d.key] = d
	}
	*t = *next
	for _, d := range t.ordered() {
		t.appoint(d)
	}
}

// appoint looks anew at all that may become due of a device.
func (t *task) appoint(d *device) {
	d.awaited = nil
	t.await(d, t.fallsSilent())
	t.await(d, beforeRules())
	for rule := range t.p.Rules {
		t.await(d, deed{rule: rule})
		t.await(d, deed{rule: rule, kind: repeats})
		t.await(d, deed{rule: rule, kind: escalates})
	}
}

// change is one file giving way to another.
type change struct {
	from, to *task
	columns  map[string]bool // of the layout of the other
	windows  []int           // by window of the other: that of the former; none: it is new, or reset
	rules    []int           // as windows
	metrics  []int
}

func (c *change) match() {
	was, is := c.from.p, c.to.p
	for i := range is.Windows {
		c.windows = append(c.windows, slices.IndexFunc(was.Windows, func(w configs.Window) bool { return c.goesOn(&w, &is.Windows[i]) }))
	}
	for i := range is.Rules {
		c.rules = append(c.rules, slices.IndexFunc(was.Rules, func(r configs.Rule) bool { return ruleGoesOn(was, &r, is, &is.Rules[i]) }))
	}
	for _, name := range is.Metrics {
		c.metrics = append(c.metrics, slices.Index(was.Metrics, name))
	}
}

// ruleGoesOn reports whether the state of a rule serves it as it is now.
func ruleGoesOn(was *configs.Pipeline, r *configs.Rule, is *configs.Pipeline, now *configs.Rule) bool {
	if r.Name != now.Name || whose(was, r) != whose(is, now) || (r.NoData != nil) != (now.NoData != nil) || (r.Anomaly != nil) != (now.Anomaly != nil) ||
		(r.KeepFiring > 0) != (now.KeepFiring > 0) || len(r.Levels) != len(now.Levels) {
		return false
	}
	for i := range r.Levels {
		if r.Levels[i].Name != now.Levels[i].Name || (r.Levels[i].Hold > 0) != (now.Levels[i].Hold > 0) {
			return false
		}
	}
	switch {
	case r.NoData != nil:
		return r.NoData.Expect == now.NoData.Expect
	case r.Anomaly != nil:
		return looksAt(was, r) == looksAt(is, now)
	}
	return true
}

// whose says over which devices the windows are that a rule looks at; empty: of each by itself.
func whose(p *configs.Pipeline, r *configs.Rule) string {
	if r.Window() < 0 {
		return ""
	}
	return p.Windows[r.Window()].By
}

// looksAt is what a rule looks at that is no expression, by name.
func looksAt(p *configs.Pipeline, r *configs.Rule) string {
	if r.When.Window >= 0 {
		return p.Windows[r.When.Window].Name + "." + r.When.Result
	}
	return p.Metrics[r.When.Metric]
}

// carry makes a device one of the other file.
func (c *change) carry(d *device) {
	was := *d
	fresh := newDevice(c.to.p, d.name)
	d.windows, d.counts, d.rolling, d.last, d.rules, d.counters, d.times = fresh.windows, fresh.counts, fresh.rolling, fresh.last, fresh.rules, fresh.counters, fresh.times
	for i, k := range c.windows {
		if k == none || c.to.groups == nil && c.to.p.Windows[i].Grouped() {
			continue
		}
		d.windows[i], d.counts[i], d.rolling[i] = was.windows[k], was.counts[k], was.rolling[k]
		for _, w := range d.windows[i] {
			if w.judged {
				w.crossed = c.crossed(i, w.crossed)
			}
			w.countAnew(&c.from.p.Windows[k], &c.to.p.Windows[i])
		}
	}
	c.carryPanes(d)
	for i, k := range c.metrics {
		if k == none {
			continue
		}
		d.counters[i], d.times[i] = was.counters[k], was.times[k]
		if len(c.from.rules.metric[k]) > 0 || len(c.from.inputs.metric[k]) > 0 {
			d.last[i] = was.last[k]
		}
	}
	if len(c.to.p.Source.Reading.Metrics) > 0 && c.to.groups == nil {
		d.counters[0] = was.counters[0]
	}
	d.stood = make([]int, len(c.to.p.Rules))
	for i, k := range c.rules {
		d.stood[i] = none
		if k == none {
			continue
		}
		d.rules[i] = was.rules[k]
		c.refit(&d.rules[i], i, k)
		if d.rules[i].firing {
			d.stood[i] = d.rules[i].level
		}
	}
	for k := range was.rules {
		if !slices.Contains(c.rules, k) {
			c.leave(d, k, was.rules[k])
		}
	}
	if !slices.ContainsFunc(c.to.rules.silent, c.to.byRoster) {
		d.named, d.expected = false, 0
	}
}

// crossed is what a window remembers of the rules on it, now that others may be: of one that goes on what it
// found, of one that is new or begins anew nothing. Where it did not remember all, nothing is left of it.
func (c *change) crossed(window int, before []int) []int {
	was, is := c.from.rules.window[c.windows[window]], c.to.rules.window[window]
	same, outcomes := len(was) == len(is), 1
	for i, rule := range was {
		outcomes = min(outcomes, 256) * (len(c.from.p.Rules[rule].Levels) + 1)
		same = same && c.rules[is[i]] == rule
	}
	if same {
		return before
	}
	now := slices.Repeat([]int{none}, len(is))
	for i, rule := range is {
		if at := slices.Index(was, c.rules[rule]); at >= 0 && outcomes <= 256 {
			now[i] = before[at]
		}
	}
	return now
}

// refit fits the state of a rule to what the other file says of how it speaks.
func (c *change) refit(m *machine, now, before int) {
	r, old := &c.to.p.Rules[now], &c.from.p.Rules[before]
	m.reviewed = c.to.clock // what began or ended by now was looked at; what commands bring, they bring now
	switch {
	case r.RepeatEvery == 0 || !m.firing:
	case old.RepeatEvery == 0:
		m.since, m.repeats, m.slots = c.to.clock, 0, 0
	default: // what was due next still is
		m.since += event.Time(m.slots+1) * (old.RepeatEvery - r.RepeatEvery)
	}
	m.steps = min(m.steps, len(r.Escalate))
	if len(r.Escalate) > 0 && len(old.Escalate) == 0 {
		m.fired = c.to.clock
	}
	if r.Flapping == nil || old.Flapping == nil || r.Flapping.Changes != old.Flapping.Changes {
		m.changes, m.flapping = nil, false
	}
	if !slices.Equal(r.Looks(), old.Looks()) && !c.sameInputs(r, old) {
		m.inputs = nil
	}
}

// sameInputs reports whether an expression names what it did.
func (c *change) sameInputs(r, old *configs.Rule) bool {
	if r.Formula == nil || old.Formula == nil || len(r.Formula.Inputs) != len(old.Formula.Inputs) {
		return false
	}
	for i := range r.Formula.Inputs {
		if r.Formula.Inputs[i].Name != old.Formula.Inputs[i].Name {
			return false
		}
	}
	return true
}

// leave puts aside what a rule has that does not go on.
func (c *change) leave(d *device, rule int, m machine) {
	if m.pending || m.firing {
		c.to.former.left = append(c.to.former.left, leftOpen{d, rule, m})
	}
	for _, key := range slices.Sorted(maps.Keys(m.inhibits)) {
		c.to.orders = append(c.to.orders, order{key: key, device: d.name, source: c.to.source})
	}
}

// succeed ends what is open of rules that do not go on, once the versions are in force that the
// task starts with.
func (t *task) succeed() {
	f := t.former
	t.former, t.moment = nil, t.clock
	t.step++
	in := t.in.under(removed(f.by))
	for _, one := range f.left {
		t.remove(in, one)
	}
	for key, d := range maps.Clone(t.devices) { // unordered: each by itself
		if t.isEmpty(d) {
			d.forgotten = true
			delete(t.devices, key)
		}
	}
}

// countAnew has revisions counted as another file wants it: of windows that are said on change they
// count readings, of others the times when they were, or would have been, said.
func (w *window) countAnew(was, is *configs.Window) {
	switch on := is.Emit.On == "change"; {
	case on == (was.Emit.On == "change"):
	case on:
		w.revision, w.spoken, w.spokenEnd = len(w.samples)+w.reopened, true, w.end
	default:
		w.revision, w.spoken = w.emitted, w.emitted > 0
	}
}

// isEmpty reports whether nothing is left to know of a device that only a roster has named, or of a group.
func (t *task) isEmpty(d *device) bool {
	if t.groups != nil {
		return !slices.ContainsFunc(t.p.Windows, func(w configs.Window) bool { return w.By == t.byOf(d) })
	}
	return !d.heard && !slices.ContainsFunc(t.rules.silent, t.byRoster)
}

// removed is a file as the ends of its rules have it: of them no more is left than their names and levels.
func removed(p *configs.Pipeline) *configs.Pipeline {
	gone := *p
	gone.Rules = slices.Clone(p.Rules)
	for i := range gone.Rules {
		r := &gone.Rules[i]
		r.Template = []configs.Part{{Literal: "rule " + r.Name + " was removed or changed: its alert ends"}}
		r.Escalate = nil
	}
	return &gone
}

// remove expects the end of an episode.
func (t *task) remove(in *Input, one leftOpen) {
	d, m, r := one.device, &one.state, &in.Pipeline.Rules[one.rule]
	at := max(d.clock, m.newest)
	value := m.value
	if r.NoData != nil {
		at, value = t.clock, measure{value: seconds(r.NoData.After)}
	}
	a := &alert{
		rule: one.rule, state: "resolved", level: m.level, previous: m.level, threshold: math.NaN(), value: value, at: at, began: m.began, number: m.events + 1,
		resets: d.resets, labels: t.labelsOfGone(in.Pipeline, one), cause: cause{reason: "removed"}, escalation: m.steps, clocks: clocks{d.clock, t.moment, t.clock},
	}
	if !m.firing {
		a.state, a.level, a.previous = "ok", none, none
	}
	id := episodeID(in.Pipeline, one.rule, d.name, m.began, d.resets)
	if t.commands != nil {
		subject := t.goneSubject(in.Pipeline, one, a.level)
		for _, s := range t.commands.Silences() {
			if s.Covers(t.moment) && s.Fits(subject) {
				a.suppressed = append(a.suppressed, s.Key())
			}
		}
		slices.Sort(a.suppressed)
		if ack, ok := t.commands.Ack(id); ok {
			a.acked = &ack
		}
	}
	if m.acked != nil || a.acked != nil {
		t.orders = append(t.orders, order{key: "ack/" + id, device: d.name, source: t.source})
	}
	t.want(&want{topic: t.p.Alerts.Topic, device: d.name, lane: r.Name, alert: a})
	t.wants[len(t.wants)-1].in = in
}

// labelsOfGone are the labels of an alert of a rule that does not go on.
func (t *task) labelsOfGone(p *configs.Pipeline, one leftOpen) labels {
	if t.groups == nil {
		return t.roster.of(one.device.name)
	}
	if label := p.Windows[p.Rules[one.rule].Window()].GroupLabel(); label != "" {
		return labels{label: one.device.name}
	}
	return nil
}

// goneSubject is an alert of a rule that does not go on, as silences see it.
func (t *task) goneSubject(p *configs.Pipeline, one leftOpen, level int) commands.Subject {
	of := t.labelsOfGone(p, one)
	s := commands.Subject{
		Rule: p.Rules[one.rule].Name, Device: one.device.name, Level: levelName(&p.Rules[one.rule], level),
		Label: func(name string) string { return of[name] },
	}
	if t.groups != nil {
		s.Device, s.Group = "", one.device.name
	}
	return s
}
