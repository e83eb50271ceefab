package replay

import (
	"fmt"
	"slices"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/codec"
	"github.com/weirstream/weir/operators/roster"
	"github.com/weirstream/weir/statestore"
)

// Options say what a replay tells of, beside its counters.
type Options struct {
	// Message is where a reading is in a message, Device included.
	Message codec.Options
	// Roster is the version of the roster in force; nil where the pipeline has none.
	Roster *roster.Roster
	// Partition, PartitionOf and Fitting are those of task.Options.
	Partition   int32
	PartitionOf func(device []byte) int32
	Fitting     func(device []byte, partition int32) []string
	// Output takes each record that the task would have produced, which is valid
	// during the call; nil: nobody looks.
	Output func(topic string, o task.Output)
	// Alert takes each alert event; nil: nobody looks.
	Alert func(Alert)
	// Watch is that of task.Options.
	Watch func(task.Watched)

	groups task.GroupOptions
	// carry takes an output that goes to another task, and reports whether it is one;
	// nil: there is none.
	carry func(plan *task.Plan, o task.Output) bool
	// commands is the version in force; nil: the task is told of none.
	commands *commands.Version
}

// Replay is one task under virtual time. It is for one goroutine.
type Replay struct {
	plan  *task.Plan
	o     Options
	table *statestore.Table
	task  *task.Task
	out   *task.Outputs

	parts     [][]byte // of the journal's records that recovery needs
	seqs      []uint64 // of which record each part is
	floor     uint64   // the record that a local copy holds: what is behind it stays; 0: there is no copy
	position  int64    // source offset of the next record
	began     event.Time
	started   bool
	forgotten map[string]bool
}

// New returns a replay that knows no device yet, of a pipeline without windows over
// several devices and whose tasks do not suppress each other's alerts: see Works.
func New(p *configs.Pipeline, o Options) (*Replay, error) {
	plan, err := task.Compile(p)
	if err != nil {
		return nil, fmt.Errorf("pipeline %q: %w", p.Name, err)
	}
	return replayOf(plan, o)
}

// replayOf returns a replay of a plan.
func replayOf(plan *task.Plan, o Options) (r *Replay, err error) {
	if o.Roster != nil {
		if o.Roster, err = plan.FitRoster(o.Roster); err != nil {
			return nil, fmt.Errorf("devices.roster: %w", err)
		}
	}
	r = &Replay{plan: plan, o: o, out: &task.Outputs{}, forgotten: map[string]bool{}}
	r.out.Reset()
	if r.table, err = r.newTable(); err != nil {
		return nil, err
	}
	return r, r.begin()
}

func (r *Replay) newTable() (*statestore.Table, error) {
	table, err := statestore.NewTable(r.plan.Layout, statestore.Options{TaskWords: task.TaskWords()})
	if err != nil {
		return nil, fmt.Errorf("make state table: %w", err)
	}
	return table, nil
}

// begin makes the task over the table.
func (r *Replay) begin() error {
	o := task.Options{Partition: r.o.Partition, PartitionOf: r.o.PartitionOf, Fitting: r.o.Fitting, Watch: r.o.Watch, GroupOptions: r.o.groups}
	if !r.plan.Groups() {
		var err error
		if o.Decoder, err = codec.NewScanner(r.o.Message); err != nil {
			return fmt.Errorf("make decoder: %w", err)
		}
		header := r.o.Message
		header.Device = ""
		if o.HeaderDecoder, err = codec.NewScanner(header); err != nil {
			return fmt.Errorf("make decoder: %w", err)
		}
	}
	r.task = task.New(r.plan, r.table, r.out, o)
	if r.o.commands != nil {
		r.task.SetCommands(r.o.commands, r.position)
	}
	if r.o.Roster != nil {
		r.task.SetRoster(r.o.Roster, r.position)
	}
	return nil
}

// Fold folds records, whose append times must not fall and whose offsets must rise.
// Timers that are due by the append time of a record fire before it.
func (r *Replay) Fold(records []task.Record) error {
	for len(records) > 0 {
		first := records[0].Append
		r.begins(first)
		r.fire(first)
		// What begins to be watched while these are folded is not due before this.
		limit := min(r.task.NextTimer(), first+r.plan.Pipeline.Time.IdleAfter)
		n := 1
		for n < len(records) && records[n].Append < limit {
			n++
		}
		if err := r.task.Fold(records[:n]); err != nil {
			return err
		}
		r.position = records[n-1].Offset + 1
		records = records[n:]
	}
	return r.take()
}

