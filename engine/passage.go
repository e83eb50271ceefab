package engine

import (
	"time"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// passage is how far a task is on its way through the source.
type passage struct {
	position int64
	waiting  event.Time // append time of the next record, which is fetched and not folded; 0: none is
	clock    event.Time // of the task: what is not folded was hardly appended before
	newest   event.Time // greatest event time folded; 0: not known
}

// tellPassage tells the outside how far the task is.
func (r *runner) tellPassage() {
	f := passage{position: r.position, newest: r.task.Newest(), clock: r.task.Clock()}
	if r.slab != nil && r.folded < len(r.slab.records) {
		f.waiting = r.slab.records[r.folded].Append
	}
	r.e.status.setPassage(r.partition, f)
}

func (r *registry) setPassage(p int32, f passage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tasks[p]; t != nil {
		t.Position, t.waiting, t.clock, t.Newest = f.position, f.waiting, f.clock, f.newest
		t.noteBehind()
	}
}

// noteBehind notes since when there is something to fold.
func (s *TaskStatus) noteBehind() {
	switch {
	case s.Lag() == 0:
		s.behind = time.Time{}
	case s.behind.IsZero():
		s.behind = time.Now()
	}
}

// LagTime is how long the oldest record that is not folded has waited at now, a time of the brokers' clock; 0: there is
// none. While none is fetched it is since when this process has known of one, or since when what was folded last was appended, whichever
// is shorter: the one is too long amid a backlog, the other after a pause.
func (s *TaskStatus) LagTime(now event.Time) time.Duration {
	switch {
	case s.Lag() == 0:
		return 0
	case s.waiting != 0:
		return max(0, time.Duration(now-s.waiting)*time.Millisecond)
	case s.behind.IsZero():
		return 0
	}
	known := time.Since(s.behind)
	if s.clock == 0 {
		return known
	}
	return min(known, max(0, time.Duration(now-s.clock)*time.Millisecond))
}

// BrokerTime is the time by the brokers' clock, as far as this process knows it.
func (e *Engine) BrokerTime() event.Time { return e.wallNow() - event.Time(e.status.skew.Load()) }

func (r *registry) sealed(p int32, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(p).InFlight = at
}

// count adds what a confirmed batch says; the caller holds mu.
func (r *registry) count(c *task.Counts) {
	for i, n := range c.Quarantined {
		r.quarantined[i] += uint64(n)
	}
	if r.events == nil && c.Events != nil {
		r.events = make([]uint64, len(c.Events))
	}
	for i, n := range c.Events {
		r.events[i] += uint64(n)
	}
}

// Quarantined is how many records for the quarantine topic were committed since the engine was made, by event.Reason.Index.
func (e *Engine) Quarantined() [event.ReasonCount]uint64 {
	r := e.status
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.quarantined
}

// RuleStatus is how the alerts of a rule stand in the tasks of this process.
type RuleStatus struct {
	Rule   string
	Levels []string
	// Firing is how many alerts fire, by level; Suppressed and Acked are how many of them are.
	Firing            []int64
	Suppressed, Acked int64
	// Events are those committed since the engine was made, by the place of task.EventStateAt.
	Events [task.EventStates]uint64
}

// Rules returns how the alerts of the rules stand in the tasks that are live, in the order of the file. counted is false while
// one of them has yet to count what recovery brought: then Firing, Suppressed and Acked are too small.
func (e *Engine) Rules() (list []RuleStatus, counted bool) {
	r := e.status
	rules := e.o.Plan.Rules()
	r.mu.Lock()
	defer r.mu.Unlock()
	counted, at := true, 0
	for _, t := range r.tasks { // unordered: all or not
		counted = counted && (t.standing != nil || t.State == Recovering)
	}
	for k, spec := range rules {
		s := RuleStatus{Rule: spec.Name, Firing: make([]int64, len(spec.Levels))}
		for i := range spec.Levels {
			s.Levels = append(s.Levels, spec.Levels[i].Name)
		}
		for _, t := range r.tasks { // unordered: sums
			if t.standing == nil {
				continue
			}
			own := t.standing[at : at+len(spec.Levels)+2]
			for i := range s.Firing {
				s.Firing[i] += int64(own[i])
			}
			s.Suppressed, s.Acked = s.Suppressed+int64(own[len(spec.Levels)]), s.Acked+int64(own[len(spec.Levels)+1])
		}
		if r.events != nil {
			copy(s.Events[:], r.events[k*task.EventStates:])
		}
		list, at = append(list, s), at+len(spec.Levels)+2
	}
	return list, counted
}
