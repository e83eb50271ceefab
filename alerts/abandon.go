package alerts

import (
	"math"

	"github.com/weirstream/weir/event"
)

// Abandon is Forget for words of a rule that is gone: it needs nothing of the rule.
// The event is at t, or at the newest sample where that is later, and its threshold
// is NaN. It does not clear w.
func Abandon(w []uint64, t event.Time) (Event, bool) {
	r := Rule{levels: make([]level, MaxLevels)}
	m := r.load(w)
	e := Event{
		State: EventResolved, Level: m.level, Previous: m.level, Value: m.value, Threshold: math.NaN(),
		Time: max(t, m.last), EpisodeStart: m.start, Number: min(m.number+1, maxNumber), Marks: m.marks,
	}
	switch m.state {
	case OK:
		return Event{}, false
	case Pending:
		e.State = EventOK
	}
	return e, true
}
