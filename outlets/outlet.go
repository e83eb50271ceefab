package outlets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/complaint"
)

const (
	sessionTimeout    = 10 * time.Second
	heartbeatInterval = 500 * time.Millisecond
	metadataMaxAge    = 10 * time.Second
	adminTimeout      = 10 * time.Second
	maxPoll           = 1_000 // records of one poll
	fetchBytes        = 256 << 10
	fetchAll          = 4 << 20
	// fetchWait is how long a request waits for records, and so how long a partition that comes waits for the request under way.
	fetchWait = 500 * time.Millisecond
)

// Outlet carries the alerts of one pipeline to one receiver.
//
// Invariants:
//
//  1. An offset is committed only when the receiver has, or refused, every alert before the text committed with it.
//  2. The alerts of a partition, and so of a device, are handed over in the order of the topic. What is handed over again is
//     followed by all that followed it.
//  3. Nothing the receiver does blocks the poll: a partition whose queue is full is paused.
type Outlet struct {
	o      Options
	log    *slog.Logger
	client *kgo.Client // of the present life
	admin  *kadm.Client

	delivered, failed, refused atomic.Int64

	mu      sync.Mutex
	workers map[int32]*worker
	changed chan struct{} // holds one where something is to be committed

	committing sync.Mutex

	complaining sync.Mutex
	trouble     complaint.Pace
}

// Counts says what an outlet has done since it was made.
type Counts struct {
	Delivered int64 // alerts the receiver has, or has no use for
	Failed    int64 // attempts that failed and are made again
	Refused   int64 // alerts that the receiver will never take as they are, and records that took the place of an alert
	Lag       int64 // records of the owned partitions that wait, markers of transactions among them
}

// New makes an outlet. It connects to nothing before Run.
func New(o Options) (*Outlet, error) {
	o, err := o.ready()
	if err != nil {
		return nil, err
	}
	return &Outlet{o: o, log: o.Logger.With("group", o.Group), workers: map[int32]*worker{}, changed: make(chan struct{}, 1)}, nil
}

// Counts may be called at any time.
func (o *Outlet) Counts() Counts {
	c := Counts{Delivered: o.delivered.Load(), Failed: o.failed.Load(), Refused: o.refused.Load()}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range o.workers { // unordered: a sum
		c.Lag += max(0, w.end.Load()-w.done.Load())
	}
	return c
}

// Run carries alerts until ctx is done, and then returns nil: no trouble of the brokers or the receiver ends it. It may be called once.
func (o *Outlet) Run(ctx context.Context) error {
	defer o.o.Receiver.Close()
	for wait := o.o.RetryMin; ctx.Err() == nil; wait = min(2*wait, o.o.RetryMax) {
		if err := o.live(ctx); err != nil && ctx.Err() == nil {
			o.complain(err)
			rest(ctx, wait)
		}
	}
	return nil
}

// live is one membership in the group.
func (o *Outlet) live(ctx context.Context) error {
	if err := o.join(ctx); err != nil {
		return err
	}
	beside, stop := context.WithCancel(ctx)
	var loops sync.WaitGroup
	loops.Go(func() { o.commitLoop(beside) })
	loops.Go(func() { o.lagLoop(beside) })
	for ctx.Err() == nil {
		o.deal(o.client.PollRecords(ctx, maxPoll))
		o.client.AllowRebalance()
	}
	stop()
	loops.Wait()
	o.drop(o.owned(), handOver)
	if !o.o.KeepSeat {
		o.leaveGroup()
	}
	o.client.CloseAllowingRebalance()
	return nil
}

