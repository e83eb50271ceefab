package oracle

import (
	"math"
	"slices"
	"strconv"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// A sketch may say one thing or another about the same readings, and a rule goes
// by what it said. Where that is so, the model takes the number from the records
// themselves, as long as it is within what the meaning allows.
//
//	aggregate of the emission ──▶ alert about the window ──▶ a number at which nothing
//	                                                        is said, for nothing was ──▶ likeliest

// evidence are the records that tell what vague results were, by what they are
// about, in order.
type evidence struct {
	aggregates map[identity][]*node
	alerts     map[identity][]float64
}

// isVague reports whether a result may come out in more than one way, wide apart.
func isVague(name string) bool {
	switch name {
	case "median", "mode", "distinct", "integral", "time_weighted_mean":
		return true
	}
	return name[0] == 'p'
}

// isLoose is isVague of a result of a certain window.
func isLoose(c *configs.Window, name string) bool {
	return isVague(name) || c.Grouped() && isEnd(name)
}

// gather reads the records about windows with a rule on a vague result. It is nil
// where there are none.
func gather(in *Input) *evidence {
	p := in.Pipeline
	topics := map[string]bool{}
	for _, p := range in.files() {
		for i := range p.Rules {
			for _, when := range p.Rules[i].Looks() {
				if when.Window >= 0 && isLoose(&p.Windows[when.Window], when.Result) {
					topics[p.Windows[when.Window].Emit.Topic], topics[p.Alerts.Topic] = true, true
				}
			}
		}
	}
	if len(topics) == 0 {
		return nil
	}
	e := &evidence{aggregates: map[identity][]*node{}, alerts: map[identity][]float64{}}
	for topic, wanted := range topics { // unordered: each name is of one topic
		if !wanted {
			continue
		}
		for _, r := range in.Outputs[topic] {
			if body, ok := parseJSON(r.Value); ok && body.kind == '{' && text(body.field("pipeline")) == p.Name {
				e.take(in, &body)
			}
		}
	}
	return e
}

func (e *evidence) take(in *Input, body *node) {
	window := body.field("window")
	switch {
	case !window.there():
	case text(body.field("schema")) == alertSchema:
		if v, err := strconv.ParseFloat(text(body.field("value")), 64); err == nil {
			id := alertEvidence(text(body.field("rule")), owner(body), text(body.field("resets")), text(sub(window, "start")), text(sub(window, "end")))
			e.alerts[id] = append(e.alerts[id], v)
		}
	case !body.field("merged_into").there():
		id := aggregateNames(in, body)
		e.aggregates[id] = append(e.aggregates[id], body)
	}
}

func alertEvidence(rule, device, resets, start, end string) identity {
	return identity{kind: 'l', lane: rule, device: device, first: start, second: end, resets: resets}
}

// find looks for the record of an emission that is about to be said.
func (t *task) find(d *device, index int, w *window, revision int) {
	c := &t.p.Windows[index]
	if t.evidence == nil || c.Emit.On == "never" {
		return
	}
	a := aggregate{window: index, start: w.start, end: w.end, revision: revision, resets: d.resets}
	id := a.names(t.in, d.name)
	w.body = nil
	if all := t.evidence.aggregates[id]; len(all) > 0 {
		w.body, t.evidence.aggregates[id] = all[0], all[1:]
	}
}

// observe fills in the value that a rule on a window looks at.
func (t *task) observe(d *device, rule int, w *window, o observation) observation {
	name := t.p.Rules[rule].When.Result
	m := compute(&t.p.Windows[o.window.window], name, w.samples)
	o.value = m
	if !m.vague && len(m.among) == 0 {
		return o
	}
	o.value = measure{value: m.guess(), or: &m} // an episode may end with it in another event
	if t.evidence == nil {
		return o
	}
	accept := func(v float64) bool {
		if m.takes(v) {
			o.value = saidAs(v)
			return true
		}
		return false
	}
	if v, err := strconv.ParseFloat(text(sub(w.body, name)), 64); err == nil && accept(v) {
		return o
	}
	id := alertEvidence(t.p.Rules[rule].Name, d.name, resetsText(d.resets), written(w.start), written(w.end))
	if all := t.evidence.alerts[id]; slices.ContainsFunc(all, accept) {
		return o
	}
	for _, v := range t.sides(d.name, rule, m) {
		if t.quietAt(d, rule, o.time, v) {
			o.value = measure{value: v, or: &m}
			return o
		}
	}
	return o
}

// saidAs is a number that two records say alike.
func saidAs(v float64) measure { return measure{value: v, tolerance: relative*math.Abs(v) + zeroBelow} }

// sides are a number for each side of each threshold that a vague result may lie
// on, the likeliest first.
func (t *task) sides(device string, rule int, m measure) []float64 {
	all := append([]float64{m.guess()}, m.among...)
	for _, b := range t.bounds(device, rule) {
		for _, v := range []float64{b.enter, b.leave} {
			all = append(all, v, math.Nextafter(v, math.Inf(1)), math.Nextafter(v, math.Inf(-1)))
		}
	}
	return slices.DeleteFunc(all, func(v float64) bool { return !m.takes(v) })
}

// quietAt reports whether a rule would say nothing about a sample.
func (t *task) quietAt(d *device, rule int, at event.Time, v float64) bool {
	m := d.rules[rule]
	d.rules[rule].latched, d.rules[rule].counting, d.rules[rule].covered = slices.Clone(m.latched), slices.Clone(m.counting), slices.Clone(m.covered)
	said := len(t.wants)
	t.look(d, rule, observation{time: at, value: measure{value: v}})
	quiet := len(t.wants) == said
	t.wants, d.rules[rule] = t.wants[:said], m
	return quiet
}
