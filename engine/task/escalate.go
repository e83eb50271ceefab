package task

import (
	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// escalation is what becomes of the alerts of a rule that fire for long.
type escalation struct {
	steps       []configs.Escalation
	escalateCol int // 1 + the moment at which the episode fired first; 0: it has not
}

// planEscalation gives a rule that escalates its column.
func (c *Plan) planEscalation(r *rule) {
	if r.steps = r.spec.Escalate; len(r.steps) > 0 {
		r.escalateCol = c.column(escalatePrefix+c.ruleName(r.spec), 1, 1)
	}
}

// stepOf is how many steps of its escalation an episode has taken.
func stepOf(marks uint8) int { return int(marks>>stepShift) & stepMask }

// nextStep is the step that the alert of a rule on the device at hand takes next, from
// 1, and when it is due; event.Never where none is. What is withheld from an
// acknowledged alert is not due.
func (t *Task) nextStep(r *rule) (step int, at event.Time) {
	since := t.table.Cell(r.escalateCol, 0, t.slot)[0]
	if since == 0 {
		return 0, event.Never
	}
	marks := alerts.Marks(t.table.Cell(r.col, 0, t.slot))
	for k := stepOf(marks); k < len(r.steps); k++ {
		if s := &r.steps[k]; s.Never || marks&markAcked == 0 {
			return k + 1, event.Time(since-1) + s.After
		}
	}
	return 0, event.Never
}

// escalate takes the next step of an alert and says so.
func (t *Task) escalate(r *rule, at event.Time) {
	step, _ := t.nextStep(r)
	w := t.table.Write(r.col, 0, t.slot)
	alerts.SetMarks(w, alerts.Marks(w)&^(stepMask<<stepShift)|uint8(step)<<stepShift)
	e := t.again(r, at)
	t.alert(r, &e, nil, "escalated")
}

// catchSteps takes the steps that an acknowledgement has withheld from the alerts of the
// device at hand so far.
func (t *Task) catchSteps() {
	for k := range t.plan.rules {
		r := &t.plan.rules[k]
		for len(r.steps) > 0 {
			if _, at := t.nextStep(r); at > t.moment {
				break
			}
			t.escalate(r, t.moment)
		}
	}
}

// climb notes since when an alert fires, and that it has ended.
func (t *Task) climb(r *rule, e *alerts.Event) {
	switch {
	case len(r.steps) == 0 || e.Again:
		return
	case ends(e):
		if t.table.Cell(r.escalateCol, 0, t.slot)[0] != 0 {
			t.table.Write(r.escalateCol, 0, t.slot)[0] = 0
		}
		return
	case e.State == alerts.EventFiring && e.Previous < 0:
		t.table.Write(r.escalateCol, 0, t.slot)[0] = uint64(t.moment) + 1
	}
	if _, at := t.nextStep(r); at != event.Never {
		t.sooner(at)
	}
}

// appendSeverity appends the label severity of an alert: its level, or what it has
// escalated to.
func (t *Task) appendSeverity(b []byte, r *rule, e *alerts.Event) []byte {
	if e.Level < 0 {
		return b
	}
	severity := r.spec.Levels[e.Level].Name
	if step := min(stepOf(e.Marks), len(r.steps)); step > 0 {
		severity = r.steps[step-1].Severity
	}
	return appendString(append(b, `,"severity":`...), severity)
}
