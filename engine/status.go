package engine

import (
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// State is where a task is in its life.
type State int

// The states of an owned task.
const (
	Recovering State = iota
	Live
)

// TaskStatus is what the outside sees of one task. Counters are those of
// confirmed commits: they do not count a replayed reading twice.
type TaskStatus struct {
	Partition  int32
	State      State
	Seq        uint64 // last confirmed journal record
	Offset     int64  // K: source offset up to which outputs are committed
	Position   int64  // source offset folded up to
	End        int64  // end of the source partition when last asked
	Devices    int
	StateBytes int64
	Counters   task.Counters

	Clock  event.Time // of the task: the greatest append or wall time it has acted on; 0: none yet
	Newest event.Time // the greatest event time since the task became live, of groups their clock; 0: none yet
}

// Lag is how many records the task has yet to fold.
func (s TaskStatus) Lag() int64 { return max(s.End-s.Position, 0) }

// Observer is told of durations and sizes as they happen; the caller exports
// them. Its methods are called by the tasks and must not block.
type Observer interface {
	Committed(took time.Duration, journalBytes int)
	AlertLatency(d time.Duration)
	Checkpointed(took time.Duration)
	Recovered(took time.Duration)
}

// Totals are the engine's own events since the process started.
type Totals struct {
	Recoveries, Aborts, Commits int64
	Rebalances                  int64 // generations of the group that this process has been in
	// ClockSkew is how far this machine's clock is ahead of the brokers'; while
	// ClockTrusted is false no silence is judged.
	ClockSkew    time.Duration
	ClockTrusted bool
}

// progress is what a confirmed batch changed.
type progress struct {
	seq          uint64
	k            int64
	counters     task.Counters
	devices      int
	stateBytes   int64
	took         time.Duration
	alertLatency time.Duration // negative: no alert
	journalBytes int
}

// registry collects what tasks say of themselves.
type registry struct {
	mu       sync.Mutex
	tasks    map[int32]*TaskStatus
	observer Observer

	recoveries, aborts, commits atomic.Int64
	rebalances                  atomic.Int64
	skew                        atomic.Int64
	untrusted                   atomic.Bool
}

func newRegistry() *registry { return &registry{tasks: map[int32]*TaskStatus{}} }

// Status returns the owned tasks in order of partition.
func (e *Engine) Status() []TaskStatus {
	r := e.status
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]TaskStatus, 0, len(r.tasks))
	for _, t := range r.tasks {
		list = append(list, *t)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Partition < list[j].Partition })
	return list
}

// Totals returns the engine's own counts.
func (e *Engine) Totals() Totals {
	r := e.status
	return Totals{
		Recoveries: r.recoveries.Load(), Aborts: r.aborts.Load(), Commits: r.commits.Load(), Rebalances: r.rebalances.Load(),
		ClockSkew: time.Duration(r.skew.Load()) * time.Millisecond, ClockTrusted: !r.untrusted.Load(),
	}
}

// Observe sends durations to o; call it before Run.
func (e *Engine) Observe(o Observer) { e.status.observer = o }

// Ready reports whether the process owns at least one task and all it owns are live.
func (e *Engine) Ready() bool {
	r := e.status
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tasks {
		if t.State != Live {
			return false
		}
	}
	return len(r.tasks) > 0
}

// of returns a task's status for changing; the caller holds mu.
func (r *registry) of(p int32) *TaskStatus {
	t := r.tasks[p]
	if t == nil {
		t = &TaskStatus{Partition: p}
		r.tasks[p] = t
	}
	return t
}

func (r *registry) enter(p int32, s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(p).State = s
}

func (r *registry) live(p int32, took time.Duration) {
	r.enter(p, Live)
	if r.observer != nil {
		r.observer.Recovered(took)
	}
}

func (r *registry) drop(p int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tasks, p)
}

func (r *registry) setEnd(p int32, end int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tasks[p]; t != nil {
		t.End = end
	}
}

// reached is how far a task has come.
type reached struct {
	position      int64
	clock, newest event.Time
}

func (r *runner) reached() reached {
	return reached{position: r.position, clock: r.task.Clock(), newest: r.task.Newest()}
}

func (r *registry) reached(p int32, now reached) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tasks[p]; t != nil {
		t.Position, t.Clock, t.Newest = now.position, now.clock, now.newest
	}
}

func (r *registry) committed(p int32, done progress) {
	r.commits.Add(1)
	r.mu.Lock()
	t := r.of(p)
	t.Seq, t.Offset, t.Counters = done.seq, done.k, done.counters
	t.Devices, t.StateBytes = done.devices, done.stateBytes
	r.mu.Unlock()
	if r.observer == nil {
		return
	}
	r.observer.Committed(done.took, done.journalBytes)
	if done.alertLatency >= 0 {
		r.observer.AlertLatency(done.alertLatency)
	}
}

func (r *registry) checkpointed(_ int32, took time.Duration) {
	if r.observer != nil {
		r.observer.Checkpointed(took)
	}
}

func (r *registry) distrust(known bool, skew event.Time) {
	r.untrusted.Store(true)
	if known {
		r.skew.Store(int64(skew))
	}
}

func (r *registry) trusted() { r.untrusted.Store(false) }
