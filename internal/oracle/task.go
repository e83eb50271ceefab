package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// task folds the records of one partition in order.
type task struct {
	in     *Input
	p      *configs.Pipeline
	report *Report

	clock   event.Time // of the task: the greatest append time and the walls that entered
	devices map[string]*device
	agenda  agenda
	moment  event.Time // of what is happening: the task's clock or, of what is due, when it was due
	quiet   []watch    // the silent ones in the order of seen, where the journal does not tell who was forgotten
	untold  bool       // it does not: the place in hand lies before its first record
	whole   bool       // it tells all, from record 1 on

	wants  []*want
	step   int
	source int64 // the offset of the record in hand, or the position of the fact
	rules  rulesOf

	inputs    inputs
	formulas  []*formula          // by rule; nil: it has none
	detectors []*anomaly.Detector // by rule, as well
	spoken    []*device           // whom it made say something
	commands  *commands.Version   // those in force; nil: none yet
	versions  map[int64]*commands.Version
	unobeyed  bool // they came into force, and what they bring is not said yet
	guessed   bool // that this is a start
	unsure    bool // whether they did before the roster or with it, the journal does not tell
	orders    []order
	stirred   []*device // whom the cause in hand has brought news

	order       int64  // of the newest reading processed
	days        []span // by window: the calendar day met last
	expressions expressions
	rosters     map[uint64]*roster        // the versions at hand, by fingerprint
	roster      *roster                   // the one in force; nil: none yet
	parts       *parts                    // what its devices gather for windows over several; nil: there are none
	groups      *groups                   // of a task of groups; nil: of devices
	typed       map[string]map[string]any // of it, the labels as expressions see them, by device
	evidence    *evidence                 // nil: no rule goes by a result that may come out in more than one way

	file    *configs.Pipeline // by which it folds, as journal entries have it
	columns map[string]bool   // of the layout of that; nil: it was never told
	former  *former           // what a file was that has just given way to this one; nil: none has
}

// rulesOf says which rules look where.
type rulesOf struct {
	window [][]int // by window
	metric [][]int // by metric: those on its last value
	always [][]int // by window that closes: those that look at every reading
	silent []int   // those on silence
}

// watch is a device that has been silent since it was seen then.
type watch struct {
	device *device
	seen   event.Time
}

func newTask(in *Input, report *Report) *task {
	p := in.Pipeline
	t := &task{
		in: in, p: p, report: report, devices: map[string]*device{}, days: make([]span, len(p.Windows)),
		file: p, expressions: compileAll(p), typed: map[string]map[string]any{}, evidence: gather(in),
	}
	t.rosters, t.roster = rostersOf(in, report)
	if p.Grouped() && in.groups == nil {
		t.parts = &parts{}
	}
	t.rules.window, t.rules.metric = make([][]int, len(p.Windows)), make([][]int, len(p.Metrics))
	t.rules.always = make([][]int, len(p.Windows))
	t.inputs = inputs{make([][]input, len(p.Windows)), make([][]input, len(p.Metrics)), make([][]input, len(p.Windows))}
	t.formulas, t.detectors = make([]*formula, len(p.Rules)), make([]*anomaly.Detector, len(p.Rules))
	for i := range p.Rules {
		if p.Rules[i].NoData != nil {
			t.rules.silent = append(t.rules.silent, i)
			continue
		}
		if !isPlain(&p.Rules[i]) {
			t.tell(i)
			continue
		}
		if when := p.Rules[i].When; looksAlways(p, &p.Rules[i]) {
			t.rules.always[when.Window] = append(t.rules.always[when.Window], i)
		} else if when.Window >= 0 {
			t.rules.window[when.Window] = append(t.rules.window[when.Window], i)
		} else {
			t.rules.metric[when.Metric] = append(t.rules.metric[when.Metric], i)
		}
	}
	return t
}

// fold takes the next record.
func (t *task) fold(r SourceRecord) {
	t.advance(r.Append, r.Offset)
	t.step++
	if t.groups != nil {
		t.foldParcel(r)
		t.over()
		return
	}
	all := readings(t.p, r)
	slices.SortStableFunc(all, func(a, b reading) int { return cmp.Compare(a.at(r.Append), b.at(r.Append)) })
	m := messageState{record: r}
	for i := range all {
		t.report.Readings++
		t.read(&m, all[i])
		if i+1 == len(all) || all[i+1].sample != all[i].sample {
			t.settle()
		}
	}
	t.over()
	t.mark()
}

// messageState is what the readings of one message share.
type messageState struct {
	record SourceRecord
	judged map[int]bool // wide messages: by sample, whether it is a repeat
}

// advance moves the task's clock, and what is due happens. position is the offset of
// the record in hand or next.
func (t *task) advance(to event.Time, position int64) {
	set := t.clock > 0
	t.clock, t.source = max(t.clock, to), position
	t.step++
	if !set {
		t.expectFrom(t.clock)
	}
	t.happen()
}

// alive notes a sign of life.
func (t *task) alive(d *device) {
	d.heard, d.seen, d.silent = true, t.clock, false
	t.await(d, t.fallsSilent())
	for _, rule := range t.rules.silent {
		t.await(d, deed{rule: rule})
	}
}

// forget drops a device that a fact names.
func (t *task) forget(d *device) {
	t.step++
	t.end(d, cause{reason: "forgotten"})
	t.goOnMissing(d)
}

