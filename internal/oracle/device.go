package oracle

import (
	"slices"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// device is all that is known of a device.
type device struct {
	name      string
	key       string     // in task.devices
	clock     event.Time // greatest event time, each no later than its append time
	heard     bool
	seen      event.Time // the task's clock at the last sign of life
	silent    bool
	forgotten bool

	resets    int  // how often the clock began anew
	late      bool // since the last processed reading one was late
	lateSince event.Time

	named    bool         // by the roster in force, in a pipeline with rules on the silence of those it names
	expected event.Time   // since when; 0: since the task's clock is first set
	awaited  []event.Time // by deed: the appointment that counts

	windows  [][]*window // time and session windows by index, in the order of their start
	counts   [][]sample  // count windows by index, by event time, ties in the order of arrival
	rolling  [][]sample  // rolling windows by index, in the same order
	last     []last      // by metric
	rules    []machine   // by rule
	stood    []int       // by rule: the level at which it fired when the cause in hand began, or none
	news     []news      // what the cause in hand has brought to rules on expressions
	counters []counter   // by metric; wide messages: the first
	times    []moments   // by metric
	panes    []*pane     // of windows over several devices, not sent yet
	feeds    bool        // it took a reading into one
	relook   bool        // the file has changed since its last processed reading: some may be due by now
	until    event.Time  // of a group: the greatest end of a pane that came for it
	far      []*pane     // of a group: what came for panes that are too far ahead to be looked at
}

// last is the time of the newest reading of a metric.
type last struct {
	heard bool
	time  event.Time
}

// window is one instance of a time or session window.
type window struct {
	start, end event.Time
	samples    []sample   // in the order of arrival
	revision   int        // of the newest emission
	emitted    int        // emissions, with those that on: change leaves out
	spoken     bool       // there was one, and
	spokenEnd  event.Time // this was its end
	body       *node      // the record found for it, where one is looked for
	fresh      bool       // holds a reading added since the device last fell silent
	judged     bool       // it was emitted, and the rules have looked
	closed     bool       // it was emitted as final
	reopened   int        // how often a session that had closed was open again
	crossed    []int      // what the first emission crossed, by rule on the window
}

func newDevice(p *configs.Pipeline, name string) *device {
	return &device{
		name: name, key: name,
		windows: make([][]*window, len(p.Windows)), counts: make([][]sample, len(p.Windows)), rolling: make([][]sample, len(p.Windows)),
		last: make([]last, len(p.Metrics)), rules: make([]machine, len(p.Rules)),
		counters: make([]counter, len(p.Metrics)), times: make([]moments, len(p.Metrics)),
	}
}

// open reports whether a window has not closed for good.
func (t *task) open(d *device, index int, w *window) bool { return w.end+t.wait(index) > d.clock }

// wait is how long a window waits behind its end for what is late. From the clock
// of groups that is taken off already; but a session may become longer by a pane
// that ends later than the session does.
func (t *task) wait(index int) event.Time {
	if c := &t.p.Windows[index]; t.groups != nil && c.Kind == configs.Session {
		return paneLength(c)
	}
	return t.p.Time.WaitForLate
}

// process takes a reading into everything that uses it.
func (t *task) process(d *device, m *messageState, r reading, at event.Time) {
	before := d.clock
	d.clock = max(before, min(at, m.record.Append))
	d.late = false
	a := addition{before: before, appended: m.record.Append, cause: cause{offset: m.record.Offset}}
	t.close(d, before, a.cause)
	t.order++
	t.take(d, r.metric, sample{time: at, value: r.value, order: t.order}, a)
	for i := range t.p.Derive {
		if t.p.Derive[i].From != r.metric {
			continue
		}
		if v, ok := t.derive(i, r, at); ok {
			t.take(d, t.p.Derive[i].Index, sample{time: at, value: v, order: t.order}, a)
		}
	}
}

// take adds a sample of a metric to its windows and shows it to its rules.
func (t *task) take(d *device, metric int, s sample, a addition) {
	for i := range t.p.Windows {
		c := &t.p.Windows[i]
		switch {
		case c.MetricIndex != metric:
		case c.Grouped():
			t.addToPane(d, i, s, a)
		case c.Kind == configs.Session:
			t.addToSessions(d, i, alone(s), a)
		case c.Kind == configs.Tumbling || c.Kind == configs.Hopping:
			t.addToSpans(d, i, alone(s), a)
		}
	}
	for i := range t.p.Windows {
		c := &t.p.Windows[i]
		switch {
		case c.MetricIndex != metric || c.Grouped():
		case c.Kind == configs.Count:
			t.addToCount(d, i, s, a.cause)
		case c.Kind == configs.Rolling:
			t.addToRolling(d, i, s, a.cause)
		}
	}
	if l := &d.last[metric]; !l.heard || s.time >= l.time {
		*l = last{true, s.time}
		for _, rule := range t.rules.metric[metric] {
			t.look(d, rule, observation{time: s.time, value: measure{value: s.value}, cause: a.cause})
		}
		for _, in := range t.inputs.metric[metric] {
			t.learned(d, in, observation{time: s.time, value: measure{value: s.value}, cause: a.cause})
		}
	}
}

// close emits the windows that the device's clock has just passed, and lets go of
// those that nothing can reach any more.
func (t *task) close(d *device, before event.Time, by cause) {
	if d.relook && t.gathers() {
		t.sendPanes(d, d.clock-t.p.Time.WaitForLate)
	}
	d.relook = false
	if d.clock == before {
		return
	}
	if t.gathers() {
		t.parts.lead(d)
		t.sendPanes(d, d.clock-t.p.Time.WaitForLate)
	}
	for i := range d.windows {
		wait := t.wait(i)
		for _, w := range d.windows[i] {
			if before < w.end+wait && w.end+wait <= d.clock {
				t.emit(d, i, w, emission{final: true, cause: by})
			}
		}
		d.windows[i] = slices.DeleteFunc(d.windows[i], func(w *window) bool { return w.end <= t.gone(i, d.clock) })
	}
}

// fallSilent says what the open windows hold so far.
func (t *task) fallSilent(d *device) {
	if t.gathers() {
		t.parts.silence = true
		t.sendPanes(d, event.Never)
		t.parts.silence = false
	}
	t.sayNews(d)
}

// sayNews says what the open windows hold that have taken something since they were
// asked last.
func (t *task) sayNews(d *device) {
	for i := range d.windows {
		for _, w := range d.windows[i] {
			if w.fresh && t.open(d, i, w) {
				w.fresh = false
				t.emit(d, i, w, emission{cause: cause{reason: "silence"}})
			}
		}
	}
}

// arrival is what comes into windows at once: a reading or, into those of a group,
// the readings of one pane.
type arrival struct {
	first, last event.Time
	samples     []sample
}

// alone is a reading that comes by itself.
func alone(s sample) arrival { return arrival{s.time, s.time, []sample{s}} }

// addition says how a reading comes into windows: before is the device's clock
// before it.
type addition struct {
	before   event.Time
	appended event.Time
	cause    cause
}

// gone is the time at or before which a window's end makes it gone for a reading
// that finds the device's clock there.
func (t *task) gone(index int, clock event.Time) event.Time {
	return clock - t.wait(index) - t.p.Time.AllowBackfill
}

// addToSpans adds what arrived to every instance of a time window that it is in and
// that is not gone.
func (t *task) addToSpans(d *device, index int, r arrival, a addition) {
	for _, one := range t.spans(index, r.first) {
		if one.end <= t.gone(index, a.before) {
			continue
		}
		w := d.instance(index, one.start, one.end)
		w.samples = append(w.samples, r.samples...)
		t.grown(d, index, w, a)
	}
	t.lookNow(d, index, r.samples[0], a.cause)
}

// grown says what is to be said of a window as soon as it has taken a reading.
func (t *task) grown(d *device, index int, w *window, a addition) {
	w.fresh = true
	if w.closed && t.open(d, index, w) {
		w.closed = false
		w.reopened++
	}
	switch {
	case !t.open(d, index, w):
		t.emit(d, index, w, emission{final: true, cause: a.cause})
	case t.p.Windows[index].Emit.On == "change":
		t.find(d, index, w, len(w.samples)+w.reopened)
		t.write(d, index, w, statement{revision: len(w.samples) + w.reopened})
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
	t.speak(d, index, &window{start: all[0].time, end: all[len(all)-1].time + 1, samples: all}, by)
}

// speak says what a count or rolling window holds, and shows it to its rules.
func (t *task) speak(d *device, index int, w *window, by cause) {
	t.find(d, index, w, 1)
	for _, rule := range t.rules.window[index] {
		o := observation{time: w.end - 1, cause: by, window: &span{index, w.start, w.end}}
		t.look(d, rule, t.observe(d, rule, w, o))
	}
	t.learn(d, t.inputs.window[index], w, observation{time: w.end - 1, cause: by, window: &span{index, w.start, w.end}})
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
	w.closed = w.closed || e.final
	w.emitted = min(w.emitted+1, mostRevisions)
	s := statement{final: e.final, revision: min(w.revision+1, mostRevisions)}
	unsaid := c.Emit.On == "change" && !e.final
	if c.Emit.On == "change" {
		s.revision = len(w.samples) + w.reopened + 1
	}
	if !unsaid {
		t.find(d, index, w, s.revision)
	}
	if !w.judged {
		w.judged = true
		w.crossed = t.crossed(d, index, w)
		for _, rule := range t.rules.window[index] {
			o := observation{time: w.end, cause: e.cause, window: &span{index, w.start, w.end}}
			t.look(d, rule, t.observe(d, rule, w, o))
		}
		t.learn(d, t.inputs.window[index], w, observation{time: w.end, cause: e.cause, window: &span{index, w.start, w.end}})
	}
	if unsaid {
		return
	}
	s.corrects = t.remembered(index, w.crossed) != t.remembered(index, t.crossed(d, index, w))
	t.write(d, index, w, s)
}

// crossed returns for each rule on a window the highest level whose threshold the
// result crosses.
func (t *task) crossed(d *device, index int, w *window) []int {
	var levels []int
	for _, rule := range t.rules.window[index] {
		o := t.observe(d, rule, w, observation{time: w.end, window: &span{index, w.start, w.end}})
		highest := none
		for i, b := range t.bounds(d.name, rule) {
			if b.crossed(o.value.value) {
				highest = i
			}
		}
		levels = append(levels, highest)
	}
	return levels
}

// remembered is what a window keeps of the levels that its rules found: all of it
// where there are at most 256 outcomes, otherwise a number modulo 251.
func (t *task) remembered(index int, levels []int) int {
	all, short := 1, 0
	for i, rule := range t.rules.window[index] {
		outcomes := len(t.p.Rules[rule].Levels) + 1
		all = min(all, 256) * outcomes
		short = (short*outcomes + levels[i] - none) % 251
	}
	if all > 256 {
		return short
	}
	exact := 0
	for i, rule := range t.rules.window[index] {
		exact = exact*(len(t.p.Rules[rule].Levels)+1) + levels[i] - none
	}
	return exact
}

// statement is what a record says beside the results.
type statement struct {
	revision        int
	final, corrects bool
}

// write expects a record of a window's results.
func (t *task) write(d *device, index int, w *window, s statement) {
	c := &t.p.Windows[index]
	w.revision, w.spoken, w.spokenEnd = s.revision, true, w.end
	if c.Emit.On == "never" {
		return
	}
	a := &aggregate{window: index, start: w.start, end: w.end, revision: s.revision, final: s.final, corrects: s.corrects, resets: d.resets}
	for _, name := range c.Compute {
		a.results = append(a.results, compute(c, name, w.samples))
	}
	said := &want{topic: c.Emit.Topic, device: d.name, lane: c.Name, aggregate: a}
	if t.groups != nil && c.Emit.On == "change" {
		// What has waited comes pane by pane, and then not in the order of ends.
		said.instance = "\x00" + written(w.start)
	}
	t.want(said)
}
