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
	Position   int64  // source offset folded up to; -1: not known yet
	End        int64  // end of the source partition when last asked; -1: not known yet
	Devices    int
	StateBytes int64 // of all live cells and names
	// ResidentBytes is the memory that the state takes.
	ResidentBytes int64
	Counters      task.Counters

	Newest       event.Time // greatest event time folded; 0: none in this life of the task
	InFlight     time.Time  // since when a commit is under way; zero: none is
	Committed    time.Time  // when the last commit was confirmed; zero: none in this life of the process
	Saved        time.Time  // the local copy holds what was folded by then; zero: not live yet
	JournalBytes int64      // of the journal partition, on the brokers' disks; -1: not told

	waiting  event.Time // see passage
	clock    event.Time // see passage
	behind   time.Time  // since when there is something to fold
	standing []int32    // see task.Standing
}

// Lag is how many records the task has yet to fold; 0 while that is not known.
func (s TaskStatus) Lag() int64 {
	if s.Position < 0 {
		return 0
	}
	return max(s.End-s.Position, 0)
}

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
	// ClockSkew is how far this machine's clock is ahead of the brokers'; while
	// ClockTrusted is false no silence is judged.
	ClockSkew    time.Duration
	ClockTrusted bool
	// Recovered is how many tasks went live, by what their state came from.
	Recovered [Origins]int64
	// Checkpoints are those that ended, and CheckpointBytes the images they wrote.
	Checkpoints, CheckpointBytes int64
	// Rebalances of the group, and partitions that it took away without a hand-over.
	Rebalances, Lost int64
}

// progress is what a confirmed batch changed.
type progress struct {
	seq          uint64
	k            int64
	counters     task.Counters
	devices      int
	stateBytes   int64
	resident     int64
	counts       *task.Counts
	standing     []int32 // nil: as before
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
	skew                        atomic.Int64
	untrusted                   atomic.Bool

	recovered                    [Origins]atomic.Int64
	checkpoints, checkpointBytes atomic.Int64
	group                        groupCounts
	quarantined                  [event.ReasonCount]uint64 // with mu
	events                       []uint64                  // with mu: as task.Counts.Events
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
	t := Totals{
		Recoveries: r.recoveries.Load(), Aborts: r.aborts.Load(), Commits: r.commits.Load(),
		ClockSkew: time.Duration(r.skew.Load()) * time.Millisecond, ClockTrusted: !r.untrusted.Load(),
		Checkpoints: r.checkpoints.Load(), CheckpointBytes: r.checkpointBytes.Load(),
		Rebalances: r.group.rebalances.Load(), Lost: r.group.lost.Load(),
	}
	for o := range t.Recovered {
		t.Recovered[o] = r.recovered[o].Load()
	}
	return t
}

// Observe sends durations to o; call it before Run.
func (e *Engine) Observe(o Observer) { e.status.observer = o }

// Ready reports whether all tasks that the process owns are live. One that owns none is
// ready once the group has had time to give it some: there are more processes than
// partitions.
func (e *Engine) Ready() bool {
	r := e.status
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tasks {
		if t.State != Live {
			return false
		}
	}
	return len(r.tasks) > 0 || e.spare.is(e.mono.now())
}

// of returns a task's status for changing; the caller holds mu.
func (r *registry) of(p int32) *TaskStatus {
	t := r.tasks[p]
	if t == nil {
		t = &TaskStatus{Partition: p, Position: -1, End: -1, JournalBytes: -1}
		r.tasks[p] = t
	}
	return t
}

func (r *registry) enter(p int32, s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.of(p)
	t.State, t.InFlight, t.waiting = s, time.Time{}, 0
	if s == Recovering {
		t.standing = nil
	}
}

func (r *registry) live(p int32, took time.Duration, from Origin) {
	r.enter(p, Live)
	r.saved(p, time.Now())
	r.recovered[from].Add(1)
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
		t.noteBehind()
	}
}

func (r *registry) committed(p int32, done progress) {
	r.commits.Add(1)
	r.mu.Lock()
	t := r.of(p)
	t.Seq, t.Offset, t.Counters = done.seq, done.k, done.counters
	t.Devices, t.StateBytes, t.ResidentBytes = done.devices, done.stateBytes, done.resident
	t.InFlight, t.Committed = time.Time{}, time.Now()
	if done.standing != nil {
		t.standing = done.standing
	}
	r.count(done.counts)
	r.mu.Unlock()
	if r.observer == nil {
		return
	}
	r.observer.Committed(done.took, done.journalBytes)
	if done.alertLatency >= 0 {
		r.observer.AlertLatency(done.alertLatency)
	}
}

func (r *registry) checkpointed(p int32, took time.Duration, bytes int64) {
	r.checkpoints.Add(1)
	r.checkpointBytes.Add(bytes)
	r.saved(p, time.Now().Add(-took))
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

func (r *registry) trusted(skew event.Time) {
	r.skew.Store(int64(skew))
	r.untrusted.Store(false)
}

// stand takes what a task says of its alerts; nil: as before.
func (r *registry) stand(p int32, standing []int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tasks[p]; t != nil && standing != nil {
		t.standing = standing
	}
}
