package task

import (
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/codec"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/expr"
	"github.com/weirstream/weir/operators/roster"
	"github.com/weirstream/weir/operators/window"
	"github.com/weirstream/weir/statestore"
)

// Record is one record of the source. Its bytes are borrowed during Fold.
type Record struct {
	Offset int64
	// Append is when the broker took the record (LogAppendTime), or where the
	// topic does not say, when this process fetched it.
	Append event.Time
	// Unstamped is set where Append is this process's clock: it moves the task's
	// clock no further, for behind a backlog it proves no silence.
	Unstamped bool
	Key       []byte
	Value     []byte
	// Device is the name the record carries beside its payload (header
	// weir-device), whatever the payload says; nil: the payload tells.
	Device []byte
	// Trace is the trace context the record carries beside its payload (header
	// traceparent); nil: the payload may have one.
	Trace []byte
}

// Options are what a task needs beside its plan.
type Options struct {
	Partition int32
	// Decoder turns payloads into readings, where the payload names the device;
	// it belongs to this task alone.
	Decoder codec.Decoder
	// HeaderDecoder is for records that name their device in a header: it does
	// not look for one in the payload. nil: Decoder serves them too.
	HeaderDecoder codec.Decoder
	// PartitionOf is where a device's readings belong, by the declared
	// partitioner; nil: not checked.
	PartitionOf func(device []byte) int32
	// Fitting names the partitioners that put a device in a partition, for the error over one that lies elsewhere than declared; nil: the
	// error names none.
	Fitting func(device []byte, partition int32) []string
	// WallStamped is set where append times are this process's own clock: such
	// times prove nothing about a backlog, so silence is counted from the first
	// Advance after recovery.
	WallStamped bool
	// Watch is told of every sample that a rule took and that left it out of ok; nil:
	// nobody watches.
	Watch func(Watched)
	GroupOptions
}

// Task folds the records of one partition into one state table.
//
// Invariants: (1) every device has at most one timer in each wheel; (2) outputs
// of one device are in the order of their cause; (3) after Fold returns nil,
// Counters().Conserved().
type Task struct {
	plan  *Plan
	table *statestore.Table
	o     Options
	out   *Outputs

	batch   codec.Batch
	from    []int32 // the record of each reading of the block
	slots   []statestore.Slot
	touch   []statestore.Slot // those of slots that were found
	touched uint64            // keeps the compiler from leaving out reads of which nobody needs the result
	found   []bool
	hashes  []uint64 // of the devices' names

	idle, forget *wheel
	armed        []uint64          // bit per slot: its silence is being watched
	scan         statestore.Slot   // slots below it have been armed by the scan
	floor        event.Time        // silence before it does not count (WallStamped)
	sightings    []sighting        // by slot
	undated      []statestore.Slot // sighted since the last Advance
	mono         int64             // monotonic milliseconds; undated but during Advance
	facts        facts
	roster       deviceLabels

	// what the reading being applied is, for the callbacks of windows and rules
	record   *Record // nil: a timer
	index    int     // of the reading in the block
	object   object
	in       expr.Input
	labelled roster.Row // for in
	slot     statestore.Slot
	outlet   *outlet
	row      row
	series   series
	learning row // of the rule on anomalies at work
	emit     window.Emit
	changed  window.Emit
	scratch  [maxRuleWords]uint64
	sample   int32 // wide messages: the sample judged last, and the verdict
	repeat   bool
	shown    bool // the payload of the record is in quarantine already
	details  int  // readings of it of which it was asked what is wrong
	stamps   stamps
	peek     *codec.Peek // nil until an alert asks for a trace context
	closing  bool        // windows are closing for good

	news []newValue // of the cause at work, for rules on expressions
	suppressing
	timers timers
	moment event.Time // of what is happening, on the task's clock: of what is due, when it was

	gathering *gathering // nil: the plan sends no partials
	groups    *groups    // nil: not a group task
	goneRule  goneRule
	abandoned int // events that say the end of alerts of rules that are gone
	tally     tally
	newest    event.Time // greatest event time folded; 0: none in this life
}

