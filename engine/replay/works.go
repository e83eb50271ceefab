package replay

import (
	"fmt"
	"slices"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// Works are all tasks of a pipeline under one virtual time:
//
//	records ──▶ tasks of devices ──▶ partials, watermarks ──▶ the task of all groups
//	                │      ▲                                          │     ▲
//	                └──────┴───── the topic of commands ──────────────┴─────┘
//
// What one task sends another one reaches it at once, at the moment of its cause, and
// the same records give the same alerts. Works are for one goroutine.
type Works struct {
	devices []*Replay // by partition of the source
	groups  *Replay   // nil: no window is over several devices
	all     []*Replay // those of devices, then that of groups
	ticks   []tick

	set     commands.Set
	offset  int64         // of the next record of the topic of commands
	sent    []task.Record // to the task of groups
	written []command     // by tasks

	now     event.Time // what has happened so far lies at or before it
	started bool
	told    int // outputs of all tasks
	// after is called when one thing has happened and the next has not; nil: nobody
	// wants to know.
	after func() error
}

// NeedsWorks reports whether tasks of a pipeline send each other something, so that one
// cannot be replayed without the others.
func NeedsWorks(p *configs.Pipeline) bool {
	return p.Grouped() || slices.ContainsFunc(p.Inhibit, func(in configs.Inhibit) bool { return in.Label != "" })
}

// command is a record of the topic of commands.
type command struct {
	key   string
	value []byte // nil: it is taken back
}

// NewWorks returns the tasks of a pipeline whose source has so many partitions. Partition
// of the options is not used.
func NewWorks(p *configs.Pipeline, partitions int, o Options) (*Works, error) {
	w := &Works{}
	o.carry, o.commands = w.carry, w.set.Version()
	o.groups = task.GroupOptions{Partitions: int32(partitions), GroupPartition: func([]byte) int32 { return 0 }}
	plan, err := task.Compile(p)
	if err != nil {
		return nil, fmt.Errorf("pipeline %q: %w", p.Name, err)
	}
	for i := range partitions {
		of := o
		of.Partition, of.Watch = int32(i), watching(p, plan, o.Watch)
		r, err := replayOf(plan, of)
		if err != nil {
			return nil, err
		}
		w.devices = append(w.devices, r)
	}
	w.all = w.devices
	if !p.Grouped() {
		return w, nil
	}
	if plan, err = task.CompileGroups(p); err != nil {
		return nil, fmt.Errorf("pipeline %q: %w", p.Name, err)
	}
	o.Roster, o.PartitionOf, o.Partition, o.Watch = nil, nil, 0, watching(p, plan, o.Watch)
	if w.groups, err = replayOf(plan, o); err != nil {
		return nil, err
	}
	w.ticks, w.all = ticksOf(p), append(slices.Clip(w.devices), w.groups)
	return w, nil
}

// watching is a watcher of rules by their index in the whole pipeline, for a task that
// has a part of them.
func watching(whole *configs.Pipeline, plan *task.Plan, watch func(task.Watched)) func(task.Watched) {
	if watch == nil {
		return nil
	}
	index := make([]int, len(plan.Pipeline.Rules))
	for i := range index {
		index[i] = slices.IndexFunc(whole.Rules, func(r configs.Rule) bool { return r.Name == plan.Pipeline.Rules[i].Name })
	}
	return func(s task.Watched) {
		s.Rule = index[s.Rule]
		watch(s)
	}
}

// carry takes what a task sends another one.
func (w *Works) carry(plan *task.Plan, o task.Output) bool {
	switch {
	case plan.IsPartials(o.Topic):
		if o.Partition == 0 { // watermarks go to all partitions, and there is one task of groups
			w.sent = append(w.sent, task.Record{Key: slices.Clone(o.Key), Value: slices.Clone(o.Value)})
		}
		return true
	case plan.IsCommands(o.Topic):
		w.written = append(w.written, command{string(o.Key), slices.Clone(o.Value)})
		return true
	}
	return false
}

// Fold folds records of a partition, whose append times must not fall, also not from
// one partition to the other. Whatever is due by the append time of a record happens
// before it.
func (w *Works) Fold(partition int, records []task.Record) error {
	for i := range records {
		at := records[i].Append
		if err := w.pass(at); err != nil {
			return err
		}
		r := w.devices[partition]
		if err := r.task.Fold(records[i : i+1]); err != nil {
			return err
		}
		r.position = records[i].Offset + 1
		if err := w.happened(); err != nil {
			return err
		}
	}
	return nil
}

// happened ends what a record, the time or an operator has caused at this moment.
func (w *Works) happened() error {
	if err := w.settle(w.now); err != nil || w.after == nil {
		return err
	}
	return w.after()
}

// Advance lets virtual time pass up to a moment.
func (w *Works) Advance(to event.Time) error {
	if err := w.pass(to); err != nil {
		return err
	}
	for _, r := range w.all {
		r.enter(to)
		if err := w.happened(); err != nil {
			return err
		}
	}
	return nil
}

// Command appends a record to the topic of commands at a moment that is not before any
// other so far; nil for value takes back what stands under the key.
func (w *Works) Command(at event.Time, key string, value []byte) error {
	if err := w.Advance(at); err != nil {
		return err
	}
	w.written = append(w.written, command{key, value})
	return w.happened()
}

// Restart commits, loses all tasks and rebuilds them from their journals.
func (w *Works) Restart() error { return w.restart((*Replay).Restart) }

func (w *Works) restart(how func(*Replay) error) error {
	for _, r := range w.all {
		if err := how(r); err != nil {
			return err
		}
		if err := w.settle(w.now); err != nil {
			return err
		}
	}
	return nil
}

// pass lets all happen that is due up to a moment, each at its own time; of one time
// first the tasks of devices.
func (w *Works) pass(to event.Time) error {
	w.begin(to)
	for {
		next, who := w.nextTick(), -1
		for i, r := range w.all {
			if due := r.due(); due < next || who < 0 && due == next {
				next, who = due, i
			}
		}
		if next > to {
			w.now = max(w.now, to)
			return nil
		}
		w.now = max(w.now, next)
		before := w.told
		if who >= 0 {
			w.all[who].enter(w.now)
		} else {
			for _, r := range w.devices {
				r.enter(w.now)
			}
		}
		if err := w.settle(w.now); err != nil {
			return err
		}
		if w.told == before || w.after == nil {
			continue // a timer that went off to be set anew
		}
		if err := w.after(); err != nil {
			return err
		}
	}
}

// begin begins at the first moment of all.
func (w *Works) begin(at event.Time) {
	if w.started {
		return
	}
	w.started, w.now = true, at
	for _, r := range w.all {
		r.begins(at)
	}
}

// settle carries what tasks have sent at a moment to those it is for, until nothing is
// on its way.
func (w *Works) settle(at event.Time) error {
	for {
		for _, r := range w.all {
			w.told += r.out.Len()
			if err := r.take(); err != nil {
				return err
			}
		}
		switch {
		case len(w.sent) > 0:
			records := w.sent
			w.sent = nil
			for i := range records {
				records[i].Offset, records[i].Append = w.groups.position, at
				w.groups.position++
			}
			if err := w.groups.task.Fold(records); err != nil {
				return err
			}
		case len(w.written) > 0:
			if err := w.tell(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// tell puts in force what has been written to the topic of commands.
func (w *Works) tell() error {
	written := w.written
	w.written = nil
	for _, c := range written {
		if err := w.set.Apply(w.offset, []byte(c.key), c.value); err != nil {
			return fmt.Errorf("command %s: %w", c.key, err)
		}
		w.offset++
	}
	for _, r := range w.all {
		if v := w.set.Version(); v != r.o.commands {
			r.o.commands = v
			r.task.SetCommands(v, r.position)
		}
	}
	return nil
}

// Counters are the totals of the tasks of devices.
func (w *Works) Counters() (c task.Counters) {
	for _, r := range w.devices {
		c = c.Add(r.Counters())
	}
	return c
}

// Groups is how many groups are known.
func (w *Works) Groups() int {
	if w.groups == nil {
		return 0
	}
	return w.groups.task.Known()
}

// Devices is how many devices have ever been known.
func (w *Works) Devices() (n int) {
	for _, r := range w.devices {
		n += r.Devices()
	}
	return n
}
