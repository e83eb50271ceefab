package task

import (
	"math"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/statestore"
)

// fewRules is how many rules on one thing are asked one by one: looking at the state
// of each costs a cache miss, keeping a gate costs more than a few of them.
const fewRules = 8

// gate stands before many rules on one thing and lets a value through to those that
// may change by it: the ones it lies beyond a threshold of, and the ones that are not
// ok. What it knows follows from the rules' cells: after recovery it looks at those of
// a device once. A rule that it wrongly takes for one that is not ok is merely asked.
type gate struct {
	rules  []int
	sign   []float64 // by rule: a value v may make it leave ok where sign v > lowest
	lowest []float64
	weight []int // of what it found, in what a window keeps of that
	words  int   // a bit for each rule
	awake  []uint64
	known  []uint64 // by slot: awake has been looked up
}

// newGate returns a gate for the rules on one thing; nil where they are few. bound is
// one more than the greatest of what a window keeps of what they found.
func (c *Plan) newGate(rules []int, bound int) *gate {
	if len(rules) <= fewRules {
		return nil
	}
	g := &gate{rules: rules, words: (len(rules) + 63) / 64, weight: make([]int, len(rules))}
	for i, k := range rules {
		r := &c.rules[k]
		sign, lowest := r.Lowest()
		if r.own != nil || r.detector != nil { // each device has thresholds of its own, or there are none
			sign, lowest = 1, math.Inf(-1)
		}
		g.sign, g.lowest = append(g.sign, sign), append(g.lowest, lowest)
		r.gate, r.place = g, i
	}
	for i, weight := len(rules)-1, 1; i >= 0; i-- {
		g.weight[i] = weight
		if bound > 0 {
			weight = weight * outcomes(c.rules[rules[i]].spec) % bound
		}
	}
	return g
}

// planGates puts gates before the rules on everything that has many.
func (c *Plan) planGates() {
	for i := range c.metrics {
		c.metrics[i].gate = c.newGate(c.metrics[i].rules, 0)
	}
	for i := range c.rings {
		c.gateOutlet(&c.rings[i].outlet)
	}
	for i := range c.sessions {
		c.gateOutlet(&c.sessions[i].outlet)
	}
	for i := range c.followers {
		c.followers[i].gate = c.newGate(rulesOf(c.followers[i].rules), 0)
	}
}

func (c *Plan) gateOutlet(o *outlet) {
	for w, in := range o.rules {
		o.gates = append(o.gates, c.newGate(rulesOf(in), o.outcomes[w]))
	}
}

func rulesOf(in []ruleInput) []int {
	rules := make([]int, len(in))
	for i := range in {
		rules[i] = in[i].rule
	}
	return rules
}

// gate returns which rules behind a gate are not ok for the device at hand; nil where
// there is no gate.
func (t *Task) gate(g *gate) []uint64 {
	if g == nil {
		return nil
	}
	slot := int(t.slot)
	if missing := (slot+1)*g.words - len(g.awake); missing > 0 {
		g.awake = append(g.awake, make([]uint64, missing)...)
	}
	if missing := slot/64 + 1 - len(g.known); missing > 0 {
		g.known = append(g.known, make([]uint64, missing)...)
	}
	awake := g.awake[slot*g.words:][:g.words]
	if g.known[slot/64]>>(slot%64)&1 == 0 {
		g.known[slot/64] |= 1 << (slot % 64)
		for i, k := range g.rules {
			r := &t.plan.rules[k]
			if r.View(t.table.Cell(r.col, 0, t.slot)).State != alerts.OK {
				awake[i/64] |= 1 << (i % 64)
			}
		}
	}
	return awake
}

// shut reports whether a value passes a rule by. awake is what the gate returned.
func (g *gate) shut(awake []uint64, i int, v float64) bool {
	return awake != nil && !(g.sign[i]*v > g.lowest[i]) && awake[i/64]>>(i%64)&1 == 0
}

// mind notes what a rule behind a gate is for a device from here on.
func (g *gate) mind(slot statestore.Slot, place int, state alerts.State) {
	if g == nil {
		return
	}
	word, bit := &g.awake[int(slot)*g.words+place/64], uint64(1)<<(place%64)
	*word &^= bit
	if state != alerts.OK {
		*word |= bit
	}
}
