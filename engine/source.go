package engine

import (
	"context"
	"errors"
	"fmt"

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

// sourceReader fetches ahead of the fold, in a goroutine of its own.
type sourceReader struct {
	client *kgo.Client
	slabs  chan *slab
	spare  chan *slab
	cancel context.CancelFunc
	ended  chan struct{}
	closed bool
}

// openSource begins to fetch the partition at K.
func (r *runner) openSource(ctx context.Context) (*sourceReader, error) {
	topic := r.plan.Pipeline.Source.Topic
	client, err := kgo.NewClient(r.e.clientOptions(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {r.partition: kgo.NewOffset().At(r.k)}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxPartitionBytes(512<<10), kgo.FetchMinBytes(1),
	)...)
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &sourceReader{client: client, slabs: make(chan *slab, 1), spare: make(chan *slab, 3), cancel: cancel, ended: make(chan struct{})}
	for range cap(s.spare) {
		s.spare <- &slab{}
	}
	go s.read(ctx, r)
	return s, nil
}

func (s *sourceReader) read(ctx context.Context, r *runner) {
	defer close(s.ended)
	for {
		var next *slab
		select {
		case next = <-s.spare:
		case <-ctx.Done():
			return
		}
		fetches := s.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		next.fill(fetches, r)
		select {
		case s.slabs <- next:
		case <-ctx.Done():
			return
		}
		if next.err != nil {
			return
		}
	}
}

// fill converts a poll. Errors of the client that heal by themselves do not come
// this far.
func (s *slab) fill(fetches kgo.Fetches, r *runner) {
	s.records, s.next, s.err = s.records[:0], 0, nil
	if failed := fetches.Errors(); len(failed) > 0 {
		f := failed[0] // the client fetches one partition only
		if errors.Is(f.Err, kerr.OffsetOutOfRange) {
			s.err = refuse("source partition %d no longer holds offset %d, up to which outputs are committed: readings behind it were deleted (retention) before they were folded. To go on without them, delete group %q, topic %q and the state directory", r.partition, r.k, r.plan.Pipeline.Group, r.plan.Pipeline.JournalTopic)
			return
		}
		s.err = fmt.Errorf("fetch source: %w", f.Err)
		return
	}
	fetched := r.e.wallNow()
	fetches.EachRecord(func(rec *kgo.Record) {
		s.next = rec.Offset + 1
		if rec.Attrs.IsControl() {
			return
		}
		stamped := rec.Attrs.TimestampType() == 1
		appended := fetched
		if stamped {
			appended = event.Time(rec.Timestamp.UnixMilli())
		}
		s.records = append(s.records, task.Record{Offset: rec.Offset, Append: appended, Unstamped: !stamped, Key: rec.Key, Value: rec.Value, Device: deviceOf(rec)})
	})
}

func deviceOf(rec *kgo.Record) []byte {
	for i := range rec.Headers {
		if rec.Headers[i].Key == ingest.DeviceHeader {
			return rec.Headers[i].Value
		}
	}
	return nil
}

// free gives a folded slab back to the reader.
func (s *sourceReader) free(done *slab) {
	clear(done.records) // lets go of the fetched bytes
	s.spare <- done
}

// close stops fetching. It may be called twice.
func (s *sourceReader) close() {
	if s.closed {
		return
	}
	s.closed = true
	s.cancel()
	s.client.CloseAllowingRebalance()
	<-s.ended
}
