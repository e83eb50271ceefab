package oracle

import (
	"fmt"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// Unknown says what of a pipeline the model does not know, so that what it wrote
// cannot be checked; empty: nothing.
func Unknown(p *configs.Pipeline) string {
	for i := range p.Rules {
		r := &p.Rules[i]
		switch {
		case !isPlain(r):
			for _, when := range r.Looks() {
				if when.Window >= 0 && isLoose(&p.Windows[when.Window], when.Result) && (p.Windows[when.Window].Emit.On != "close" || r.Evaluate == "change" && closes(&p.Windows[when.Window])) {
					return fmt.Sprintf("rule %s looks at %s, which may come out in more than one way, and no record tells in which", r.Name, when.Result)
				}
			}
		case looksAlways(p, r) && isVague(r.When.Result):
			return fmt.Sprintf("rule %s looks at every reading (evaluate: change) at %s, which may come out in more than one way", r.Name, r.When.Result)
		}
	}
	return ""
}

// known reports whether the model knows all of the pipeline, and says what it does
// not.
func known(in *Input, report *Report) bool {
	what := Unknown(in.Pipeline)
	if what != "" {
		report.add(Difference{Kind: Source, Topic: in.Pipeline.Source.Topic, Source: -1, Output: -1, Text: "verify cannot check this pipeline yet: " + what})
	}
	return what == ""
}

// looksAlways reports whether a rule on a window that closes looks at it at every
// reading.
func looksAlways(p *configs.Pipeline, r *configs.Rule) bool {
	if r.When.Window < 0 || r.Evaluate != "change" || !isPlain(r) {
		return false
	}
	kind := p.Windows[r.When.Window].Kind
	return kind != configs.Count && kind != configs.Rolling
}

// lookNow shows a window to the rules that look at every reading: the one that
// ends first of those that took the reading and are open.
func (t *task) lookNow(d *device, index int, s sample, by cause) {
	if len(t.rules.always[index]) == 0 && len(t.inputs.always[index]) == 0 {
		return
	}
	var first *window
	for _, w := range d.windows[index] {
		if w.start <= s.time && s.time < w.end && t.open(d, index, w) && (first == nil || w.end < first.end) {
			first = w
		}
	}
	if first == nil {
		return
	}
	for _, rule := range t.rules.always[index] {
		t.look(d, rule, observation{
			time: s.time, cause: by, window: &span{index, first.start, first.end},
			value: compute(&t.p.Windows[index], t.p.Rules[rule].When.Result, first.samples),
		})
	}
	look := *first
	look.body = nil
	t.learn(d, t.inputs.always[index], &look, observation{time: s.time, cause: by, window: &span{index, first.start, first.end}})
}

// crossHole does to a rule what on_gap says of a hole before the sample in hand, and
// returns what the time is worth. waited is the level that was waiting.
func (t *task) crossHole(d *device, rule, waited int, o observation) event.Time {
	m := &d.rules[rule]
	switch t.p.Rules[rule].OnGap {
	case "hold":
		return o.time - m.newest
	case "reset":
		clear(m.counting)
		if m.pending {
			m.pending = false
			t.say(d, rule, alert{state: "ok", level: none, previous: none, threshold: t.threshold(d, rule, waited)}, o)
		}
	}
	return 0
}

// backAtOnce latches the levels again that an alert which is kept firing has had.
func (m *machine) backAtOnce(bounds []bound, v float64) {
	if !m.firing || m.top() != none {
		return
	}
	for i := 0; i <= m.level; i++ {
		if bounds[i].crossed(v) {
			m.latched[i], m.counting[i] = true, false
		}
	}
}

// recovers reports whether an alert with no level left goes on for a while.
func (t *task) recovers(d *device, rule int, o observation) bool {
	m, keep := &d.rules[rule], t.p.Rules[rule].KeepFiring
	switch {
	case !m.firing || keep == 0:
		return false
	case m.recovering:
		return o.time-m.missed < keep
	}
	m.recovering, m.missed = true, o.time
	t.say(d, rule, alert{state: "recovering", level: m.level, previous: m.level, threshold: t.threshold(d, rule, m.level)}, o)
	return true
}
