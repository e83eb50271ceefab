package simulation

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// journal reads the committed records of the journal as they come, before any
// is deleted.
type journal struct {
	topic  string
	client *kgo.Client

	mu       sync.Mutex
	records  map[int32][]*kgo.Record
	position map[int32]int64
}

func newJournal(client *kgo.Client, topic string) *journal {
	return &journal{topic: topic, client: client, records: map[int32][]*kgo.Record{}, position: map[int32]int64{}}
}

// read runs until ctx ends.
func (j *journal) read(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := j.client.PollFetches(ctx)
		j.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset < j.position[r.Partition] {
				return
			}
			j.position[r.Partition] = r.Offset + 1
			if !r.Attrs.IsControl() {
				j.records[r.Partition] = append(j.records[r.Partition], r)
			}
		})
		j.mu.Unlock()
		if fetches.Err() != nil {
			time.Sleep(10 * time.Millisecond) // a broker that fails at once would stop virtual time
		}
	}
}

// upTo is the offset behind what has been read of a partition.
func (j *journal) upTo(p int32) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.position[p]
}

// holdTrim holds a request for each journal there is.
func (w *world) holdTrim(req *kmsg.DeleteRecordsRequest) {
	w.journal.hold(req)
	if w.works != nil {
		w.works.journal.hold(req)
	}
}

// hold waits, for a while, until what a request deletes has been read.
func (j *journal) hold(req *kmsg.DeleteRecordsRequest) {
	deadline := time.Now().Add(time.Minute)
	for _, t := range req.Topics {
		if t.Topic != j.topic {
			continue
		}
		for _, p := range t.Partitions {
			for j.upTo(p.Partition) < p.Offset && time.Now().Before(deadline) {
				time.Sleep(time.Millisecond)
			}
		}
	}
}
