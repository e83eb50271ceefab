package engine

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

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/ingest/codec"
)

const (
	sessionTimeout    = 10 * time.Second
	heartbeatInterval = 200 * time.Millisecond
	handOverTimeout   = 2 * time.Second
	requestTimeout    = 10 * time.Second
	// A client that was told to try again waits for new metadata first, also where
	// metadata is not the matter: brokers answer CONCURRENT_TRANSACTIONS while they
	// still write the end of the last transaction. kgo's own 5 s would hold a
	// commit up for as long.
	metadataMinAge = 100 * time.Millisecond
	// Added partitions are noticed by looking: readings in them wait until then,
	// and the devices they are of look silent.
	metadataMaxAge = 10 * time.Second
)

// Options are what an engine runs with.
type Options struct {
	Plan *task.Plan
	// Brokers are the bootstrap addresses, host:port.
	Brokers []string
	// ClientOptions reach every Kafka client: TLS, SASL, a dialer for tests.
	ClientOptions []kgo.Opt
	// Instance is the static identity of this process in the group. It must
	// survive a restart and belong to one process only.
	Instance string
	// BootID tells whether the machine has restarted since the local state was
	// written: what was not synced then is worth nothing.
	BootID string
	Store  Store
	// NewDecoder makes the decoders of a task: one that finds the device in the
	// payload, one for records that carry it in a header.
	NewDecoder func(DeviceIn) (codec.Decoder, error)
	// PartitionOf is where the declared partitioner puts a device among n
	// partitions; nil: not checked.
	PartitionOf func(device []byte, n int) int
	// Fitting names the partitioners that put a device in a partition of n, for the refusal of devices that lie elsewhere than declared;
	// nil: it names none.
	Fitting func(device []byte, partition int32, n int) []string
	// GroupPartition is where the partials of a group go among n partitions; needed
	// where the plan sends any, and then always the same function.
	GroupPartition func(group []byte, n int) int
	// CreateSource makes a missing source topic with so many partitions; 0
	// refuses to start without one.
	CreateSource int
	// KeepSeat leaves the group seat in place at a clean stop, for a restart
	// within the session timeout.
	KeepSeat bool
	Logger   *slog.Logger
	// JournalSlack is how many bytes a journal partition may hold before any of it
	// is deleted; 0: 64 MiB, one segment; negative: none, so that no more is kept
	// than recovery needs.
	JournalSlack int64
	// Pace is how often a task saves, refreshes and trims.
	Pace Pace
	// Commands are those of the pipeline, for all engines of the process; whoever made
	// them runs them. nil: the engine reads its own.
	Commands *Commands
	// RosterEvery is how often the file of the roster is looked at; 0: every second.
	RosterEvery time.Duration
	// WallClock tells the time of day; nil: time.Now.
	WallClock func() time.Time
	// Failpoint is called with the name of each step of the protocol as it is
	// reached; nil in production.
	Failpoint func(point string, partition int32)
}

// DeviceIn says where a record names its device.
type DeviceIn int

// The places of a device's name.
const (
	Payload DeviceIn = iota
	Header           // weir-device
)

// Engine runs one pipeline on the partitions this process owns.
type Engine struct {
	o        Options
	log      *slog.Logger
	admin    *kadm.Client
	topics   topics
	trust    *wallTrust
	mono     monoBase
	status   *registry
	loss     loss
	unused   unused
	roster   *rosterFile
	commands *Commands

	mu      sync.Mutex
	runners map[int32]*runnerHandle
	closing bool // no task is started any more
	ctx     context.Context
	fatal   chan error

	keepSeat  atomic.Bool
	since     time.Time     // when its file came into force
	tasks     atomic.Int64  // how many the process owns
	loading   chan struct{} // holds one while a task loads its local copy
	tailCells int           // journaled cells that make a checkpoint due

	directory  atomic.Pointer[directory] // nil: Run has not come so far, or is over
	advertised string                    // the URL that the others hear of

	background sync.WaitGroup // short work beside the tasks: trims, comparisons of clocks
	group      *membership
	feed       *feed
	spare      spare
}

// runnerHandle is how the group's callbacks reach a running task.
type runnerHandle struct {
	stop     chan leave // at most one order
	live     atomic.Bool
	cancel   context.CancelFunc
	ended    chan struct{}
	ends     chan endOffset
	roster   chan struct{} // a new one is in force
	commands chan struct{} // a new version is in force
	pulse    pulse

	questions chan func(*runner) // to be called by a live task
}