// join waits for the topic, which the engine makes, and enters the group.
func (o *Outlet) join(ctx context.Context) error {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, o.o.Client...),
		kgo.ConsumerGroup(o.o.Group), kgo.ConsumeTopics(o.o.Topic), kgo.InstanceID(o.o.Instance),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(sessionTimeout), kgo.HeartbeatInterval(heartbeatInterval), kgo.MetadataMaxAge(metadataMaxAge),
		// Of a new group: an alert that came before the group did must arrive as well.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxPartitionBytes(fetchBytes), kgo.FetchMaxBytes(fetchAll), kgo.FetchMaxWait(fetchWait),
		kgo.OnPartitionsAssigned(func(ctx context.Context, _ *kgo.Client, added map[string][]int32) { o.begin(ctx, added[o.o.Topic]) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { o.drop(gone[o.o.Topic], handOver) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { o.drop(gone[o.o.Topic], lost) }),
	)...)
	if err != nil {
		return fmt.Errorf("join group %q: %w", o.o.Group, err)
	}
	o.client, o.admin = client, kadm.NewClient(client)
	// The first poll joins. Before, the topic has to be there: one that is missing is looked for too rarely.
	for ctx.Err() == nil {
		asked, cancel := context.WithTimeout(ctx, adminTimeout)
		topics, err := o.admin.ListTopics(asked, o.o.Topic)
		cancel()
		if err == nil && topics[o.o.Topic].Err == nil {
			o.relieve()
			return nil
		}
		if err == nil && !errors.Is(topics[o.o.Topic].Err, kerr.UnknownTopicOrPartition) {
			err = topics[o.o.Topic].Err
		}
		if err != nil && ctx.Err() == nil {
			o.complain(fmt.Errorf("look for topic %q: %w", o.o.Topic, err))
		}
		rest(ctx, o.o.RetryMin)
	}
	return nil
}

func (o *Outlet) leaveGroup() {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	if _, err := o.admin.LeaveGroup(ctx, kadm.LeaveGroup(o.o.Group).Reason("stopped").InstanceIDs(o.o.Instance)); err != nil {
		o.log.Warn("leave group", "error", err)
	}
}

// deal gives the workers what a poll brought. No rebalance happens meanwhile.
func (o *Outlet) deal(fetches kgo.Fetches) {
	fetches.EachError(func(_ string, partition int32, err error) {
		if !errors.Is(err, context.Canceled) && !errors.Is(err, kgo.ErrClientClosed) {
			o.complain(fmt.Errorf("fetch partition %d of %q: %w", partition, o.o.Topic, err))
		}
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		w := o.workers[p.Partition]
		if w == nil || len(p.Records) == 0 {
			return
		}
		w.end.Store(max(w.end.Load(), p.LastStableOffset))
		w.give(p.Records)
	})
}

// leave says how a partition is given up.
type leave int

const (
	handOver leave = iota // the next owner waits: commit
	lost                  // somebody else may own it already
)

// begin starts workers.
func (o *Outlet) begin(ctx context.Context, partitions []int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range partitions {
		if o.workers[p] == nil {
			w := newWorker(o, p)
			o.workers[p] = w
			w.start(ctx)
		}
	}
}

// drop ends workers and waits for them.
func (o *Outlet) drop(partitions []int32, how leave) {
	if len(partitions) == 0 {
		return
	}
	o.mu.Lock()
	var gone []*worker
	for _, p := range partitions {
		if w := o.workers[p]; w != nil {
			gone = append(gone, w)
		}
	}
	o.mu.Unlock()
	// All of them first: what one does may wait for what another does.
	for _, w := range gone {
		w.cancel()
	}
	for _, w := range gone {
		<-w.ended
	}
	if how == handOver {
		ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
		defer cancel()
		if err := o.commit(ctx); err != nil {
			o.log.Warn("commit at a hand-over; alerts may come again", "error", err)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range gone {
		delete(o.workers, w.partition)
	}
}

func (o *Outlet) owned() []int32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []int32
	for p := range o.workers { // unordered: so they end, all of them
		all = append(all, p)
	}
	return all
}

// complain logs trouble when it begins and now and then while it lasts: there may be many partitions, and it may last days.
func (o *Outlet) complain(err error) {
	o.complaining.Lock()
	defer o.complaining.Unlock()
	if lasts, say := o.trouble.Again(time.Now()); say {
		o.log.Warn("alerts cannot be delivered, trying again", "error", err, "for", lasts.Round(time.Second).String())
	}
}

// relieve logs the end of the trouble.
func (o *Outlet) relieve() {
	o.complaining.Lock()
	defer o.complaining.Unlock()
	if lasted, was := o.trouble.Over(time.Now()); was {
		o.log.Info("alerts can be delivered again", "after", lasted.Round(time.Millisecond).String())
	}
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
