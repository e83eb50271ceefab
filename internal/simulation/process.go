package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/ingest/codec"
)

// process is a name in the group and a machine with a disk. It lives again and
// again.
type process struct {
	w       *world
	index   int
	name    string
	disk    *disk
	older   []*disk // copies of the disk from earlier lives
	lives   int
	boots   int
	plan    *task.Plan // of its engine
	groups  *task.Plan // of its engine of groups; nil: its file has no windows over several devices
	edition int        // of the pipeline's file
	roster  string     // its file; empty: the pipeline has none
}

// life is one engine, from its start to its end or death.
type life struct {
	p     *process
	who   string
	plan  *lifePlan
	link  *link
	mount *mount
	clock wallClock
	stop  context.CancelFunc
	run   *engine.Engine
	// groups is the engine of windows over several devices; nil: there are none.
	groups *engine.Engine

	mu       sync.Mutex
	points   map[string]int
	requests map[kmsg.Key]int
	cutDown  bool
	reloads  bool // it ends for another file of the pipeline
	rivalled bool // another life has had its name meanwhile

	died   chan struct{} // closed at death
	frozen chan struct{} // closed when it stands still and its twin may come
	thawed chan struct{} // closed when nothing stands still any more
	once   sync.Once
	ended  chan struct{} // closed when Run has returned
	err    error
}

// start begins a life. calm: nothing happens to it.
func (p *process) start(plan *lifePlan) (*life, error) {
	w := p.w
	if len(w.shape.editions) > 1 {
		if err := p.takeEdition(p.editionAt()); err != nil {
			return nil, err
		}
	}
	p.lives++
	l := &life{
		p: p, who: fmt.Sprintf("%s.%d", p.name, p.lives), plan: plan,
		points: map[string]int{}, requests: map[kmsg.Key]int{},
		died: make(chan struct{}), frozen: make(chan struct{}), thawed: make(chan struct{}), ended: make(chan struct{}),
	}
	rng := rand.New(rand.NewPCG(w.seed, uint64(1000+100*p.index+p.lives)))
	p.changeDisk(plan.disks, rng)
	l.link = newLink(&w.network, l.who, rng.Uint64())
	l.link.judge, l.link.die = l.fateOf, l.die
	l.mount = newMount(p.disk, rng)
	l.mount.trouble, l.mount.die = l.diskTrouble, l.die
	o := l.options()
	e, err := engine.New(o)
	if err != nil {
		return nil, err
	}
	l.run = e
	if l.groups, err = w.works.second(l, o); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	w.trace.count("disk " + plan.disks.String())
	w.trace.addf(l.who, "starts, disk %v", plan.disks)
	for _, c := range plan.clock {
		time.AfterFunc(c.after, func() {
			if !l.link.calmed() {
				w.trace.count("clock wrong")
				w.trace.addf(l.who, "clock: ahead %v, stops %v", c.ahead, c.stops)
				l.clock.set(c)
			}
		})
	}
	if plan.kill > 0 {
		time.AfterFunc(plan.kill, func() {
			if !l.link.calmed() {
				l.die("killed")
			}
		})
	}
	go func() {
		l.err = l.runBoth(ctx)
		cancel()
		if !l.isDead() {
			w.trace.addf(l.who, "ended: %v", l.err)
		}
		l.mount.detach() // what is killed later must not touch the disk of the next life
		close(l.ended)
	}()
	return l, nil
}

func (p *process) changeDisk(c diskChange, rng *rand.Rand) {
	switch c {
	case diskLost:
		p.disk = newDisk(p.disk.boot)
	case diskStale:
		if len(p.older) > 0 {
			p.disk = p.older[rng.IntN(len(p.older))].clone()
			p.disk.boot = fmt.Sprintf("boot-%d-%d", p.index, p.boots)
		}
	case powerCut:
		p.boots++
		p.disk.powerCut(fmt.Sprintf("boot-%d-%d", p.index, p.boots), rng)
	}
	p.older = append(p.older, p.disk.clone())
}

