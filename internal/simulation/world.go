package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/internal/brokers"
)

const (
	brokerPort    = 9092
	brokerAddress = "localhost:9092"
	upstreamTxn   = "upstream"
	worldClient   = "world"         // what clients that are no engine call themselves
	patience      = 5 * time.Minute // of virtual time, for anything that must happen
)

// Options say which world to run.
type Options struct {
	Seed    uint64
	Trace   io.Writer // gets a line for each event, as it happens
	Verbose bool      // the Kafka clients' logs too
}

// world is one run of a seed.
type world struct {
	seed        uint64
	verbose     bool
	trace       *trace
	shape       *shape
	plan        *task.Plan
	works       *works // nil: no windows over several devices
	partitionOf func([]byte, int) int
	pace        engine.Pace
	slack       int64
	span        time.Duration
	network     network
	folder      string // where processes have their rosters
	rosterEvery time.Duration

	kafka   *brokers.Kafka
	clients []*kgo.Client
	admin   *kadm.Client
	journal *journal

	processes []*process
	over      chan struct{} // closed when faults stop

	mu    sync.Mutex
	lives []*life
}

// Run runs a seed's world and checks it. It must be called in a synctest bubble.
// The error says what is wrong with the engine.
func Run(o Options) (Summary, error) {
	w, err := newWorld(o)
	if err != nil {
		return Summary{}, err
	}
	defer func() {
		w.close()
		time.Sleep(patience) // what lies in buffers still arrives, nowhere
	}()
	return w.run()
}

func newWorld(o Options) (*world, error) {
	w := &world{seed: o.Seed, verbose: o.Verbose, trace: newTrace(o.Trace), over: make(chan struct{})}
	rng := w.rng(1)
	var err error
	w.span = 20*time.Second + time.Duration(rng.Int64N(int64(40*time.Second)))
	if rng.IntN(6) == 0 {
		w.span += 2 * time.Minute // long enough for alerts to be repeated
	}
	if w.shape, err = newShape(w.trace.began, w.span, rng, w.rng(8)); err != nil {
		return nil, err
	}
	w.shape.editions = editions(w.shape, w.span, w.rng(10))
	if w.plan, err = compile(w.shape); err != nil {
		return nil, err
	}
	if w.works, err = newWorks(w.shape); err != nil {
		return nil, err
	}
	if w.partitionOf, err = kafka.Partitioner(w.shape.pipeline.Source.Partitioner); err != nil {
		return nil, err
	}
	if w.shape.rosters != nil {
		if w.folder, err = os.MkdirTemp("", "weir-sim-"); err != nil {
			return nil, err
		}
		w.rosterEvery = time.Duration(100+rng.IntN(2000)) * time.Millisecond
	}
	w.pace = engine.Pace{
		CheckpointEvery: time.Duration(1+rng.IntN(8)) * time.Second, TrimEvery: time.Duration(500+rng.IntN(4000)) * time.Millisecond,
		RefreshBytes: 50 + rng.IntN(2000), PartBytes: []int{0, 0, 2500, 1200}[rng.IntN(4)], HeldBytes: []int64{0, 1, 2_000}[rng.IntN(3)],
	}
	w.network.slowest = []time.Duration{200 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 30 * time.Millisecond}[rng.IntN(4)]
	w.slack = []int64{-1, -1, 20_000}[rng.IntN(3)]
	w.trace.addf("world", "seed %d: %d partitions, %v, pace %+v, slack %d\n%s", w.seed, w.shape.partitions, w.span, w.pace, w.slack, w.shape.text)
	return w, w.connect(rng)
}

// rng is one of the world's streams of chance. Each has its own, so that the one
// does not depend on how far another has come.
func (w *world) rng(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(w.seed, stream)) }

