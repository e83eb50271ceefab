package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/internal/oracle"
)

// A pipeline with windows over several devices is two engines in each process. They
// share its network, its clock, its disk and its death.

// fleetWindows draws windows over all devices, or all with the same label, in one of three worlds.
func fleetWindows(s *shape, rng *rand.Rand) (all []drawnWindow) {
	if rng.IntN(3) > 0 {
		return nil
	}
	for i := range 1 + rng.IntN(3) {
		all = append(all, fleetWindow(s, fmt.Sprintf("fleet-%d", i), rng))
	}
	return all
}

// groupTasks is what the local copies of groups are numbered from, on the disk that
// they share with those of devices.
const groupTasks = 1000

// groupStore implements engine.Store.
type groupStore struct{ m *mount }

// Task implements engine.Store.
func (s groupStore) Task(p int32) engine.LocalTask { return &mountedTask{s.m, groupTasks + p} }

// works is what a world has for windows over several devices; nil: no file of it has any.
type works struct {
	pipeline    string // the name of its consumer group
	journal     *journal
	partials    string
	quarantine  string
	partitionOf func([]byte, int) int
}

func newWorks(s *shape) (*works, error) {
	at := slices.IndexFunc(s.editions, func(e edition) bool { return e.pipeline.Grouped() })
	if at < 0 {
		return nil, nil
	}
	part := s.editions[at].pipeline.GroupPart()
	k := &works{pipeline: part.Group, partials: s.pipeline.PartialsTopic, quarantine: part.QuarantineTopic}
	var err error
	k.partitionOf, err = kafka.Partitioner("murmur2")
	return k, err
}

// groupPlan is what the engine of groups runs; nil where the file has no windows over several devices.
func groupPlan(p *configs.Pipeline) (*task.Plan, error) {
	if !p.Grouped() {
		return nil, nil
	}
	return task.CompileGroups(p)
}

// open prepares what reads the journal of the groups.
func (k *works) open(w *world) error {
	if k == nil {
		return nil
	}
	reader, err := w.client(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	k.journal = newJournal(reader, k.pipeline+".journal")
	return nil
}

// topics are those that brokers have trouble with, beside those of devices.
func (k *works) topics() []string {
	if k == nil {
		return nil
	}
	return []string{k.partials, k.partials, k.journal.topic}
}

// second makes the engine of the groups out of the options of the devices' one; nil: the file of the process
// has no windows over several devices.
func (k *works) second(l *life, o engine.Options) (*engine.Engine, error) {
	if l.p.groups == nil {
		return nil, nil
	}
	o.Plan, o.Store, o.NewDecoder, o.PartitionOf, o.GroupPartition = l.p.groups, groupStore{l.mount}, nil, nil, nil
	o.Logger = o.Logger.With("of", "groups")
	return engine.New(o)
}

// runBoth runs the engines of a life until ctx ends or one of them does.
func (l *life) runBoth(ctx context.Context) error {
	if l.groups == nil {
		return l.run.Run(ctx)
	}
	both, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, 2)
	var all sync.WaitGroup
	for i, e := range []*engine.Engine{l.run, l.groups} {
		all.Go(func() {
			defer stop()
			errs[i] = e.Run(both)
			if errs[i] == nil && both.Err() == nil {
				errs[i] = errors.New("the engine ended by itself")
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// groupsSettled reports whether the groups have folded all the partials there are.
func (w *world) groupsSettled(ctx context.Context, l *life) (bool, error) {
	if l.groups == nil {
		return true, nil
	}
	ends, err := w.admin.ListEndOffsets(ctx, w.works.partials)
	if err != nil {
		return false, err
	}
	live := 0
	for _, s := range l.groups.Status() {
		if end, ok := ends.Lookup(w.works.partials, s.Partition); ok && end.Err == nil && s.State == engine.Live && s.Position >= end.Offset {
			live++
		}
	}
	return live == int(w.shape.partitions), nil
}

// fleet reads the topic of partials; nil where there is none.
func (w *world) fleet(ctx context.Context) (*oracle.Fleet, error) {
	if w.works == nil {
		return nil, nil
	}
	records, err := w.read(ctx, w.works.partials)
	if err != nil {
		return nil, err
	}
	f := oracle.NewFleet(w.newest(), w.shape.partitions, w.before()...)
	for p := range w.shape.partitions {
		f.Add(p, 0, sourceOf(records[p]))
	}
	return f, nil
}

// checkGroups compares what the groups have said, once the devices are checked.
func (w *world) checkGroups(ctx context.Context, f *oracle.Fleet, sum *Summary, outputs map[string]map[int32][]*kgo.Record, ordered []oracle.CommandRecord) ([]oracle.Difference, error) {
	if f == nil {
		return nil, nil
	}
	if there, err := w.exists(ctx, w.works.journal.topic); err != nil || !there {
		return nil, err
	}
	offsets, err := w.admin.FetchOffsets(ctx, w.works.pipeline)
	if err != nil {
		return nil, err
	}
	var wrong []oracle.Difference
	for p := range w.shape.partitions {
		in := oracle.Input{Partition: p, Partitions: w.shape.partitions, Outputs: map[string][]oracle.OutputRecord{}, Journal: w.works.journal.of(p), Commands: ordered}
		if k, ok := offsets.Lookup(w.works.partials, p); ok {
			in.Committed = k.At
		}
		for topic, records := range outputs {
			in.Outputs[topic] = outputsOf(records[p])
		}
		report := f.Check(in)
		sum.addGroups(report, len(in.Journal))
		wrong = append(wrong, report.Differences...)
	}
	return wrong, nil
}

func (s *Summary) addGroups(r *oracle.Report, records int) {
	s.Groups.Aggregates += r.Aggregates
	s.Groups.Alerts += r.Alerts
	s.Groups.Partials += r.Sent.Partials
	s.Groups.Readings += r.Readings
	s.Groups.Watermarks += r.Sent.Watermarks
	s.Groups.Late += r.Sent.Late
	s.Groups.Facts += r.Facts
	s.Groups.Records += records
}

// OfGroups is what windows over several devices came to.
type OfGroups struct {
	Aggregates, Alerts, Partials, Readings, Watermarks, Late, Facts, Records int
}
