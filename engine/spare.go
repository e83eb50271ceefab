package engine

import "sync/atomic"

// spareAfter is how long a member without partitions waits for some before it counts as
// ready: a partition on its way from another member takes two rebalances and its
// hand-over, that of one that died a session timeout.
const spareAfter = sessionTimeout

// spare tells a process that gets no partition, as there are more processes than
// partitions, from one that does not have them yet.
type spare struct {
	since atomic.Int64 // of the last assignment, in ms of the engine's monotonic clock, plus one; 0: not a member
}

// assigned notes that the group has spoken.
func (s *spare) assigned(now int64) { s.since.Store(now + 1) }

// revoked notes that partitions are taken away: the group has yet to say who gets which.
func (s *spare) revoked(now int64) {
	if s.since.Load() != 0 {
		s.assigned(now)
	}
}

// lost notes that this process is no member any more.
func (s *spare) lost() { s.since.Store(0) }

// is reports whether the group has had time to give this process a partition.
func (s *spare) is(now int64) bool {
	since := s.since.Load()
	return since != 0 && now+1-since >= spareAfter.Milliseconds()
}