// connect starts the brokers and the world's own clients, which no fault of the
// network strikes.
func (w *world) connect(rng *rand.Rand) (err error) {
	if w.kafka, err = brokers.StartKafka(brokers.KafkaOptions{Port: brokerPort, Listen: w.network.virtual.Listen}); err != nil {
		return err
	}
	stamp := map[string]string{"message.timestamp.type": "LogAppendTime"}
	if err := w.kafka.Cluster().CreateTopic("readings", w.shape.partitions, stamp); err != nil {
		return err
	}
	client, err := w.client()
	if err != nil {
		return err
	}
	w.admin = kadm.NewClient(client)
	topic := w.shape.pipeline.JournalTopic
	reader, err := w.client(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	w.journal = newJournal(reader, topic)
	if err := w.works.open(w); err != nil {
		return err
	}
	w.network.beforeTrim = w.holdTrim
	count := []int{1, 1, 2, 2, 3}[rng.IntN(5)]
	for i := range count {
		p := &process{w: w, index: i, name: fmt.Sprintf("p%d", i), disk: newDisk(fmt.Sprintf("boot-%d", i))}
		if err := p.mountRoster(w.shape.rosterAt(0)); err != nil {
			return err
		}
		w.processes = append(w.processes, p)
	}
	return nil
}

// client makes a client of the world's own; close closes it.
func (w *world) client(opts ...kgo.Opt) (*kgo.Client, error) {
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokerAddress), kgo.Dialer(w.network.virtual.DialContext), kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(10 * time.Millisecond), kgo.DisableClientMetrics(),
		kgo.SoftwareNameAndVersion(worldClient, "1"),
	}, opts...)...)
	if err == nil {
		w.clients = append(w.clients, c)
	}
	return c, err
}

func (w *world) close() {
	for _, c := range w.clients {
		c.Close()
	}
	if w.kafka != nil {
		w.kafka.Close()
	}
	if w.folder != "" {
		_ = os.RemoveAll(w.folder)
	}
}

// sleep waits; false: ctx ended first.
func (w *world) sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *world) sleepUntil(ctx context.Context, at time.Duration) bool {
	return w.sleep(ctx, at-time.Since(w.trace.began))
}

// run is the life of the world.
func (w *world) run() (Summary, error) {
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() { w.readJournal(ctx, w.journal) })
	if w.works != nil {
		reading.Go(func() { w.readJournal(ctx, w.works.journal) })
	}
	defer reading.Wait()
	defer cancel()
	err := w.disturbed(ctx)
	if err == nil {
		err = w.finish(ctx)
	}
	if err = errors.Join(err, w.stopAll()); err != nil {
		return Summary{}, err
	}
	return w.check(ctx)
}

// disturbed is the part of a world's time in which things go wrong.
func (w *world) disturbed(ctx context.Context) error {
	up, err := w.upstream()
	if err != nil {
		return err
	}
	var working sync.WaitGroup
	working.Go(func() { w.breakBrokers() })
	working.Go(func() { w.operate(ctx) })
	for _, p := range w.processes {
		working.Go(func() { p.live() })
		if w.shape.rosters != nil {
			working.Go(func() { p.changeRoster() })
		}
	}
	err = up.run(ctx)
	if err != nil {
		_ = w.complain("%w", err)
	}
	w.sleepUntil(ctx, w.span)
	late := w.rng(4).IntN(4) == 0
	w.trace.addf("world", "faults end; zombies wake late: %v", late)
	close(w.over)
	for _, l := range w.all() {
		if !late || !l.isZombie() {
			l.calm()
		}
	}
	working.Wait()
	return err
}

// stopAll waits for the end of every engine, the abandoned ones too, and judges
// how they ended.
func (w *world) stopAll() error {
	for _, l := range w.all() {
		l.calm()
		l.stop()
	}
	deadline := time.After(patience)
	for _, l := range w.all() {
		select {
		case <-l.ended:
		case <-deadline:
			return w.complain("%s does not end", l.who)
		}
		if err := l.verdictOn(); err != nil {
			return w.complain("%w", err)
		}
	}
	return nil
}

// complain makes an error that is in the trace as well.
func (w *world) complain(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	w.trace.addf("world", "WRONG: %v", err)
	return err
}

func (w *world) upstream() (*upstream, error) {
	rng := w.rng(2)
	u := &upstream{w: w, rng: rng, grain: time.Duration(50+rng.IntN(400)) * time.Millisecond}
	u.messages = inputs(w.shape, w.span, w.trace.began, w.partitionOf, rng)
	u.messages = append(u.messages, meters(w.shape, w.span, w.trace.began, w.partitionOf, w.rng(9))...)
	slices.SortStableFunc(u.messages, func(a, b message) int { return cmp.Compare(a.at, b.at) })
	var err error
	if u.plain, err = w.client(); err != nil {
		return nil, err
	}
	if rng.IntN(3) == 0 {
		u.tx, err = w.client(kgo.TransactionalID(upstreamTxn))
	}
	return u, err
}

