package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	maxQueued    = 4 // slabs of a partition that wait to be folded; then it is fetched no more
	resumeQueued = 1 // and again at so many
	// feedInterval is the least time between two polls that bring little. Without it every reading that comes alone would be fetched alone,
	// at a request of the client and the broker each.
	feedInterval = 3 * time.Millisecond
	littleBytes  = 64 << 10
	// feedWait is how long a request waits for readings, and so how long a partition that comes to be fetched may wait for the request under way.
	feedWait = 50 * time.Millisecond
)

// feed fetches the source for all tasks of the process, with one client: one request to a broker brings what is new in all its partitions.
//
// Partitions come and go between two polls and at no other time (do), so that what a poll brings belongs to the readers that are there.
type feed struct {
	e       *Engine
	client  *kgo.Client
	readers map[int32]*sourceReader // used between polls only

	mu     sync.Mutex
	orders []func()
	wake   context.CancelFunc // ends the poll under way
	ended  bool
}

func newFeed(e *Engine) (*feed, error) {
	client, err := kgo.NewClient(e.clientOptions(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{e.o.Plan.Pipeline.Source.Topic: {}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxPartitionBytes(512<<10), kgo.FetchMinBytes(1), kgo.FetchMaxWait(feedWait),
	)...)
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	return &feed{e: e, client: client, readers: map[int32]*sourceReader{}, wake: func() {}}, nil
}

// do has something done between two polls.
func (f *feed) do(ctx context.Context, order func()) error {
	done := make(chan struct{})
	f.mu.Lock()
	if f.ended {
		f.mu.Unlock()
		return errors.New("the source is closed")
	}
	f.orders = append(f.orders, func() { order(); close(done) })
	f.wake()
	f.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done(): // the order is carried out all the same
		return ctx.Err()
	}
}

// run polls until ctx ends.
func (f *feed) run(ctx context.Context) {
	defer f.client.CloseAllowingRebalance()
	defer func() {
		f.mu.Lock()
		f.ended = true
		orders := f.orders
		f.mu.Unlock()
		for _, order := range orders {
			order()
		}
	}()
	poll, cancel := context.WithCancel(ctx)
	defer func() { cancel() }()
	for ctx.Err() == nil {
		f.mu.Lock()
		orders := f.orders
		f.orders = nil
		if poll.Err() != nil {
			poll, cancel = context.WithCancel(ctx)
		}
		f.wake = cancel
		f.mu.Unlock()
		for _, order := range orders {
			order()
		}
		began := time.Now()
		if f.deal(f.client.PollFetches(poll)) < littleBytes {
			rest(poll, feedInterval-time.Since(began))
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// deal gives the readers what came for them.
func (f *feed) deal(fetches kgo.Fetches) int {
	n := 0
	for _, fetch := range fetches {
		for _, t := range fetch.Topics {
			for i := range t.Partitions {
				p := &t.Partitions[i]
				for _, rec := range p.Records {
					n += len(rec.Value)
				}
				f.dealOne(p)
			}
		}
	}
	return n
}

// dealOne: what concerns the whole topic has partition -1 and goes to everyone. The end of a poll's context is told as an error too, of no topic.
func (f *feed) dealOne(p *kgo.FetchPartition) {
	if errors.Is(p.Err, context.Canceled) || errors.Is(p.Err, kgo.ErrClientClosed) || p.Err == nil && len(p.Records) == 0 {
		return
	}
	if p.Partition < 0 {
		for _, s := range f.readers {
			s.give(p)
		}
		return
	}
	if s := f.readers[p.Partition]; s != nil {
		s.give(p)
	}
}

func (f *feed) of(partition int32) map[string][]int32 {
	return map[string][]int32{f.e.o.Plan.Pipeline.Source.Topic: {partition}}
}

// add begins to fetch a partition. Only for do.
func (f *feed) add(s *sourceReader) {
	f.readers[s.partition] = s
	f.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{f.e.o.Plan.Pipeline.Source.Topic: {s.partition: kgo.NewOffset().At(s.k)}})
}

// remove stops fetching a partition, and forgets that it was paused. Only for do.
func (f *feed) remove(s *sourceReader) {
	if f.readers[s.partition] != s {
		return
	}
	delete(f.readers, s.partition)
	f.client.RemoveConsumePartitions(f.of(s.partition))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resume(maxQueued)
}

func (f *feed) pause(partition int32)  { f.client.PauseFetchPartitions(f.of(partition)) }
func (f *feed) resume(partition int32) { f.client.ResumeFetchPartitions(f.of(partition)) }
