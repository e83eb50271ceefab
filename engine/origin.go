package engine

import (
	"sync/atomic"
	"time"
)

// Origin says what the state of a task was recovered from.
type Origin int

// What recovery can begin with.
const (
	FromNothing Origin = iota // the first start of the partition
	FromCopy                  // the local copy, and the journal behind it
	FromJournal               // the journal alone
	Origins
)

// String returns the word that metrics have for it.
func (o Origin) String() string { return [...]string{"nothing", "copy", "journal"}[o] }

// groupCounts are what the group did with this process since the engine was made.
type groupCounts struct {
	rebalances atomic.Int64 // generations in which it has a seat
	lost       atomic.Int64 // partitions that went without a hand-over
}

// upToDate notes that there is nothing to save.
func (r *registry) upToDate(p int32) { r.saved(p, time.Now()) }

// saved notes that the local copy holds what was folded by then.
func (r *registry) saved(p int32, by time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tasks[p]; t != nil {
		t.Saved = by
	}
}