// pause waits; false: faults have ended.
func (w *world) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-w.over:
		return false
	}
}

// readJournal reads the journal from the moment it exists.
func (w *world) readJournal(ctx context.Context, j *journal) {
	for {
		list, err := w.admin.ListTopics(ctx, j.topic)
		if detail, ok := list[j.topic]; err == nil && ok && detail.Err == nil {
			break
		}
		if !w.sleep(ctx, 50*time.Millisecond) {
			return
		}
	}
	at := map[int32]kgo.Offset{}
	for p := range w.shape.partitions {
		at[p] = kgo.NewOffset().At(0)
	}
	j.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{j.topic: at})
	j.read(ctx)
}

func (w *world) all() []*life {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*life(nil), w.lives...)
}

// finish lets one engine, undisturbed, bring everything to its end.
func (w *world) finish(ctx context.Context) error {
	rng := w.rng(5)
	p := w.processes[rng.IntN(len(w.processes))]
	if w.hasZombies() || rng.IntN(3) == 0 || w.mayStillHearOf(p) {
		p = &process{w: w, index: 9, name: "last", disk: newDisk("boot-last")}
		if err := p.mountRoster(w.shape.rosterAt(-1)); err != nil {
			return err
		}
	}
	l, err := p.begin(&lifePlan{})
	if err != nil {
		return err
	}
	l.link.calm()
	// Those that stood still wake up, before or while the last engine works, and
	// are stopped if they have not found out that they are superfluous.
	w.sleep(ctx, time.Duration(rng.Int64N(int64(20*time.Second))))
	zombies := w.all()
	for _, z := range zombies[:len(zombies)-1] {
		z.calm()
	}
	w.sleep(ctx, time.Duration(rng.Int64N(int64(5*time.Second))))
	for _, z := range zombies[:len(zombies)-1] {
		z.stop()
	}
	if err := w.settle(ctx, l); err != nil {
		return err
	}
	quiet := time.Duration(w.shape.pipeline.Time.IdleAfter)*time.Millisecond + 20*time.Second
	if w.shape.forgets && rng.IntN(2) == 0 {
		quiet += time.Duration(w.shape.pipeline.State.ForgetAfter) * time.Millisecond
	}
	if w.shape.repeats() && rng.IntN(2) == 0 {
		quiet += 2 * time.Minute
	}
	w.sleep(ctx, quiet)
	if err := w.settle(ctx, l); err != nil {
		return err
	}
	if err := w.rosterInForce(l); err != nil {
		return w.complain("%w", err)
	}
	l.stop()
	select {
	case <-l.ended:
	case <-time.After(patience):
		return w.complain("the last engine does not stop")
	}
	if l.err != nil {
		return w.complain("the last engine ended: %w", l.err)
	}
	return nil
}

func (w *world) hasZombies() bool {
	for _, l := range w.all() {
		if l.isZombie() && !l.hasEnded() {
			return true
		}
	}
	return false
}

// mayStillHearOf reports whether a request of the life that a process lived last may yet
// come to the brokers: it would put the next one out, who is taken for a twin then.
func (w *world) mayStillHearOf(p *process) bool {
	var last *life
	for _, l := range w.all() {
		if l.p == p {
			last = l
		}
	}
	return last != nil && last.mayStillSpeak()
}

// settle waits until the engine has folded all of the source.
func (w *world) settle(ctx context.Context, l *life) error {
	deadline := time.Now().Add(patience)
	for {
		ends, err := w.admin.ListEndOffsets(ctx, "readings")
		if err != nil {
			return err
		}
		live := 0
		for _, s := range l.run.Status() {
			if end, ok := ends.Lookup("readings", s.Partition); ok && s.State == engine.Live && s.Position >= end.Offset {
				live++
			}
		}
		settled, err := w.groupsSettled(ctx, l)
		if err != nil {
			return err
		}
		if live == int(w.shape.partitions) && settled {
			return nil
		}
		if l.hasEnded() {
			return w.complain("the last engine ended: %w", l.err)
		}
		if time.Now().After(deadline) {
			return w.complain("the last engine does not settle: %+v", l.run.Status())
		}
		w.sleep(ctx, 200*time.Millisecond)
	}
}
