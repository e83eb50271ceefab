package oracle

import (
	"slices"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// device is all that is known of a device.
type device struct {
	name      string
	clock     event.Time // greatest event time, each no later than its append time
	heard     bool
	seen      event.Time // the task's clock at the last sign of life
	silent    bool
	forgotten bool

	windows  [][]*window // time windows by index, in the order of their start
	counts   [][]sample  // count windows by index, by event time, ties in the order of arrival
	last     []last      // by metric
	rules    []machine   // by rule
	counters []counter   // by metric; wide messages: the first
}

// last is the time of the newest reading of a metric.
type last struct {
	heard bool
	time  event.Time
}

// window is one instance of a time window.
type window struct {
	start, end event.Time
	samples    []sample // in the order of arrival
	revision   int
	fresh      bool  // holds a reading added since the device last fell silent
	judged     bool  // it was emitted, and the rules have looked
	crossed    []int // what the first emission crossed, by rule on the window
}

func newDevice(p *configs.Pipeline, name string) *device {
	return &device{
		name:    name,
		windows: make([][]*window, len(p.Windows)), counts: make([][]sample, len(p.Windows)),
		last: make([]last, len(p.Metrics)), rules: make([]machine, len(p.Rules)), counters: make([]counter, len(p.Metrics)),
	}
}

// open reports whether a window has not closed for good.
func (t *task) open(d *device, w *window) bool { return w.end+t.p.Time.WaitForLate > d.clock }

// process takes a reading into everything that uses it.
func (t *task) process(d *device, r SourceRecord, s sample, metric int) {
	before := d.clock
	d.clock = max(before, min(s.time, r.Append))
	by := cause{offset: r.Offset}
	t.close(d, before, by)
	for i := range t.p.Windows {
		if t.p.Windows[i].MetricIndex == metric && t.p.Windows[i].Kind != configs.Count {
			t.addToSpans(d, i, s, addition{before: before, cause: by})
		}
	}
	for i := range t.p.Windows {
		if t.p.Windows[i].MetricIndex == metric && t.p.Windows[i].Kind == configs.Count {
			t.addToCount(d, i, s, by)
		}
	}
	if l := &d.last[metric]; !l.heard || s.time >= l.time {
		*l = last{true, s.time}
		for _, rule := range t.rules.metric[metric] {
			t.look(d, rule, observation{time: s.time, value: measure{value: s.value}, cause: by})
		}
	}
}

// close emits the windows that the device's clock has just passed, and lets go of
// those that nothing can reach any more.
func (t *task) close(d *device, before event.Time, by cause) {
	if d.clock == before {
		return
	}
	wait, keep := t.p.Time.WaitForLate, t.p.Time.AllowBackfill
	for i := range d.windows {
		for _, w := range d.windows[i] {
			if before < w.end+wait && w.end+wait <= d.clock {
				t.emit(d, i, w, emission{final: true, cause: by})
			}
		}
		d.windows[i] = slices.DeleteFunc(d.windows[i], func(w *window) bool { return w.end <= d.clock-wait-keep })
	}
}

// fallSilent says what the open windows hold so far.
func (t *task) fallSilent(d *device) {
	for i := range d.windows {
		for _, w := range d.windows[i] {
			if w.fresh && t.open(d, w) {
				w.fresh = false
				t.emit(d, i, w, emission{cause: cause{reason: "silence"}})
			}
		}
	}
}

// addition says how a reading comes into windows: before is the device's clock
// before it.
type addition struct {
	before event.Time
	cause  cause
}

// addToSpans adds a reading to every instance of a time window that it is in and
// that is not gone.
func (t *task) addToSpans(d *device, index int, s sample, a addition) {
	c := &t.p.Windows[index]
	for start := floor(s.time, c.Every) - c.Size + c.Every; start <= s.time; start += c.Every {
		if start+c.Size <= a.before-t.p.Time.WaitForLate-t.p.Time.AllowBackfill {
			continue
		}
		w := d.instance(index, start, start+c.Size)
		w.samples, w.fresh = append(w.samples, s), true
		switch {
		case !t.open(d, w):
			t.emit(d, index, w, emission{final: true, cause: a.cause})
		case c.Emit.On == "change":
			t.write(d, index, w, statement{revision: len(w.samples)})
		}
	}
}

// instance returns the instance of a window that begins at start.
func (d *device) instance(index int, start, end event.Time) *window {
	all := d.windows[index]
	at := len(all)
	for at > 0 && all[at-1].start > start {
		at--
	}
	if at > 0 && all[at-1].start == start {
		return all[at-1]
	}
	w := &window{start: start, end: end}
	d.windows[index] = slices.Insert(all, at, w)
	return w
}

// addToCount adds a reading to a count window, which speaks once it is full.
func (t *task) addToCount(d *device, index int, s sample, by cause) {
	c := &t.p.Windows[index]
	all := d.counts[index]
	at := len(all)
	for at > 0 && all[at-1].time > s.time {
		at--
	}
	if len(all) == c.Count && at == 0 {
		return // older than all of a full window
	}
	all = slices.Insert(all, at, s)
	if len(all) > c.Count {
		all = slices.Delete(all, 0, 1)
	}
	d.counts[index] = all
	if len(all) < c.Count {
		return
	}
	w := &window{start: all[0].time, end: all[len(all)-1].time + 1, samples: all}
	for _, rule := range t.rules.window[index] {
		t.look(d, rule, observation{
			time: w.end - 1, value: compute(t.p.Rules[rule].When.Result, all), cause: by,
			window: &span{index, w.start, w.end},
		})
	}
	t.write(d, index, w, statement{revision: 1})
}

// emission says how a window speaks.
type emission struct {
	final bool
	cause cause
}

// mostRevisions is where the revisions of windows that speak on close stop growing.
const mostRevisions = 255

// emit says what a window holds, to the rules if it is the first time. Where
// every change is said already, a device that falls silent adds no record.
func (t *task) emit(d *device, index int, w *window, e emission) {
	c := &t.p.Windows[index]
	if !w.judged {
		w.judged, w.crossed = true, t.crossed(index, w)
		for _, rule := range t.rules.window[index] {
			t.look(d, rule, observation{
				time: w.end, value: compute(t.p.Rules[rule].When.Result, w.samples), cause: e.cause,
				window: &span{index, w.start, w.end},
			})
		}
	}
	s := statement{final: e.final, corrects: !slices.Equal(w.crossed, t.crossed(index, w))}
	if c.Emit.On == "change" {
		if s.revision = len(w.samples) + 1; e.final {
			t.write(d, index, w, s)
		}
		return
	}
	w.revision = min(w.revision+1, mostRevisions)
	s.revision = w.revision
	t.write(d, index, w, s)
}

// crossed returns for each rule on a window the highest level whose threshold the
// result crosses.
func (t *task) crossed(index int, w *window) []int {
	var levels []int
	for _, rule := range t.rules.window[index] {
		r := &t.p.Rules[rule]
		v := compute(r.When.Result, w.samples).value
		highest := none
		for i := range r.Levels {
			if crosses(r.Levels[i], v) {
				highest = i
			}
		}
		levels = append(levels, highest)
	}
	return levels
}

// statement is what a record says beside the results.
type statement struct {
	revision        int
	final, corrects bool
}

// write expects a record of a window's results.
func (t *task) write(d *device, index int, w *window, s statement) {
	c := &t.p.Windows[index]
	if c.Emit.On == "never" {
		return
	}
	a := &aggregate{window: index, start: w.start, end: w.end, revision: s.revision, final: s.final, corrects: s.corrects}
	for _, name := range c.Compute {
		a.results = append(a.results, compute(name, w.samples))
	}
	t.wants = append(t.wants, want{
		topic: c.Emit.Topic, device: d.name, step: t.step, lane: c.Name, source: t.source, aggregate: a,
	})
}