// Advance lets virtual time pass up to a moment: devices fall silent and are
// forgotten on the way.
func (r *Replay) Advance(to event.Time) error {
	r.begins(to)
	r.fire(to)
	r.enter(to)
	return r.take()
}

// enter lets wall time enter the task.
func (r *Replay) enter(wall event.Time) {
	r.task.Advance(task.Now{Wall: wall, Mono: int64(wall - r.began), Position: r.position})
}

func (r *Replay) begins(at event.Time) {
	if !r.started {
		r.started, r.began = true, at
	}
}

// fire fires the timers that are due up to a moment, each at its own time.
func (r *Replay) fire(to event.Time) {
	for due := r.due(); due <= to; due = r.due() {
		r.enter(due)
	}
}

// due is when the task has something to do next; what was due before is so now.
func (r *Replay) due() event.Time {
	return max(r.task.NextTimer(), r.task.Clock(), r.began, 1) // a timer of 0 is one of now
}

// take hands out what the task has said.
func (r *Replay) take() error {
	for i := range r.out.Len() {
		o := r.out.At(i)
		if r.o.carry != nil && r.o.carry(r.plan, o) {
			continue
		}
		if r.o.Output != nil {
			r.o.Output(r.plan.TopicName(o.Topic), o)
		}
		if o.Topic == task.AlertsTopic && r.o.Alert != nil {
			a, err := parseAlert(o.Value)
			if err != nil {
				return fmt.Errorf("read alert %q: %w", o.Value, err)
			}
			r.o.Alert(a)
		}
	}
	r.out.Reset()
	r.noteForgotten(r.task.TakeFacts())
	return nil
}

// Restart commits, loses the task and rebuilds it from the journal alone.
func (r *Replay) Restart() error {
	r.commit()
	table, err := r.newTable()
	if err != nil {
		return err
	}
	return r.recover(table, r.parts)
}

// commit puts what has changed into the journal.
func (r *Replay) commit() {
	h := statestore.Header{Seq: r.table.Seq() + 1, From: r.table.Header().To, To: r.position, Wall: r.task.Clock()}
	sealed := r.table.Seal(h, statestore.SealOptions{})
	for _, part := range sealed.Parts {
		r.parts, r.seqs = append(r.parts, slices.Clone(part)), append(r.seqs, h.Seq)
	}
	r.table.Confirm(h.Seq)
	base := sealed.NewBase
	if r.floor > 0 {
		base = min(base, r.floor+1)
	}
	if n, _ := slices.BinarySearch(r.seqs, base); n > 0 {
		r.parts, r.seqs = r.parts[n:], r.seqs[n:]
	}
}

// recover begins a task anew over a table that is empty, or that an image has filled,
// and what there is of the journal.
func (r *Replay) recover(table *statestore.Table, journal [][]byte) error {
	before := r.task.Counters()
	var assembler statestore.Assembler
	for _, part := range journal {
		record, err := assembler.Add(part)
		if err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		if record == nil {
			continue
		}
		if err := table.Apply(record); err != nil {
			return fmt.Errorf("replay journal: %w", err)
		}
	}
	if err := table.FinishReplay(); err != nil {
		return fmt.Errorf("replay journal: %w", err)
	}
	r.table = table
	if err := r.begin(); err != nil {
		return err
	}
	if after := r.task.Counters(); after != before {
		panic(fmt.Sprintf("replay: counters %+v became %+v by a restart", before, after))
	}
	return nil
}

// Counters are the totals of the task.
func (r *Replay) Counters() task.Counters { return r.task.Counters() }

// Clock is the greatest time the task has acted on.
func (r *Replay) Clock() event.Time { return r.task.Clock() }

// Devices is how many devices have ever been known.
func (r *Replay) Devices() int {
	n := r.table.Len()
	for device := range r.forgotten { // unordered: it is a count
		if _, back := r.table.Lookup([]byte(device)); !back {
			n++
		}
	}
	return n
}
