package engine

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/ingest/codec"
)

const (
	// unusedAfter and unusedMany are how long, and of how many readings, none has been of use when that is worth a word.
	unusedAfter = 30 * time.Second
	unusedMany  = 1_000
	// unusedLooks is how many messages are looked into for the names of their metrics.
	unusedLooks = 200
	// unusedNames is how many names are told.
	unusedNames = 5
)

// unused notices that readings come and none is of use: that their metrics are others than those that windows and rules use, or that none
// meets where. It is said once. While it is open it costs a look at the counters for each chunk that is folded, not for each reading.
type unused struct {
	closed atomic.Bool // some were of use, or it has been said

	mu     sync.Mutex
	began  time.Time // when the first was seen
	looked int
	names  []string // of metrics, sorted; one more than unusedNames at most
	// filtered are the readings of no use, by partition: any task may be the one that says so.
	filtered map[int32]uint64
}

func (u *unused) total() (n uint64) {
	for _, of := range u.filtered { // unordered: a sum
		n += of
	}
	return n
}

// noteUnused looks at what has become of the records folded last.
func (r *runner) noteUnused(chunk []task.Record, now time.Time) {
	u := &r.e.unused
	if u.closed.Load() {
		return
	}
	c := r.task.Counters()
	if c.Processed+c.Duplicate+c.Late+c.Future > 0 || r.plan.Groups() {
		u.closed.Store(true)
		return
	}
	if c.Filtered == 0 {
		return
	}
	u.mu.Lock()
	if u.began.IsZero() {
		u.began = now
	}
	if u.filtered == nil {
		u.filtered = map[int32]uint64{}
	}
	u.filtered[r.partition] = c.Filtered
	u.look(r.plan, chunk)
	u.mu.Unlock()
	r.sayUnused(now)
}

// look gathers names of metrics.
func (u *unused) look(plan *task.Plan, chunk []task.Record) {
	s := &plan.Pipeline.Source.Reading
	o := codec.Options{Device: s.Device, Metric: s.Metric, Time: s.Time, Value: s.Value, Seq: s.Seq, Wide: s.Metrics}
	for i := range chunk {
		if u.looked >= unusedLooks || len(u.names) > unusedNames {
			return
		}
		u.looked++
		for _, name := range o.MetricsIn(chunk[i].Value) {
			if at, known := slices.BinarySearch(u.names, name); !known && len(u.names) <= unusedNames {
				u.names = slices.Insert(u.names, at, name)
			}
		}
	}
}

// sayUnused says it when it is time.
func (r *runner) sayUnused(now time.Time) {
	u := &r.e.unused
	if u.closed.Load() {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	filtered := u.total()
	if u.began.IsZero() || filtered < unusedMany && now.Sub(u.began) < unusedAfter || u.closed.Swap(true) {
		return
	}
	p := r.plan.Pipeline
	if slices.ContainsFunc(u.names, func(name string) bool { return slices.Contains(p.Metrics, name) }) {
		r.log.Warn("readings come and none is of use so far: they do not meet where, or only expressions name their metric", "filtered", filtered, "metrics", some(u.names))
		return
	}
	r.log.Warn("readings come and none is of use so far: no window or rule uses their metrics", "filtered", filtered, "seen", some(u.names), "used", some(p.Metrics))
}

// some lists the first names.
func some(names []string) string {
	if len(names) > unusedNames {
		return strings.Join(names[:unusedNames], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}