func (l *life) options() engine.Options {
	w := l.p.w
	source := w.shape.pipeline.Source.Reading
	level := slog.LevelInfo
	if w.verbose {
		level = slog.LevelDebug
	}
	metrics := l.p.plan.Pipeline.Metrics
	o := engine.Options{
		Plan: l.p.plan, Brokers: []string{brokerAddress}, ClientOptions: []kgo.Opt{kgo.Dialer(l.link.dial), kgo.DisableClientMetrics()},
		Instance: l.p.name, BootID: l.p.disk.boot, Store: l.mount,
		NewDecoder: func(in engine.DeviceIn) (codec.Decoder, error) {
			device := source.Device
			if in == engine.Header {
				device = ""
			}
			return codec.NewScanner(codec.Options{
				Device: device, Metric: source.Metric, Time: source.Time, Unit: source.Unit, Value: source.Value, Seq: source.Seq,
				Wide: source.Metrics, Metrics: metrics,
			})
		},
		PartitionOf: w.partitionOf, KeepSeat: l.plan.keepSeat, Logger: w.trace.logger(l.who, level), RosterEvery: w.rosterEvery,
		JournalSlack: w.slack, Pace: w.pace, WallClock: l.clock.now, Failpoint: l.reached,
	}
	if w.works != nil {
		o.GroupPartition = w.works.partitionOf
	}
	return o
}

// isDead reports whether the life has ended by death.
func (l *life) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cutDown
}

// die ends the life as kill -9 does: nothing more reaches the brokers or the
// disk. The engine itself still has to find out, in peace and quiet.
func (l *life) die(why string) {
	l.mu.Lock()
	again := l.cutDown
	l.cutDown = true
	l.mu.Unlock()
	if again {
		return
	}
	l.p.w.trace.addf(l.who, "dies %s", why)
	l.mount.detach()
	l.link.cut()
	l.stop()
	close(l.died)
	l.wake()
}

// wake lets everything go on that stands still.
func (l *life) wake() { l.once.Do(func() { close(l.thawed) }) }

// reached is the engine's failpoint.
func (l *life) reached(point string, partition int32) {
	l.mu.Lock()
	l.points[point]++
	n := l.points[point]
	dead := l.cutDown
	l.mu.Unlock()
	if dead || l.link.calmed() {
		return
	}
	for _, f := range l.plan.points {
		if f.point == point && f.nth == n {
			l.strike(f, partition)
		}
	}
}

func (l *life) strike(f pointFault, partition int32) {
	w := l.p.w
	w.trace.count(fmt.Sprintf("%v at %s", f.what, f.point))
	switch f.what {
	case dies:
		l.die(fmt.Sprintf("at %q of partition %d, time %d", f.point, partition, f.nth))
		return
	case freezes:
		w.trace.addf(l.who, "freezes for %v at %q of partition %d, time %d", f.span, f.point, partition, f.nth)
		l.link.freeze()
		if f.twin {
			close(l.frozen) // a plan has one point
		}
	case dawdles:
		w.trace.addf(l.who, "dawdles for %v at %q of partition %d, time %d", f.span, f.point, partition, f.nth)
	}
	select {
	case <-time.After(f.span):
	case <-l.thawed:
	}
	w.trace.addf(l.who, "goes on at %q", f.point)
	if f.what == freezes {
		l.link.thaw()
	}
}

// fateOf judges a request on its way.
func (l *life) fateOf(key kmsg.Key) (fate, time.Duration) {
	l.mu.Lock()
	l.requests[key]++
	l.requests[-1]++
	n, all, dead := l.requests[key], l.requests[-1], l.cutDown
	l.mu.Unlock()
	if dead || l.link.calmed() {
		return arrives, 0
	}
	for _, f := range l.plan.requests {
		if f.key == key && f.nth == n || f.key == -1 && f.nth == all {
			l.p.w.trace.count("request " + f.fate.String())
			l.p.w.trace.addf(l.who, "%s, number %d, %v (%v)", key.Name(), n, f.fate, f.span)
			return f.fate, f.span
		}
	}
	return arrives, 0
}

func (l *life) diskTrouble(op int) diskTrouble {
	if op != l.plan.diskOp || l.link.calmed() {
		return diskWorks
	}
	l.p.w.trace.count(fmt.Sprintf("disk trouble %d", l.plan.disk))
	l.p.w.trace.addf(l.who, "disk operation %d: trouble %d", op, l.plan.disk)
	return l.plan.disk
}