// order tells the task to stop; one that has its orders already needs no other.
func (h *runnerHandle) order(how leave) {
	select {
	case h.stop <- how:
	default:
	}
}

// New checks the options; nothing starts before Run.
func New(o Options) (*Engine, error) {
	switch {
	case o.Plan == nil:
		return nil, errors.New("engine needs a plan")
	case len(o.Brokers) == 0:
		return nil, errors.New("engine needs at least one broker address")
	case o.Store == nil:
		return nil, errors.New("engine needs a local store")
	case o.NewDecoder == nil && !o.Plan.Groups():
		return nil, errors.New("engine needs a decoder")
	case o.Instance == "":
		return nil, errors.New("engine needs an identity")
	case o.GroupPartition == nil && o.Plan.SendsPartials():
		return nil, errors.New("engine needs to know where partials of a group go")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.JournalSlack == 0 {
		o.JournalSlack = journalSlack
	}
	o.Pace = o.Pace.filled()
	if o.RosterEvery <= 0 {
		o.RosterEvery = lookEvery
	}
	if o.WallClock == nil {
		o.WallClock = time.Now
	}
	if o.Failpoint == nil {
		o.Failpoint = func(string, int32) {}
	}
	log := o.Logger.With("pipeline", o.Plan.Pipeline.Name)
	return &Engine{
		o: o, log: log, roster: newRosterFile(o.Plan, log), commands: o.commands(), trust: &wallTrust{}, mono: monoBase{time.Now()},
		since: o.WallClock(), status: newRegistry(), tailCells: tailCells, loading: make(chan struct{}, 1), runners: map[int32]*runnerHandle{}, fatal: make(chan error, 1),
	}, nil
}

// clientOptions are common to every client of the engine.
func (e *Engine) clientOptions(extra ...kgo.Opt) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(e.o.Brokers...), kgo.ClientID(e.o.Plan.Pipeline.Group),
		kgo.WithLogger(newKafkaLogger(e.log)), kgo.MetadataMinAge(metadataMinAge),
	}
	opts = append(opts, e.o.ClientOptions...)
	return append(opts, extra...)
}

// Run owns partitions and folds them until ctx ends, which is a clean stop: the
// tasks finish their batch, checkpoint, seal and leave the group. Any other end
// is an error; a *RefusedError is for a person to look at.
func (e *Engine) Run(ctx context.Context) error {
	if err := e.roster.load(); err != nil {
		return err
	}
	// The client answers for topics out of what it heard last; topics made a
	// moment ago must not wait for that to age.
	client, err := kgo.NewClient(e.clientOptions(kgo.MetadataMinAge(10 * time.Millisecond))...)
	if err != nil {
		return fmt.Errorf("connect to kafka: %w", err)
	}
	defer client.Close()
	e.admin = kadm.NewClient(client)
	if err := e.prepare(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	}

	if e.feed, err = newFeed(e); err != nil {
		return err
	}
	e.directory.Store(e.newDirectory())
	defer e.directory.Store(nil)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	e.ctx = running
	p := e.o.Plan.Pipeline
	e.background.Go(func() { e.feed.run(running) })
	if e.o.Commands == nil {
		e.background.Go(func() { e.commands.Run(running) })
	}
	defer e.commands.begin(e.tellCommands)()
	e.group = newMembership(p.Group, p.Source.Topic, e.o.Instance, e.log)
	e.group.assigned, e.group.dropped, e.group.counts, e.group.url = e.start, e.drop, &e.status.group, e.advertised
	// A client waits for answers when it is closed, also for those of brokers that
	// are gone: its context is cut then.
	groupCtx, cutGroup := context.WithCancel(context.Background())
	defer cutGroup()
	e.group.spoke, e.group.expelled = func() { e.spare.assigned(e.mono.now()) }, e.spare.lost
	if err := e.group.join(e.clientOptions(kgo.WithContext(groupCtx))); err != nil {
		stop()
		e.background.Wait()
		return err
	}
	e.background.Go(func() { e.watchEnds(running) })
	e.background.Go(func() { e.watchJournal(running) })
	if e.roster.path != "" {
		e.background.Go(func() { e.watchRoster(running) })
	}

	err = nil
	select {
	case <-ctx.Done():
	case err = <-e.fatal:
	case err = <-e.group.fatal:
	}
	how := handOver
	if err != nil {
		how = lost
	}
	e.mu.Lock()
	e.closing = true
	e.mu.Unlock()
	e.drop(e.owned(), how)
	e.spare.lost()
	stop()
	e.background.Wait()
	if err == nil && !e.o.KeepSeat && !e.keepSeat.Load() {
		e.leaveGroup()
	}
	defer time.AfterFunc(handOverTimeout, cutGroup).Stop()
	e.group.client.Close()
	if err == nil {
		select {
		case err = <-e.fatal: // a task that could not save, for one: a stop that was not clean
		default:
		}
	}
	return err
}

