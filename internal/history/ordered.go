package history

import (
	"context"
	"errors"
	"io"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// Ordered gives the records of all partitions in the order of their append times, of one
// time in that of the partitions. What partitions hold that are ahead of others waits in
// memory, at most about mostWaiting records of each.
type Ordered struct {
	source  Source
	batch   Batch
	waiting []waiting // by partition
	over    bool      // the source has no more
}

// waiting are records of a partition that have been read.
type waiting struct {
	records []task.Record
	next    int
	held    bool
}

const mostWaiting = 50_000

// partitioned is a source that knows when a partition has no more, and need not read on
// in one.
type partitioned interface {
	ended(partition int) bool
	hold(partition int, on bool)
}

// NewOrdered returns the history of a source in order.
func NewOrdered(s Source) *Ordered {
	return &Ordered{source: s, waiting: make([]waiting, s.Partitions())}
}

// Next is the next record and its partition; io.EOF: there is no more. The record is valid
// until the next call.
func (o *Ordered) Next(ctx context.Context) (partition int, r task.Record, err error) {
	for !o.ready() {
		if err := o.read(ctx); err != nil {
			return 0, r, err
		}
	}
	best, at := -1, event.Never
	for i := range o.waiting {
		if w := &o.waiting[i]; w.next < len(w.records) && w.records[w.next].Append < at {
			best, at = i, w.records[w.next].Append
		}
	}
	if best < 0 {
		return 0, r, io.EOF
	}
	w := &o.waiting[best]
	w.next++
	return best, w.records[w.next-1], nil
}

// ready reports whether the next record of all is here. Batches of a source that does not
// know when a partition ends, a file, are in the order of time.
func (o *Ordered) ready() bool {
	if o.over {
		return true
	}
	parts, known := o.source.(partitioned)
	for i := range o.waiting {
		has := o.waiting[i].next < len(o.waiting[i].records)
		switch {
		case has && !known:
			return true
		case !has && known && !parts.ended(i):
			return false
		}
	}
	return known
}

// read reads a batch. Bytes of a file are borrowed until then, those of a topic stay.
func (o *Ordered) read(ctx context.Context) error {
	parts, known := o.source.(partitioned)
	for i := range o.waiting {
		w := &o.waiting[i]
		w.records = append(w.records[:0], w.records[w.next:]...)
		w.next = 0
		if much := len(w.records) > mostWaiting; known && much != w.held {
			w.held = much
			parts.hold(i, much)
		}
	}
	switch err := o.source.Next(ctx, &o.batch); {
	case errors.Is(err, io.EOF):
		o.over = true
		return nil
	case err != nil:
		return err
	}
	for i := range o.waiting {
		o.waiting[i].records = append(o.waiting[i].records, o.batch.Records[i]...)
	}
	return nil
}