// row is one device's cells of one column, as operators see them.
type row struct {
	table *statestore.Table
	col   int
	slot  statestore.Slot
}

func (r *row) Words() []uint64         { return r.table.Row(r.col, r.slot) }
func (r *row) Write(cell int) []uint64 { return r.table.Write(r.col, cell, r.slot) }

// New returns a task over a table that is fresh or recovered. Outputs go to out,
// which Swap exchanges.
func New(p *Plan, table *statestore.Table, out *Outputs, o Options) *Task {
	t := &Task{plan: p.own(), table: table, o: o, out: out, idle: newWheel(p.idleAfter), forget: newWheel(p.forget)}
	t.row.table, t.mono = table, undated
	t.tally = newTally(t.plan)
	t.emit, t.changed = t.onWindow, t.onChange
	t.renumber()
	t.idle.enter(t.Clock() / t.idle.granule)
	t.forget.enter(t.Clock() / t.forget.granule)
	t.timers = newTimers(t.plan, t.Clock())
	t.refit()
	t.recode()
	if t.plan.SendsPartials() {
		t.gathering = newGathering(t)
	}
	if t.plan.grouped {
		t.groups = newGroups(t)
	}
	t.tallySome()
	return t
}

// Counters are the totals as of the last record folded.
func (t *Task) Counters() Counters { return countersOf(t.table.Task()) }

// CountersOf reads the counters out of a task's journaled words.
func CountersOf(words []uint64) Counters { return countersOf(words) }

// Clock is the greatest append or wall time the task has acted on.
func (t *Task) Clock() event.Time { return event.Time(t.table.Task()[wordClock]) }

// Pending is the buffer of outputs not yet taken by Swap.
func (t *Task) Pending() *Outputs { return t.out }

// Swap makes the task write to another buffer and returns the one it filled.
func (t *Task) Swap(next *Outputs) *Outputs {
	filled := t.out
	t.out = next
	return filled
}

// Block is how many readings are decoded and looked up before any is applied,
// so that their cache misses overlap.
const Block = 64