// end says the last of what a device has open, and lets go of it.
func (t *task) end(d *device, by cause) {
	for i := range t.p.Windows {
		for _, w := range d.windows[i] {
			if t.open(d, i, w) {
				t.emit(d, i, w, emission{final: true, cause: by})
			}
		}
	}
	t.sendPanes(d, event.Never)
	t.settle()
	for i := range d.rules {
		t.endRule(d, i, by)
	}
	d.forgotten = true
	delete(t.devices, d.key)
}

// want expects an output of what is happening.
func (t *task) want(w *want) {
	w.step, w.source, w.in = t.step, t.source, t.in
	t.wants = append(t.wants, w)
}

// read puts a reading into its class; the classes are in the order of SEMANTICS.
func (t *task) read(m *messageState, r reading) {
	classes := &t.report.Classes
	at := r.at(m.record.Append)
	switch {
	case r.bad != "":
		classes.Bad++
		t.refuse(m, r, r.bad)
		return
	case r.metric == undeclared, !used(t.p, r.metric):
		classes.Filtered++
		return
	}
	if passed, err := t.passes(r, at); err != nil {
		classes.Bad++
		t.refuse(m, r, event.Reason("expression"))
		return
	} else if !passed {
		classes.Filtered++
		return
	}
	if at-m.record.Append > t.p.Time.MaxFutureSkew {
		classes.Future++
		t.refuse(m, r, event.Future)
		return
	}
	d := t.devices[r.device]
	if d == nil {
		if !t.belongs(m.record, r.device) {
			classes.Bad++
			t.refuse(m, r, event.WrongPartition)
			return
		}
		d = newDevice(t.p, r.device)
		t.devices[r.device] = d
	}
	if t.repeated(d, m, r, at) {
		classes.Duplicate++
		return
	}
	late := t.late(d, r.metric, at)
	t.breakSilence(d, cause{offset: m.record.Offset})
	if late {
		if !t.restarts(d, m.record.Append) {
			classes.Late++
			t.alive(d)
			t.refuse(m, r, event.Late)
			return
		}
		d = t.restart(d, m, r, at)
	}
	classes.Processed++
	t.alive(d)
	t.process(d, m, r, at)
}

// ordered are the devices, or groups, in the order of their names.
func (t *task) ordered() []*device {
	var all []*device
	for _, key := range slices.Sorted(maps.Keys(t.devices)) {
		all = append(all, t.devices[key])
	}
	return all
}

// belongs reports whether a new device may be in this partition.
func (t *task) belongs(r SourceRecord, device string) bool {
	if t.in.Partitions < 1 {
		return true
	}
	p := partitionOf(t.p.Source.Partitioner, device, t.in.Partitions)
	if p == t.in.Partition {
		return true
	}
	if string(r.Key) == device {
		t.report.add(Difference{
			Kind: Source, Device: device, Source: r.Offset, Output: -1,
			Text: fmt.Sprintf("%s puts the key into partition %d, and it lies in partition %d: weir refuses to go on there", t.p.Source.Partitioner, p, t.in.Partition),
		})
	}
	return false
}

// repeated reports whether a reading is a repeat. The readings of one object of a
// wide message share one judgement by number; by time each has its own.
func (t *task) repeated(d *device, m *messageState, r reading, at event.Time) bool {
	dedupe := t.p.Dedupe
	switch {
	case dedupe.By == "time":
		return r.hasTime && d.times[r.metric].repeated(at, dedupe.Remember)
	case dedupe.By != "seq" || !r.hasSeq:
		return false
	case len(t.p.Source.Reading.Metrics) == 0:
		return d.counters[r.metric].repeated(r.seq, at, dedupe.Remember)
	}
	if answer, judged := m.judged[r.sample]; judged {
		return answer
	}
	if m.judged == nil {
		m.judged = map[int]bool{}
	}
	m.judged[r.sample] = d.counters[0].repeated(r.seq, at, dedupe.Remember)
	return m.judged[r.sample]
}

// late reports whether a reading comes too late for everything that uses its
// metric or one derived from it, judged by the device's clock before it.
func (t *task) late(d *device, metric int, at event.Time) bool {
	metrics := []int{metric}
	for i := range t.p.Derive {
		if t.p.Derive[i].From == metric {
			metrics = append(metrics, t.p.Derive[i].Index)
		}
	}
	spans, others := 0, 0
	for _, m := range metrics {
		others += len(t.rules.metric[m]) + len(t.inputs.metric[m])
	}
	for i := range t.p.Windows {
		w := &t.p.Windows[i]
		switch {
		case !slices.Contains(metrics, w.MetricIndex):
		case w.Kind == configs.Count || w.Kind == configs.Rolling && !w.Grouped():
			others++
		default:
			spans++
			if !t.goneFor(d, i, at) {
				return false
			}
		}
	}
	return others == 0 && spans > 0 || at+t.p.Time.WaitForLate < d.clock
}

// goneFor reports whether a time or session window can take no reading at t any more.
func (t *task) goneFor(d *device, index int, at event.Time) bool {
	c := &t.p.Windows[index]
	if c.Grouped() {
		return t.pane(index, at).end <= t.gone(index, d.clock)
	}
	if c.Kind == configs.Session {
		return t.goneForSessions(d, index, arrival{first: at, last: at}, d.clock)
	}
	all := t.spans(index, at)
	return all[len(all)-1].end <= t.gone(index, d.clock)
}

func (t *task) refuse(m *messageState, r reading, reason event.Reason) {
	r.object = nil // the message goes into the record as it came
	t.want(&want{topic: t.p.QuarantineTopic, device: r.device, refusal: &refusal{reason: reason, record: m.record, reading: r}})
}
