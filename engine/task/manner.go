package task

import (
	"fmt"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// timing is what the rules of a plan have to do with the task's clock.
type timing struct {
	timed    bool       // there are rules, so that heads have a word for what they have due
	absences []int      // the rules on silence
	least    event.Time // the shortest silence that one of them fires after
	expects  bool       // some of them watches the devices of the roster
	watches  bool       // some of them watches every device that was heard
}

// manner is how a rule speaks of its alerts, beside its machine.
type manner struct {
	after    event.Time // a rule on silence: how long; 0: it is none
	ofRoster bool       // it watches the devices of the roster

	every     event.Time // repeats; 0: none
	repeatCol int

	flapping alerts.Flapping // Changes 0: nothing is marked
	flapCol  int

	suppression
	escalation
}

// Words of the column of a rule that repeats.
const (
	repeatDue   = 0 // when the next repeat is due on the task's clock; 0: none
	repeatCount = 1 // of the last repeat since the alert fired
	repeatWords = 2
	// mostRepeats ends repeats of an alert that nobody minds: where a topic was
	// quiet for years all that was due comes at once.
	mostRepeats = 1000
)

// Words of the head of a device where rules have timers.
const (
	// headTimer is when to look at the device's rules, on the task's clock: nothing is
	// due before it. 0: never.
	headTimer = headWords
	// headExpected is 1 + the task's clock when the roster came to name the device, 1
	// where that was not set by then; 0: no rule expects it. Only where rules watch the
	// roster.
	headExpected = headWords + 1

	flagAbsent = 2 // a rule on silence fires on the device
	flagOpen   = 4 // some rule is in an episode
)

// timingOf finds out what the rules of a pipeline have to do with the task's clock.
func timingOf(p *configs.Pipeline) timing {
	var t timing
	for i := range p.Rules {
		r := &p.Rules[i]
		t.timed = true
		if r.NoData == nil {
			continue
		}
		if len(t.absences) == 0 || r.NoData.After < t.least {
			t.least = r.NoData.After
		}
		t.absences = append(t.absences, i)
		if r.NoData.Expect == "roster" {
			t.expects = true
		} else {
			t.watches = true
		}
	}
	return t
}

// planHead lays out the head of a device.
func (c *Plan) planHead() {
	c.timing = timingOf(c.Pipeline)
	words := headWords
	if c.timed {
		words++
	}
	if c.expects {
		words++
	}
	c.column(headName, 1, words)
}

// planAbsence gives a rule on silence its column.
func (c *Plan) planAbsence(spec *configs.Rule) error {
	machine, err := alerts.CompileAbsence(spec.Name, spec.NoData.After)
	if err != nil {
		return fmt.Errorf("compile rule %q: %w", spec.Name, err)
	}
	col := c.column(c.ruleName(spec), 1, machine.Words())
	c.rules = append(c.rules, rule{Rule: machine, col: col, spec: spec, fittedTo: unfitted})
	c.planManner(&c.rules[len(c.rules)-1])
	return nil
}

// planManner gives a rule the columns that its manner of speaking needs.
func (c *Plan) planManner(r *rule) {
	if d := r.spec.NoData; d != nil {
		r.after, r.ofRoster = d.After, d.Expect == "roster"
	}
	if r.every = r.spec.RepeatEvery; r.every > 0 {
		r.repeatCol = c.column(repeatPrefix+c.ruleName(r.spec), 1, repeatWords)
	}
	if f := r.spec.Flapping; f != nil {
		r.flapping = alerts.Flapping{Changes: f.Changes, Within: f.Within}
		r.flapCol = c.column(flappingPrefix+c.ruleName(r.spec), 1, r.flapping.Words())
	}
	c.planSuppression(r)
	c.planEscalation(r)
}

// onGap is what a hole in the data does to a running hold of a rule.
func onGap(spec *configs.Rule) alerts.OnGap {
	switch spec.OnGap {
	case "reset":
		return alerts.Reset
	case "hold":
		return alerts.Hold
	default:
		return alerts.Pause
	}
}

// mark says of an event whether it is flapping.
func (t *Task) mark(r *rule, e *alerts.Event) {
	switch {
	case r.flapping.Changes == 0:
	case e.Again:
		e.Flapping = r.flapping.Is(t.table.Cell(r.flapCol, 0, t.slot))
	default:
		e.Flapping = r.flapping.Step(t.table.Write(r.flapCol, 0, t.slot), e.Time)
	}
}

// remind sees to the repeats of a rule after an event that is not itself something said again.
func (t *Task) remind(r *rule, e *alerts.Event) {
	if r.every == 0 || e.Again {
		return
	}
	switch e.State {
	case alerts.EventFiring:
		w := t.table.Write(r.repeatCol, 0, t.slot)
		w[repeatDue], w[repeatCount] = uint64(t.moment+r.every), 0
		t.sooner(t.moment + r.every)
	case alerts.EventResolved:
		clear(t.table.Write(r.repeatCol, 0, t.slot))
	}
}

// sayAgain says once more what a rule is in, because a repeat is due. While the alert
// is acknowledged nobody needs to be reminded, up to now.
func (t *Task) sayAgain(r *rule, due, now event.Time) {
	w := t.table.Write(r.repeatCol, 0, t.slot)
	if alerts.Marks(t.table.Cell(r.col, 0, t.slot))&markAcked != 0 {
		w[repeatDue] = uint64(due + ((now-due)/r.every+1)*r.every)
		return
	}
	e := t.again(r, due)
	w[repeatCount]++
	w[repeatDue] = uint64(due + r.every)
	e.Repeat = int(w[repeatCount])
	if e.Repeat == mostRepeats {
		w[repeatDue] = 0
	}
	t.alert(r, &e, nil, "repeat")
}

// again is the event that says once more what a rule is in, which has to be some
// episode.
func (t *Task) again(r *rule, at event.Time) alerts.Event {
	scratch := t.scratch[:r.Words()]
	copy(scratch, t.table.Cell(r.col, 0, t.slot))
	e, ok := t.machine(r).Again(scratch, at)
	if !ok {
		panic(fmt.Sprintf("task: rule %q of device %q is to be said again at %d and is in no episode: %v", r.spec.Name, t.table.Name(t.slot), at, scratch))
	}
	copy(t.table.Write(r.col, 0, t.slot), scratch)
	if e.Again = true; r.after > 0 {
		e.Value = alerts.Seconds(e.Time - t.silentAt(r))
	}
	return e
}
