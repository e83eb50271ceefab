package engine

import (
	"sync/atomic"
	"time"
)

// pulse asks a live task to show that its loop goes round. The loop waits for nothing
// but its own channels, so an answer that does not come means that a turn of it hangs,
// and never that brokers are slow.
type pulse struct {
	ask     chan struct{}
	pending atomic.Int64 // when the question without an answer was asked, in ms of the engine's monotonic clock, plus one; 0: none
}

func newPulse() pulse { return pulse{ask: make(chan struct{}, 1)} }

// answered is called by the task's loop.
func (p *pulse) answered() { p.pending.Store(0) }

// Stalled returns for how long the slowest live task has owed an answer to an earlier
// call: 0 if all have answered. It asks each again, so the answer is as fresh as the
// calls are frequent. Tasks that recover are left out: they wait for brokers, and may.
// It is safe for concurrent use.
func (e *Engine) Stalled() (longest time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.mono.now() + 1
	for _, h := range e.runners { // unordered: a maximum
		if !h.live.Load() {
			h.pulse.pending.Store(0)
			continue
		}
		if asked := h.pulse.pending.Load(); asked != 0 {
			longest = max(longest, time.Duration(now-asked)*time.Millisecond)
			continue
		}
		h.pulse.pending.Store(now)
		select {
		case h.pulse.ask <- struct{}{}:
		default: // one that a former life of the task did not take: this one will
		}
	}
	return longest
}