// KeepSeat leaves the group seat in place at the clean stop to come, as
// Options.KeepSeat does: another engine of this process goes on at once.
func (e *Engine) KeepSeat() { e.keepSeat.Store(true) }

// leaveGroup gives the seat up; failing to only costs the others a session
// timeout.
func (e *Engine) leaveGroup() {
	ctx, cancel := context.WithTimeout(context.Background(), handOverTimeout)
	defer cancel()
	if err := e.group.leaveGroup(ctx); err != nil {
		e.log.Warn("leave", "error", err)
	}
}

// start runs a task for each partition; the callback of the group returns at
// once.
func (e *Engine) start(partitions []int32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range partitions {
		if _, ok := e.runners[p]; ok || e.closing {
			continue
		}
		ctx, cancel := context.WithCancel(e.ctx)
		h := &runnerHandle{stop: make(chan leave, 1), cancel: cancel, ended: make(chan struct{}), ends: make(chan endOffset, 1), roster: make(chan struct{}, 1), commands: make(chan struct{}, 1), pulse: newPulse(), questions: make(chan func(*runner))}
		e.runners[p] = h
		e.tasks.Store(int64(len(e.runners)))
		e.status.enter(p, Recovering)
		e.background.Go(func() { e.supervise(ctx, p, h) })
	}
}

// drop ends tasks and returns when they have ended: on a hand-over within
// handOverTimeout, if they can.
func (e *Engine) drop(partitions []int32, how leave) {
	e.spare.revoked(e.mono.now())
	e.mu.Lock()
	var handles []*runnerHandle
	for _, p := range partitions {
		if h, ok := e.runners[p]; ok {
			handles = append(handles, h)
		}
	}
	e.mu.Unlock()
	for _, h := range handles {
		h.order(how)
		if how == lost || !h.live.Load() { // a task that is recovering has nothing to save
			h.cancel()
		}
	}
	limit := time.NewTimer(handOverTimeout)
	defer limit.Stop()
	for _, h := range handles {
		select {
		case <-h.ended:
		case <-limit.C:
			limit.Reset(0)
			h.cancel()
			<-h.ended
		}
	}
	e.mu.Lock()
	for _, p := range partitions {
		delete(e.runners, p)
	}
	e.tasks.Store(int64(len(e.runners)))
	e.mu.Unlock()
}

func (e *Engine) owned() []int32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []int32
	for p := range e.runners {
		list = append(list, p)
	}
	return list
}

// supervise runs a partition's task, and recovers it after every doubt, until it
// is handed over, lost or refused.
func (e *Engine) supervise(ctx context.Context, p int32, h *runnerHandle) {
	defer close(h.ended)
	defer e.status.drop(p)
	defer h.cancel()
	log := e.log.With("partition", p)
	wait := 100 * time.Millisecond
	for {
		r := newRunner(e, p, h, log)
		began := time.Now()
		err := r.run(ctx)
		e.status.enter(p, Recovering)
		var refused *RefusedError
		var broken *StoreError
		switch {
		case err == nil, errors.Is(err, ErrLost), ctx.Err() != nil:
			if err != nil && !errors.Is(err, context.Canceled) {
				log.Info("task ended", "reason", err)
			}
			return
		case errors.As(err, &refused), errors.As(err, &broken):
			e.fail(fmt.Errorf("partition %d: %w", p, err))
			return
		}
		e.status.recoveries.Add(1)
		log.Warn("task dropped, recovering it", "reason", err)
		if time.Since(began) > 10*wait {
			wait = 100 * time.Millisecond
		}
		if takenOver(err) {
			// Fencing again would knock out whoever took over. Two heartbeats tell
			// whether the partition is still this process's.
			wait = max(wait, 2*heartbeatInterval)
		}
		select {
		case <-ctx.Done():
			return
		case <-h.stop:
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// takenOver reports whether the broker said that somebody else is the owner.
func takenOver(err error) bool {
	for _, said := range []error{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.FencedInstanceID, kerr.UnknownMemberID} {
		if errors.Is(err, said) {
			return true
		}
	}
	return false
}

func (e *Engine) fail(err error) {
	select {
	case e.fatal <- err:
	default:
	}
}
