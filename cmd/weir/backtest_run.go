package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/replay"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/internal/history"
)

// backtesting is one or two pipelines on their way through history. One goroutine
// reads; each worker folds the partitions that are its own, in order.
type backtesting struct {
	pipelines []*configs.Pipeline
	source    history.Source
	tasks     [][]backtestTask // by pipeline and partition
	works     []backtestWorks  // by pipeline, in place of tasks where tasks of one send each other something

	lines string // what a place in the source is called; empty: it is a topic

	mu          sync.Mutex
	first, last event.Time
	took        time.Duration
}

// backtestTask is one task with the log of its alerts.
type backtestTask struct {
	*replay.Replay
	log *replay.Log
	bad *unusable
}

// newBacktesting makes the tasks. Of a topic, where each device lies is checked
// against the declared partitioner, as run does.
func newBacktesting(pipelines []*configs.Pipeline, source history.Source, ofTopic bool) (*backtesting, error) {
	b := &backtesting{pipelines: pipelines, source: source, first: event.Never}
	joined := slices.ContainsFunc(pipelines, replay.NeedsWorks)
	for _, p := range pipelines {
		o, err := replayOptions(p)
		if err != nil {
			return nil, err
		}
		declared := p.Source.Partitioner
		if !ofTopic {
			declared = history.FilePartitioner // so that each device of a roster is expected by one task
		}
		partitionOf, err := kafka.Partitioner(declared)
		if err != nil {
			return nil, err
		}
		if joined {
			if err := b.addWorks(p, o, partitionOf); err != nil {
				return nil, err
			}
			continue
		}
		var tasks []backtestTask
		for i := range source.Partitions() {
			log := replay.NewLog(p)
			bad := &unusable{topic: p.QuarantineTopic}
			o.Partition, o.Alert, o.Watch, o.Output = int32(i), log.Alert, log.Watch, bad.take
			o.PartitionOf = func(device []byte) int32 { return int32(partitionOf(device, source.Partitions())) }
			o.Fitting = func(device []byte, partition int32) []string { return fitting(device, partition, source.Partitions()) }
			r, err := replay.New(p, o)
			if err != nil {
				return nil, err
			}
			tasks = append(tasks, backtestTask{r, log, bad})
		}
		b.tasks = append(b.tasks, tasks)
	}
	return b, nil
}

// sharedBatch is a batch that several workers fold.
type sharedBatch struct {
	history.Batch
	left int // workers that are not done with it; guarded by backtesting.mu
}

// run folds all of the history.
func (b *backtesting) run(ctx context.Context, bar *progressBar) error {
	began := time.Now()
	if b.works != nil {
		if err := b.runWorks(ctx, bar); err != nil {
			return err
		}
		bar.clear()
		b.took = time.Since(began)
		return nil
	}
	workers := min(runtime.GOMAXPROCS(0), max(b.source.Partitions(), 1))
	group, ctx := errgroup.WithContext(ctx)
	spare := make(chan *sharedBatch, workers+3)
	for range cap(spare) {
		spare <- &sharedBatch{}
	}
	queues := make([]chan *sharedBatch, workers)
	for w := range queues {
		queues[w] = make(chan *sharedBatch, cap(spare))
		group.Go(func() error { return b.fold(ctx, w, queues, spare) })
	}
	group.Go(func() error {
		defer func() {
			for _, q := range queues {
				close(q)
			}
		}()
		return b.read(ctx, bar, queues, spare)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	bar.clear()
	b.took = time.Since(began)
	return nil
}

// read fills batches and gives each to all workers.
func (b *backtesting) read(ctx context.Context, bar *progressBar, queues []chan *sharedBatch, spare chan *sharedBatch) error {
	for {
		var batch *sharedBatch
		select {
		case batch = <-spare:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := b.source.Next(ctx, &batch.Batch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b.mu.Lock()
		b.first, b.last = min(b.first, batch.First), max(b.last, batch.Last)
		batch.left = len(queues)
		b.mu.Unlock()
		for _, q := range queues {
			q <- batch // never full: it holds all batches there are
		}
		bar.show(b.source.Progress())
	}
}

// fold is one worker: it folds every so-many-th partition.
func (b *backtesting) fold(ctx context.Context, worker int, queues []chan *sharedBatch, spare chan *sharedBatch) error {
	for batch := range queues[worker] {
		if err := ctx.Err(); err != nil {
			return err
		}
		for p := worker; p < len(batch.Records); p += len(queues) {
			for i, tasks := range b.tasks {
				if err := tasks[p].Fold(batch.Records[p]); err != nil {
					return b.refused(i, err)
				}
			}
		}
		b.mu.Lock()
		batch.left--
		done := batch.left == 0
		b.mu.Unlock()
		if done {
			spare <- batch
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	first, last := b.first, b.last
	b.mu.Unlock()
	if first == event.Never {
		return nil
	}
	// A task whose partition said nothing lately has not seen the time of the others.
	for p := worker; p < b.source.Partitions(); p += len(queues) {
		for i, tasks := range b.tasks {
			if err := tasks[p].Advance(last); err != nil {
				return b.refused(i, err)
			}
		}
	}
	return nil
}

func (b *backtesting) refused(pipeline int, err error) error {
	return fmt.Errorf("pipeline %q: %w", b.pipelines[pipeline].Name, err)
}

// counters are the totals of one pipeline.
func (b *backtesting) counters(pipeline int) (c task.Counters, devices int) {
	if b.works != nil {
		return b.works[pipeline].Counters(), b.works[pipeline].Devices()
	}
	for _, t := range b.tasks[pipeline] {
		c = c.Add(t.Counters())
		devices += t.Devices()
	}
	return c, devices
}

// unusable are the readings of one pipeline that could not be used.
func (b *backtesting) unusable(pipeline int) []unusableJSON {
	var tasks []*unusable
	if b.works != nil {
		tasks = append(tasks, b.works[pipeline].bad)
	} else {
		for _, t := range b.tasks[pipeline] {
			tasks = append(tasks, t.bad)
		}
	}
	return gather(tasks, b.source)
}

// episodes are those of all tasks of one pipeline.
func (b *backtesting) episodes(pipeline int) (all []replay.Episode) {
	if b.works != nil {
		return b.works[pipeline].log.Close(b.last)
	}
	for _, t := range b.tasks[pipeline] {
		all = append(all, t.log.Close(b.last)...)
	}
	replay.SortEpisodes(all)
	return all
}