// Fold folds records in the order of their offsets.
func (t *Task) Fold(records []Record) error {
	if !t.tally.complete {
		t.tallySome()
	}
	if t.groups != nil {
		t.foldPartials(records)
		return nil
	}
	if t.gathering != nil {
		t.scanPanes(scannedPerFold)
	}
	for len(records) > 0 {
		n := t.decode(records)
		if err := t.apply(records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// apply looks every device of the block up, then applies the readings.
func (t *Task) apply(records []Record) error {
	readings := t.batch.Readings
	t.probe(records)
	next := 0
	for i := range records {
		rec := &records[i]
		t.record, t.sample, t.shown = rec, -1, false
		t.table.Task()[wordRecords]++
		if !t.o.WallStamped && !rec.Unstamped {
			t.tick(rec.Append)
		}
		t.moment = max(t.Clock(), rec.Append)
		for ; next < len(readings) && t.from[next] == int32(i); next++ {
			if err := t.applyReading(rec, &readings[next], next); err != nil {
				return err
			}
			if len(t.news) > 0 && t.endsObject(next) {
				t.settle()
			}
		}
		t.endCause(0)
		if t.gathering != nil {
			t.sendWatermark(t.plan.step)
		}
	}
	t.record = nil
	return nil
}

// applyReading puts one reading into exactly one class.
func (t *Task) applyReading(rec *Record, r *event.Reading, i int) error {
	words := t.table.Task()
	words[wordIn]++
	t.index = i
	arrived := operators.Arrive(r, rec.Append)
	at := arrived.Event
	switch {
	case r.Bad == "" && len(r.Device) == 0:
		r.Bad = event.NoDevice
	case r.Bad == "" && len(r.Device) > event.MaxDevice:
		r.Bad = event.NoDevice
	case r.Bad == "" && r.Metric >= 0 && r.Value.Kind == event.String:
		r.Bad = event.ValueType
	}
	switch {
	case r.Bad != "":
		words[wordBad]++
		t.quarantine(r, at, r.Bad, nil)
		return nil
	case r.Metric < 0 || !t.plan.metrics[r.Metric].used:
		words[wordFiltered]++
		return nil
	}
	switch pass, err := t.passes(r, at); {
	case err != nil:
		words[wordBad]++
		t.quarantine(r, at, event.Expression, err)
		return nil
	case !pass:
		words[wordFiltered]++
		return nil
	case arrived.Future(t.plan.skew):
		words[wordFuture]++
		t.quarantine(r, at, event.Future, nil)
		return nil
	}
	slot, ok := t.slots[i], t.found[i]
	if !ok {
		slot, ok = t.table.Lookup(r.Device) // an earlier reading of the block may have brought it
	}
	if !ok {
		if belongs, err := t.place(rec, r); err != nil || !belongs {
			if err == nil {
				words[wordBad]++
				t.quarantine(r, at, event.WrongPartition, nil)
			}
			return err
		}
		slot = t.table.Add(r.Device)
		t.unlabel(slot)
	}
	t.slot = slot
	t.wake(slot)
	t.catchUp(t.Clock())
	if t.duplicate(r, at) {
		words[wordDuplicate]++
		return nil
	}
	t.heard()
	head := t.table.Row(headCol, slot)
	if t.late(int(r.Metric), at, event.Time(head[headClock])) && !t.restarts(rec, r, at) {
		words[wordLate]++
		t.quarantine(r, at, event.Late, nil)
		t.seen(rec.Append)
		return nil
	}
	words[wordProcessed]++
	t.newest = max(t.newest, min(at, rec.Append))
	t.process(r, arrived, event.Time(head[headClock]))
	return nil
}

// place decides whether a device not seen before belongs to this partition.
func (t *Task) place(rec *Record, r *event.Reading) (bool, error) {
	if t.o.PartitionOf == nil {
		return true, nil
	}
	declared := t.o.PartitionOf(r.Device)
	if declared == t.o.Partition {
		return true, nil
	}
	if string(rec.Key) != string(r.Device) {
		return false, nil
	}
	return false, t.misplaced(rec, declared)
}

// duplicate judges a reading by its sequence number and remembers it.
func (t *Task) duplicate(r *event.Reading, at event.Time) bool {
	if t.plan.byTime {
		return t.repeatedTime(r, at)
	}
	if !t.plan.byDedupe || !r.HasSeq {
		return false
	}
	cell := int(r.Metric)
	if t.plan.Wide {
		if r.Sample == t.sample {
			return t.repeat
		}
		t.sample, cell = r.Sample, 0
	}
	t.repeat = t.plan.dedupe.Judge(t.table.Cell(t.plan.dedupeCol, cell, t.slot), r.Seq, at) == operators.Duplicate
	if !t.repeat {
		t.plan.dedupe.Mark(t.table.Write(t.plan.dedupeCol, cell, t.slot), r.Seq, at)
	}
	return t.repeat
}

// late reports whether nothing that the metric and those derived from it feed can
// take the reading.
func (t *Task) late(m int, at, clock event.Time) bool {
	feeds := &t.plan.metrics[m]
	late := t.gone(feeds, at, clock)
	for _, k := range feeds.derived {
		late = late && t.gone(&t.plan.metrics[t.plan.derived[k].metric], at, clock)
	}
	return late
}

// seen records that the device spoke. Silence is counted on the task's clock,
// which may be ahead of the append time: where this machine's clock is a little
// ahead of the brokers', a device that speaks must not look silent.
func (t *Task) seen(appended event.Time) {
	w := t.table.Write(headCol, 0, t.slot)
	if now := max(t.Clock(), appended); event.Time(w[headSeen]) < now {
		w[headSeen] = uint64(now)
	}
	if w[headFlags]&flagIdle != 0 || !t.isArmed(t.slot) {
		w[headFlags] &^= flagIdle
		t.arm(t.slot, timer{slot: t.slot, due: event.Time(w[headSeen]) + t.plan.idleAfter})
	}
	t.watchSilence()
}
