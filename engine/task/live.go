package task

import (
	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// bind gives a rule a result of a window of the outlet to look at: when it is
// emitted, or at every reading.
func (o *outlet) bind(window int, in ruleInput, spec *configs.Rule) {
	if spec.Evaluate == "change" {
		o.live[window], o.lively = append(o.live[window], in), true
		return
	}
	if in.input > 0 {
		if o.inputs == nil {
			o.inputs = make([][]ruleInput, len(o.rules))
		}
		o.inputs[window] = append(o.inputs[window], in)
		return
	}
	o.rules[window] = append(o.rules[window], in)
	if o.outcomes[window] = max(o.outcomes[window], 1) * outcomes(spec); o.outcomes[window] > mostOutcomes {
		o.outcomes[window] = foldedOutcomes
	}
}

// outcomes is how many things a rule on a window can find of a result; one where
// nothing is remembered of what it found.
func outcomes(spec *configs.Rule) int {
	if spec.Anomaly != nil {
		return 1
	}
	return len(spec.Levels) + 1
}

// outcome is what a rule on a window finds of a result, less than outcomes.
func (t *Task) outcome(r *rule, v float64) int {
	if r.detector != nil {
		return 0
	}
	return t.machine(r).Crossed(v) + 1
}

// What the rules on a window found at its first emission is kept in 8 bits: exactly
// where that goes, otherwise modulo a prime, so that a rule more or less always
// shows but for one chance in that many.
const (
	mostOutcomes   = 256
	foldedOutcomes = 251
)

// lookNow lets the rules that look at every reading look at the windows of a ring
// that one of time at was folded into just now, by the device's clock with it.
func (t *Task) lookNow(ring *ring, at, now event.Time) {
	for i, rules := range ring.live {
		if len(rules) == 0 {
			continue
		}
		if r, open := ring.Least(t.row.Words(), i, at, now); open {
			t.lookAt(&r, rules, at)
		}
	}
}

// lookAt lets rules take a sample at a time of what a window is so far.
func (t *Task) lookAt(r *window.Result, rules []ruleInput, at event.Time) {
	name := t.plan.Pipeline.Windows[t.outlet.windows[r.Window]].Name
	for _, in := range rules {
		if in.input > 0 {
			t.bringOne(in, at, r.Values[in.result])
			continue
		}
		t.evaluate(in.rule, alerts.Sample{Time: at, Value: r.Values[in.result]}, &windowRef{name, r.Start, r.End})
	}
}
