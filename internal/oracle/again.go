package oracle

import (
	"slices"

	"github.com/weirstream/weir/event"
)

// mostRepeats is how often an alert is repeated before something has to change.
const mostRepeats = 1000

// repeatsAt is when an alert is repeated next.
func (t *task) repeatsAt(d *device, rule int) (at event.Time, ok bool) {
	m, every := &d.rules[rule], t.p.Rules[rule].RepeatEvery
	return m.since + event.Time(m.slots+1)*every, m.firing && every > 0 && m.repeats < mostRepeats
}

// repeat repeats an alert.
func (t *task) repeat(d *device, rule int) {
	m := &d.rules[rule]
	if m.slots++; m.acked != nil {
		return // somebody knows
	}
	m.repeats++
	t.sayAgain(d, rule, alert{repeat: m.repeats, cause: cause{reason: "repeat"}})
}

// sayAgain says of an open episode what it is in, though neither state nor level has
// changed. a tells the cause and what else there is to say.
func (t *task) sayAgain(d *device, rule int, a alert) {
	m := &d.rules[rule]
	a.again = true
	switch {
	case m.recovering:
		a.state, a.level, a.previous = "recovering", m.level, m.level
	case m.firing:
		a.state, a.level, a.previous = "firing", m.level, m.level
	case m.pending:
		a.state, a.level, a.previous = "pending", m.waiting(), none
	default:
		panic("nothing is open that could be said again")
	}
	a.threshold = t.threshold(d, rule, a.level)
	o := observation{time: max(t.moment, m.newest), value: m.value, cause: a.cause}
	if t.p.Rules[rule].NoData != nil {
		o.value = t.silence(d, rule, o.time)
	}
	t.say(d, rule, a, o)
}

// changed notes that an alert has changed, as the event says that is about to be said.
func (t *task) changed(d *device, rule int, a *alert) {
	m, r := &d.rules[rule], &t.p.Rules[rule]
	if a.state == "firing" {
		m.since, m.repeats, m.slots = t.moment, 0, 0
		t.await(d, deed{rule: rule, kind: repeats})
	}
	if a.state == "firing" && a.previous == none {
		m.fired = t.moment
		t.await(d, deed{rule: rule, kind: escalates})
	}
	if r.Flapping == nil {
		return
	}
	near := 0
	for _, at := range m.changes {
		if at >= a.at-r.Flapping.Within {
			near++
		}
	}
	if m.flapping {
		m.flapping = 2*near >= r.Flapping.Changes
	} else {
		m.flapping = near == r.Flapping.Changes
	}
	// A slice of its own: who only asks what a rule would say goes back to the one before.
	all := append(slices.Clone(m.changes), a.at)
	m.changes = all[max(0, len(all)-r.Flapping.Changes):]
}
