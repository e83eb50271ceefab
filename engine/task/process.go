package task

import (
	"math"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

// process moves the device's clock, closes what is due and folds the reading
// into everything its metric and those derived from it feed.
func (t *Task) process(r *event.Reading, a operators.Arrival, clock event.Time) {
	now, at := operators.Advance(clock, a), a.Event
	t.newest = max(t.newest, now)
	t.seen(t.record.Append)
	head := t.table.Write(headCol, 0, t.slot)
	head[headClock], head[headLate] = uint64(now), 0
	due := event.Time(head[headDue])
	if now >= due {
		due = t.closeDue(clock, now)
	}
	s := sample{at: at, value: r.Value.Num, before: clock, now: now}
	feeds := &t.plan.metrics[r.Metric]
	due = t.feed(feeds, s, due)
	for _, k := range feeds.derived {
		d := &t.plan.derived[k]
		if v, ok := t.derive(d, r, at); ok {
			s.value = v
			due = t.feed(&t.plan.metrics[d.metric], s, due)
		}
	}
	head[headDue] = uint64(due)
}

// sample is a value that enters all that a metric feeds.
type sample struct {
	at          event.Time
	value       float64
	before, now event.Time // the device's clock before the reading and with it
}

// feed folds a value into everything its metric feeds, and returns when the next
// of the device's windows will be due, which was at due so far.
func (t *Task) feed(feeds *metric, s sample, due event.Time) event.Time {
	at, now := s.at, s.now
	for _, k := range feeds.rings {
		ring := &t.plan.rings[k]
		if ring.Late(at, s.before) {
			continue
		}
		t.use(&ring.outlet)
		if ring.Fold(&t.row, at, s.value) {
			due = min(due, ring.Due(at, now))
			t.table.Task()[wordOpen] += uint64(ring.Opened(t.row.Words(), at, now))
		}
		if t.plan.Pipeline.Time.AllowBackfill > 0 {
			ring.Revise(&t.row, at, now, t.emit)
		}
		if ring.onChange {
			ring.Change(&t.row, at, now, t.changed)
		}
		if ring.lively {
			t.lookNow(ring, at, now)
		}
	}
	if len(feeds.partials)+len(feeds.counted) > 0 {
		due = t.gatherPane(feeds, s, due)
	}
	for _, k := range feeds.sessions {
		due = min(due, t.joinSession(&t.plan.sessions[k], at, s.value, window.Span{From: s.before, To: now}))
	}
	for _, k := range feeds.followers {
		t.insert(&t.plan.followers[k], at, s.value)
	}
	if feeds.last >= 0 {
		t.last(feeds, at, s.value)
	}
	if len(feeds.inputs) > 0 {
		t.bringNewest(feeds, at, s.value)
	}
	return due
}

// use makes a ring or a session window the one the callbacks speak of.
func (t *Task) use(r *outlet) {
	t.outlet = r
	t.row.col, t.row.slot = r.col, t.slot
}

// closeDue closes the windows that the move of the device's clock ends, and
// returns when the next one will be due.
func (t *Task) closeDue(from, to event.Time) event.Time {
	due := event.Never
	t.closing = true
	defer func() { t.closing = false }()
	for i := range t.plan.rings {
		ring := &t.plan.rings[i]
		t.use(&ring.outlet)
		ring.Close(&t.row, window.Span{From: from, To: to}, t.emit)
		due = min(due, ring.NextDue(t.row.Words(), to))
	}
	return min(due, t.closeSessions(window.Span{From: from, To: to}), t.closePanes(to))
}

// last keeps the newest value of a metric for the rules that look at it. An
// older reading than the newest changes nothing.
func (t *Task) last(feeds *metric, at event.Time, v float64) {
	cell := t.table.Cell(t.plan.lastCol, feeds.last, t.slot)
	if cell[0] > uint64(at)+1 {
		return
	}
	w := t.table.Write(t.plan.lastCol, feeds.last, t.slot)
	w[0], w[1] = uint64(at)+1, math.Float64bits(v)
	awake := t.gate(feeds.gate)
	for i, k := range feeds.rules {
		if !feeds.gate.shut(awake, i, v) {
			t.evaluate(k, alerts.Sample{Time: at, Value: v}, nil)
		}
	}
}

// onWindow takes a window's result: its rules look at the first emission, later
// ones are compared with what the rules saw.
func (t *Task) onWindow(r *window.Result) uint8 {
	if r.Merged {
		t.merged(r)
		return 0
	}
	t.table.Task()[wordWindows]++
	if t.closing {
		t.table.Task()[wordOpen]--
	}
	index := t.outlet.windows[r.Window]
	w := &t.plan.Pipeline.Windows[index]
	digest, bound, gate := 0, t.outlet.outcomes[r.Window], t.outlet.gates[r.Window]
	awake := t.gate(gate)
	for i, in := range t.outlet.rules[r.Window] {
		v := r.Values[in.result]
		if gate.shut(awake, i, v) {
			continue
		}
		rule := &t.plan.rules[in.rule]
		if found := t.outcome(rule, v); gate != nil {
			digest = (digest + gate.weight[i]*found) % bound
		} else {
			digest = (digest*outcomes(rule.spec) + found) % bound
		}
		if r.Revision == 1 {
			t.evaluate(in.rule, alerts.Sample{Time: r.End, Value: v}, &windowRef{w.Name, r.Start, r.End})
		}
	}
	if r.Revision == 1 && t.outlet.inputs != nil {
		t.bring(t.outlet.inputs[r.Window], r, r.End)
	}
	corrects := r.Revision > 1 && digest != int(r.Digest)
	if corrects {
		t.table.Task()[wordCorrections]++
		digest = int(r.Digest) // what the rules saw stays the measure
	}
	if e := &t.plan.emits[index]; e.ok {
		t.emitWindow(e, w, r, corrects)
	}
	return uint8(digest)
}

// emitWindow emits a result. A window that is emitted at every reading has said
// its provisional value already, and its revisions are counts of readings.
func (t *Task) emitWindow(e *emit, w *configs.Window, r *window.Result, corrects bool) {
	if w.Emit.On != "change" {
		t.aggregate(e, r, corrects)
		return
	}
	if r.Final {
		last := *r
		last.Revision = int(r.Count) + r.Reopened + 1
		t.aggregate(e, &last, corrects)
	}
}

// onChange takes the running result of a window that is emitted at every
// reading. Such a result is for consumers only: rules wait for the close.
func (t *Task) onChange(r *window.Result) uint8 {
	index := t.outlet.windows[r.Window]
	w := &t.plan.Pipeline.Windows[index]
	if w.Emit.On != "change" {
		return 0
	}
	t.table.Task()[wordWindows]++
	if e := &t.plan.emits[index]; e.ok {
		t.aggregate(e, r, false)
	}
	return 0
}

// evaluate steps one rule of the device. The state is stepped in a copy, so
// that a sample that changes nothing marks nothing.
func (t *Task) evaluate(k int, s alerts.Sample, ref *windowRef) {
	rule := &t.plan.rules[k]
	if rule.detector != nil {
		t.judge(k, s, ref)
		return
	}
	words := t.table.Cell(rule.col, 0, t.slot)
	machine := t.machine(rule)
	if machine.Quiet(words, s.Value) {
		return
	}
	scratch := t.scratch[:len(words)]
	copy(scratch, words)
	changed, events := machine.Step(scratch, s)
	if changed {
		copy(t.table.Write(rule.col, 0, t.slot), scratch)
		rule.gate.mind(t.slot, rule.place, machine.View(scratch).State)
	}
	if t.o.Watch != nil {
		t.watch(k, scratch, s)
	}
	for i := range events.N {
		t.alert(rule, &events.List[i], ref, "")
	}
}
