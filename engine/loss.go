package engine

import (
	"sync"
	"time"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// lossEvery is how often at most a reason for which readings cannot be used is logged again.
const lossEvery = time.Minute

// loss says in the log that readings cannot be used, and where they are: whoever waits for results that do not come looks there
// first. Late readings and those from the future are not meant: fleets have some at all times, and metrics count them.
type loss struct {
	mu     sync.Mutex
	said   [event.ReasonCount]time.Time
	unsaid [event.ReasonCount]uint64 // since then
}

// sayLoss logs what a confirmed batch sent to quarantine.
func (r *runner) sayLoss(counts *task.Counts, now time.Time) {
	l := &r.e.loss
	for i, n := range counts.Quarantined {
		if n == 0 {
			continue
		}
		reason := event.Reasons()[i]
		if reason == event.Late || reason == event.Future {
			continue
		}
		l.mu.Lock()
		l.unsaid[i] += uint64(n)
		total := l.unsaid[i]
		due := now.Sub(l.said[i]) >= lossEvery
		if due {
			l.said[i], l.unsaid[i] = now, 0
		}
		l.mu.Unlock()
		if due {
			r.log.Warn("readings cannot be used", "reason", string(reason), "readings", total, "see", r.plan.Pipeline.QuarantineTopic)
		}
	}
}
