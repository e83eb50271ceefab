package history

import (
	"context"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// Batch is some records of history, in order. Its memory is reused: records are
// valid until the batch is filled again.
type Batch struct {
	Records     [][]task.Record // by partition; append times do not fall within one
	First, Last event.Time      // append times of the batch; First is event.Never where it has no records with a time

	text  []byte // whole lines
	extra []byte // lines that had to be written anew
}

// Source gives history batch by batch.
type Source interface {
	// Partitions is how many there are.
	Partitions() int
	// Next fills a batch; io.EOF: there is no more, and the batch is empty.
	Next(ctx context.Context, b *Batch) error
	// Progress is how much has been read, and of how much; the latter is 0 where
	// nobody knows.
	Progress() (done, of int64)
}

func (b *Batch) reset(partitions int) {
	for len(b.Records) < partitions {
		b.Records = append(b.Records, nil)
	}
	for i := range b.Records {
		clear(b.Records[i])
		b.Records[i] = b.Records[i][:0]
	}
	b.First, b.Last, b.extra = event.Never, 0, b.extra[:0]
}

func (b *Batch) add(partition int, r task.Record) {
	b.Records[partition] = append(b.Records[partition], r)
	if r.Append == 0 {
		return // rubbish at the beginning of a file, of which nobody knows when it was
	}
	b.First, b.Last = min(b.First, r.Append), max(b.Last, r.Append)
}
