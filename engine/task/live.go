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
	o.rules[window] = append(o.rules[window], in)
}

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
		t.show(in, alerts.Sample{Time: at, Value: r.Values[in.result]}, &windowRef{name, r.Start, r.End})
	}
}
