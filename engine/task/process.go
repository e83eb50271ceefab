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
// into everything its metric feeds.
func (t *Task) process(r *event.Reading, a operators.Arrival, clock event.Time) {
	now, at := operators.Advance(clock, a), a.Event
	t.seen(t.record.Append)
	head := t.table.Write(headCol, 0, t.slot)
	head[headClock] = uint64(now)
	due := event.Time(head[headDue])
	if now >= due {
		due = t.closeDue(clock, now)
	}
	feeds := &t.plan.metrics[r.Metric]
	for _, k := range feeds.rings {
		ring := &t.plan.rings[k]
		if ring.Late(at, clock) {
			continue
		}
		t.use(ring)
		if ring.Fold(&t.row, at, r.Value.Num) {
			due = min(due, ring.Due(at, now))
			t.table.Task()[wordOpen] += uint64(ring.Opened(t.row.Words(), at, now))
		}
		if t.plan.Pipeline.Time.AllowBackfill > 0 {
			ring.Revise(&t.row, at, now, t.emit)
		}
		if ring.onChange {
			ring.Change(&t.row, at, now, t.changed)
		}
	}
	if len(feeds.partials) > 0 {
		due = t.gather(feeds, moment{at: at, before: clock, now: now}, r.Value.Num, due)
	}
	head[headDue] = uint64(due)
	for _, k := range feeds.counts {
		t.insert(&t.plan.counts[k], at, r.Value.Num)
	}
	if feeds.last >= 0 {
		t.last(feeds, at, r.Value.Num)
	}
}

// use makes a ring the one the callbacks speak of.
func (t *Task) use(r *ring) {
	t.ring = r
	t.row.col, t.row.slot = r.col, t.slot
}

// closeDue closes the windows that the move of the device's clock ends, and
// returns when the next one will be due.
func (t *Task) closeDue(from, to event.Time) event.Time {
	due := event.Never
	t.closing = true
	defer func() { t.closing = false }()
	for i := range t.plan.rings {
		t.use(&t.plan.rings[i])
		t.ring.Close(&t.row, window.Span{From: from, To: to}, t.emit)
		due = min(due, t.ring.NextDue(t.row.Words(), to))
	}
	return min(due, t.closePanes(to))
}

// insert folds a reading into a count window, which speaks at every reading
// once it is full. What it says is as of its newest reading, in whatever order
// they come.
func (t *Task) insert(c *count, at event.Time, v float64) {
	t.row.col, t.row.slot = c.col, t.slot
	if !c.Insert(&t.row, at, v) {
		return
	}
	result, full := c.Result(t.row.Words())
	if !full {
		return
	}
	t.table.Task()[wordWindows]++
	w := &t.plan.Pipeline.Windows[c.window]
	for _, in := range c.rules {
		t.evaluate(in.rule, alerts.Sample{Time: result.End - 1, Value: result.Values[in.result]}, &windowRef{w.Name, result.Start, result.End})
	}
	if e := &t.plan.emits[c.window]; e.ok {
		t.aggregate(e, &result, false)
	}
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
	for _, k := range feeds.rules {
		t.evaluate(k, alerts.Sample{Time: at, Value: v}, nil)
	}
}

// onWindow takes a window's result: its rules look at the first emission, later
// ones are compared with what the rules saw.
func (t *Task) onWindow(r *window.Result) uint8 {
	t.table.Task()[wordWindows]++
	if t.closing {
		t.table.Task()[wordOpen]--
	}
	index := t.ring.windows[r.Window]
	w := &t.plan.Pipeline.Windows[index]
	digest := uint8(0)
	for _, in := range t.ring.rules[r.Window] {
		v := r.Values[in.result]
		rule := &t.plan.rules[in.rule]
		digest = digest*uint8(len(rule.spec.Levels)+1) + uint8(rule.Crossed(v)+1)
		if r.Revision == 1 {
			t.evaluate(in.rule, alerts.Sample{Time: r.End, Value: v}, &windowRef{w.Name, r.Start, r.End})
		}
	}
	corrects := r.Revision > 1 && digest != r.Digest
	if corrects {
		t.table.Task()[wordCorrections]++
		digest = r.Digest // what the rules saw stays the measure
	}
	if e := &t.plan.emits[index]; e.ok {
		t.emitWindow(e, w, r, corrects)
	}
	return digest
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
		last.Revision = int(r.Count) + 1
		t.aggregate(e, &last, corrects)
	}
}

// onChange takes the running result of a window that is emitted at every
// reading. Such a result is for consumers only: rules wait for the close.
func (t *Task) onChange(r *window.Result) uint8 {
	index := t.ring.windows[r.Window]
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
	words := t.table.Cell(rule.col, 0, t.slot)
	if rule.Quiet(words, s.Value) {
		return
	}
	scratch := t.scratch[:len(words)]
	copy(scratch, words)
	changed, events := rule.Step(scratch, s)
	if changed {
		copy(t.table.Write(rule.col, 0, t.slot), scratch)
	}
	for i := range events.N {
		t.alert(rule, &events.List[i], ref, "")
	}
}
