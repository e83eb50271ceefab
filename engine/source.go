package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest"
)

// slab is what one poll brought: the readings' records and the offset behind
// all of it, control records counted.
type slab struct {
	records []task.Record
	next    int64
	err     error
}

// sourceReader is a task's end of the source: what the feed has fetched of its partition ahead of the fold.
type sourceReader struct {
	feed      *feed
	partition int32
	k         int64 // where it began to fetch
	slabs     chan *slab
	closed    bool

	mu     sync.Mutex
	spare  []*slab
	more   []*slab // in the order of the source, while slabs is full
	queued int     // slabs given out and not freed
	paused bool
}

// openSource begins to fetch the partition at K.
func (r *runner) openSource(ctx context.Context) (*sourceReader, error) {
	s := &sourceReader{feed: r.e.feed, partition: r.partition, k: r.k, slabs: make(chan *slab, maxQueued+1)}
	return s, r.e.feed.do(ctx, func() { r.e.feed.add(s) })
}

// give queues what was fetched. The feed asks for no more of the partition while maxQueued slabs wait, but what is under way then, and errors, still come:
// give must not wait for the reader, who may be waiting for the feed.
func (s *sourceReader) give(p *kgo.FetchPartition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &slab{}
	if n := len(s.spare); n > 0 {
		next, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	next.fill(p, s)
	s.more = append(s.more, next)
	s.hand()
	if next.err != nil {
		return // the reader ends with it
	}
	if s.queued++; s.queued >= maxQueued && !s.paused {
		s.paused = true
		s.feed.pause(s.partition)
	}
}

// hand moves on what the reader has room for.
func (s *sourceReader) hand() {
	n := 0
	for ; n < len(s.more); n++ {
		select {
		case s.slabs <- s.more[n]:
			continue
		default:
		}
		break
	}
	s.more = slices.Delete(s.more, 0, n)
}

// free takes a folded slab back.
func (s *sourceReader) free(done *slab) {
	clear(done.records) // lets go of the fetched bytes
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = append(s.spare, done)
	s.queued--
	s.hand()
	s.resume(resumeQueued)
}

// resume lets the feed fetch again when at most so many slabs wait.
func (s *sourceReader) resume(at int) {
	if s.paused && s.queued <= at {
		s.paused = false
		s.feed.resume(s.partition)
	}
}

// close stops fetching. It may be called twice.
func (s *sourceReader) close() {
	if s.closed {
		return
	}
	s.closed = true
	// A feed that has ended feeds nobody.
	_ = s.feed.do(context.Background(), func() { s.feed.remove(s) })
}

// fill converts what was fetched. Errors of the client that heal by themselves do not come
// this far.
func (s *slab) fill(p *kgo.FetchPartition, r *sourceReader) {
	s.records, s.next, s.err = s.records[:0], 0, nil
	if p.Err != nil {
		if errors.Is(p.Err, kerr.OffsetOutOfRange) {
			s.err = refuse("source partition %d no longer holds offset %d, up to which outputs are committed: readings behind it were deleted (retention) before they were folded. To go on without them, delete group %q, topic %q and the state directory", r.partition, r.k, r.feed.e.o.Plan.Pipeline.Group, r.feed.e.o.Plan.Pipeline.JournalTopic)
			return
		}
		s.err = fmt.Errorf("fetch source: %w", p.Err)
		return
	}
	fetched := r.feed.e.wallNow()
	for _, rec := range p.Records {
		s.next = rec.Offset + 1
		if rec.Attrs.IsControl() {
			continue
		}
		stamped := rec.Attrs.TimestampType() == 1
		appended := fetched
		if stamped {
			appended = event.Time(rec.Timestamp.UnixMilli())
		}
		s.records = append(s.records, task.Record{Offset: rec.Offset, Append: appended, Unstamped: !stamped, Key: rec.Key, Value: rec.Value, Device: headerOf(rec, ingest.DeviceHeader), Trace: headerOf(rec, ingest.TraceHeader)})
	}
}

func headerOf(rec *kgo.Record, name string) []byte {
	for i := range rec.Headers {
		if rec.Headers[i].Key == name {
			return rec.Headers[i].Value
		}
	}
	return nil
}
