package oracle

import (
	"math"
	"slices"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// machine is the state of one rule on one device. The zero value is ok.
type machine struct {
	pending, firing bool // neither: ok
	latched         []bool
	counting        []bool
	covered         []event.Time // by level, while counting
	level           int          // while firing

	recovering bool       // firing still, but no level is left
	missed     event.Time // while recovering: since when

	sampled bool
	newest  event.Time // of the last sample taken
	value   measure    // of it

	began  event.Time // of the episode
	events int        // of the episode so far

	since   event.Time // the moment of the last event firing
	repeats int        // how often it was said again since
	slots   int        // how often it would have been, had nobody acknowledged it

	fired      event.Time        // the moment of the episode's first event firing
	steps      int               // of its escalation that were taken
	acked      *commands.Ack     // nil: nobody knows of the episode
	suppressed bool              // its last event was
	reviewed   event.Time        // when that was found
	inhibits   map[string]string // the commands by which it inhibits others

	inputs  []datum // of a rule on an expression
	failing bool    // the expression cannot be worked out, which was said
	series  *series // of a rule on anomalies

	changes  []event.Time // of the last events, but for what was said again; as many as the rule looks at
	flapping bool         // the last event was
}

// observation is what a rule looks at.
type observation struct {
	time   event.Time
	value  measure
	window *span
	cause  cause
}

// hole is the longest time between two samples that hold counts as covered.
func (t *task) hole(rule int) event.Time {
	r, limit := &t.p.Rules[rule], t.p.Time.IdleAfter
	for _, when := range r.Looks() {
		limit = max(limit, t.distance(r, when))
	}
	return limit
}

// distance is how far the samples of what a rule looks at are apart at least.
func (t *task) distance(r *configs.Rule, when configs.When) event.Time {
	if r.Evaluate == "change" || when.Window < 0 || !closes(&t.p.Windows[when.Window]) {
		return 0
	}
	if t.p.Windows[when.Window].Location != nil {
		return 36 * 3_600_000 // calendar days
	}
	return t.p.Windows[when.Window].Every
}

// look takes a sample.
func (t *task) look(d *device, rule int, o observation) {
	levels := t.p.Rules[rule].Levels
	bounds := t.bounds(d.name, rule)
	m := &d.rules[rule]
	v := o.value.value
	ok := !m.pending && !m.firing
	crosses := func(b bound) bool { return b.crossed(v) } // any level: nothing makes a device's own thresholds rise
	switch {
	case math.IsNaN(v), ok && !slices.ContainsFunc(bounds, crosses), m.sampled && o.time < m.newest, ok && m.sampled && o.time == m.began:
		return
	}
	if m.latched == nil {
		m.latched, m.counting = make([]bool, len(levels)), make([]bool, len(levels))
		m.covered = make([]event.Time, len(levels))
	}
	worth := event.Time(0)
	waited := m.waiting()
	switch {
	case ok:
	case o.time-m.newest <= t.hole(rule):
		worth = o.time - m.newest
	default:
		worth = t.crossHole(d, rule, waited, o)
	}
	m.sampled, m.newest, m.value = true, o.time, o.value
	for i, l := range levels {
		m.step(i, bounds[i], reach{v, worth, l.Hold})
	}
	if t.p.Rules[rule].KeepFiring > 0 {
		m.backAtOnce(bounds, v)
	}
	t.turn(d, rule, waited, o)
}

// reach is a sample's value and worth, and how long a level wants to be held.
type reach struct {
	value       float64
	worth, hold event.Time
}

// step moves one level by itself.
func (m *machine) step(i int, b bound, r reach) {
	switch {
	case m.latched[i]:
		m.latched[i] = !b.cleared(r.value)
	case !b.crossed(r.value):
		m.counting[i] = false
	default:
		if m.counting[i] {
			m.covered[i] += r.worth
		} else {
			m.counting[i], m.covered[i] = true, 0
		}
		if m.covered[i] >= r.hold {
			m.latched[i], m.counting[i] = true, false
		}
	}
}

// top is the highest level entered.
func (m *machine) top() int { return highest(m.latched) }

// waiting is the highest level whose condition is being held.
func (m *machine) waiting() int { return highest(m.counting) }

func highest(set []bool) int {
	for i := len(set) - 1; i >= 0; i-- {
		if set[i] {
			return i
		}
	}
	return none
}

// turn says what the levels have become. waited is the level that was waiting
// before the sample.
func (t *task) turn(d *device, rule, waited int, o observation) {
	m := &d.rules[rule]
	top, waiting := m.top(), m.waiting()
	if top != none {
		if m.firing && !m.recovering && m.level == top {
			return
		}
		previous := none
		if m.firing {
			previous = m.level
		}
		m.begin(o.time)
		m.firing, m.recovering, m.pending, m.level = true, false, false, top
		t.say(d, rule, alert{state: "firing", level: top, previous: previous, threshold: t.threshold(d, rule, top)}, o)
		return
	}
	if t.recovers(d, rule, o) {
		return
	}
	if m.firing {
		m.firing, m.recovering = false, false
		t.say(d, rule, alert{state: "resolved", level: m.level, previous: m.level, threshold: t.threshold(d, rule, m.level)}, o)
	}
	switch {
	case waiting == none && m.pending:
		m.pending = false
		t.say(d, rule, alert{state: "ok", level: none, previous: none, threshold: t.threshold(d, rule, waited)}, o)
	case waiting != none && !m.pending:
		m.begin(o.time)
		m.pending = true
		t.say(d, rule, alert{state: "pending", level: waiting, previous: none, threshold: t.threshold(d, rule, waiting)}, o)
	}
}

// begin starts an episode where none goes on.
func (m *machine) begin(at event.Time) {
	if !m.pending && !m.firing {
		m.began, m.events = at, 0
		m.steps, m.acked, m.suppressed = 0, nil, false
	}
}

// endRule ends the episode of a rule whose device is being forgotten, or whose
// clock begins anew.
func (t *task) endRule(d *device, rule int, by cause) {
	m := &d.rules[rule]
	o := observation{time: max(d.clock, m.newest), value: m.value, cause: by}
	switch silence := t.p.Rules[rule].NoData; {
	case silence != nil && silence.Expect == "seen":
		t.hear(d, rule, by)
	case silence != nil:
		// Whom the roster names is waited for whatever is known of him.
	case m.firing:
		t.say(d, rule, alert{state: "resolved", level: m.level, previous: m.level, threshold: t.threshold(d, rule, m.level)}, o)
	case m.pending:
		t.say(d, rule, alert{state: "ok", level: none, previous: none, threshold: t.threshold(d, rule, m.waiting())}, o)
	}
}

// say expects an event.
func (t *task) say(d *device, rule int, a alert, o observation) {
	m := &d.rules[rule]
	m.events++
	m.acked = t.acknowledged(d, rule)
	a.unlabelled = t.unsure
	a.rule, a.value, a.at, a.began, a.window, a.cause, a.number = rule, o.value, o.time, m.began, o.window, o.cause, m.events
	a.resets, a.labels, a.failing = d.resets, t.labelsOf(d, t.p.Rules[rule].Window()), m.failing
	if m.series != nil {
		a.anomaly = m.series.finding()
	}
	if !a.again {
		t.changed(d, rule, &a)
	}
	a.flapping = m.flapping
	a.suppressed, a.acked, a.escalation = t.suppressing(d, rule, a.level), m.acked, m.steps
	a.clocks = clocks{d.clock, t.moment, t.clock}
	m.suppressed, m.reviewed = len(a.suppressed) > 0, t.moment
	t.await(d, beforeRules())
	t.spoken = append(t.spoken, d)
	t.orderFor(d, rule, &a)
	t.want(&want{topic: t.p.Alerts.Topic, device: d.name, lane: t.p.Rules[rule].Name, alert: &a})
}