// calm ends the faults of a life.
func (l *life) calm() {
	l.link.calm()
	l.clock.set(clockFault{})
	l.wake()
}

// verdictOn judges how a life ended by itself: nil where it may.
func (l *life) verdictOn() error {
	if l.isDead() || l.err == nil {
		return nil
	}
	var refused *engine.RefusedError
	var store *engine.StoreError
	l.mu.Lock()
	rivalled := l.rivalled
	l.mu.Unlock()
	switch {
	case errors.As(l.err, &store):
		l.mount.mu.Lock()
		defer l.mount.mu.Unlock()
		if l.mount.failed {
			return nil
		}
	case errors.As(l.err, &refused):
		if rivalled && strings.HasPrefix(refused.Error(), fmt.Sprintf(`refused: another process has the identity %q in group "weir.sim`, l.p.name)) {
			l.p.w.trace.count("refused: twin")
			return nil
		}
	}
	if strings.HasPrefix(l.err.Error(), "devices.roster") && l.p.w.shape.hasBadRoster() {
		l.p.w.trace.count("ended: roster cannot be used")
		return nil
	}
	return fmt.Errorf("%s ended: %w", l.who, l.err)
}

// compile makes the plan of the world's engines.
func compile(s *shape) (*task.Plan, error) { return task.Compile(s.pipeline) }

// begin starts a life that the world knows of.
func (p *process) begin(plan *lifePlan) (*life, error) {
	l, err := p.start(plan)
	if err != nil {
		return nil, err
	}
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, other := range w.lives {
		if other.p == p && other.mayStillSpeak() {
			l.rival()
			other.rival()
		}
	}
	w.lives = append(w.lives, l)
	return l, nil
}

// live is a process's way through the world: lives and the pauses between them.
func (p *process) live() {
	w := p.w
	rng := w.rng(uint64(500 + p.index))
	if p.index > 0 && !w.pause(time.Duration(rng.Int64N(int64(20*time.Second)))) {
		return
	}
	for {
		plan := drawLife(rng, p.lives == 0)
		l, err := p.begin(plan)
		if err != nil {
			w.trace.addf(p.name, "does not start: %v", err)
			return
		}
		if !p.accompany(l, rng) {
			return
		}
		if l.reloads {
			plan.pause = 0
		}
		if !w.pause(plan.pause) {
			return
		}
	}
}

// accompany waits for the end of a life; false: faults have ended.
func (p *process) accompany(l *life, rng *rand.Rand) bool {
	w := p.w
	var stop <-chan time.Time
	if l.plan.stop > 0 {
		stop = time.After(l.plan.stop)
	}
	changed := l.p.nextEdition()
	for {
		select {
		case <-l.died:
			return true
		case <-l.ended:
			return true
		case <-stop:
			w.trace.addf(l.who, "is stopped")
			l.stop()
		case <-changed:
			w.trace.addf(l.who, "reloads")
			l.reloads = true
			l.stop()
		case <-l.frozen:
			w.trace.count("twin")
			w.trace.addf(l.who, "is given up; its twin takes a copy of the disk")
			p.disk = l.mount.copy()
			return true
		case <-w.over:
			l.calm()
			if rng.IntN(2) == 0 {
				l.die("at the end of faults")
				return false
			}
			l.stop()
			select {
			case <-l.ended:
			case <-l.died:
			case <-time.After(patience):
				_ = w.complain("%s does not stop", l.who)
			}
			return false
		}
	}
}

// isZombie reports whether the life was given up while it stood still.
func (l *life) isZombie() bool {
	select {
	case <-l.frozen:
		return !l.isDead()
	default:
		return false
	}
}

func (l *life) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// mayStillSpeak reports whether something of the life can still reach the
// brokers: it lives, or a request of it is on its way.
func (l *life) mayStillSpeak() bool {
	if !l.isDead() && !l.hasEnded() {
		return true
	}
	for _, f := range l.plan.requests {
		if f.fate == arrivesLate {
			return true
		}
	}
	return false
}

func (l *life) rival() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rivalled = true
}
