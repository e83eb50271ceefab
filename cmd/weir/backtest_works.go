package main

import (
	"context"
	"errors"
	"io"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/replay"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/history"
)

// backtestWorks are all tasks of a pipeline with the log of their alerts.
type backtestWorks struct {
	*replay.Works
	log *replay.Log
	bad *unusable
}

// progressEvery is after how many records the bar moves.
const progressEvery = 10_000

// addWorks makes the tasks of a pipeline that go through history as one.
func (b *backtesting) addWorks(p *configs.Pipeline, o replay.Options, partitionOf func(key []byte, n int) int) error {
	log := replay.NewLog(p)
	bad := &unusable{topic: p.QuarantineTopic}
	o.Alert, o.Watch, o.Output = log.Alert, log.Watch, bad.take
	n := b.source.Partitions()
	o.PartitionOf = func(device []byte) int32 { return int32(partitionOf(device, n)) }
	o.Fitting = func(device []byte, partition int32) []string { return fitting(device, partition, n) }
	works, err := replay.NewWorks(p, n, o)
	if err != nil {
		return err
	}
	b.works = append(b.works, backtestWorks{works, log, bad})
	return nil
}

// runWorks folds all of the history in the order of time, for what one task says may
// be another one's business.
func (b *backtesting) runWorks(ctx context.Context, bar *progressBar) error {
	ordered := history.NewOrdered(b.source)
	one := make([]task.Record, 1)
	for n := 1; ; n++ {
		partition, r, err := ordered.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if r.Append > 0 {
			b.first, b.last = min(b.first, r.Append), max(b.last, r.Append)
		}
		one[0] = r
		for i := range b.works {
			if err := b.works[i].Fold(partition, one); err != nil {
				return b.refused(i, err)
			}
		}
		if n%progressEvery == 0 {
			bar.show(b.source.Progress())
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if b.first == event.Never {
		return nil
	}
	for i := range b.works {
		if err := b.works[i].Advance(b.last); err != nil {
			return b.refused(i, err)
		}
	}
	return nil
}

// groups is how many groups of devices one pipeline has had.
func (b *backtesting) groups(pipeline int) int {
	if b.works == nil {
		return 0
	}
	return b.works[pipeline].Groups()
}
