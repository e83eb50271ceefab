package alerts

import "github.com/weirstream/weir/event"

// View is the state of one (rule, device) for a person to look at. Its times and
// its value mean nothing while the state is OK.
type View struct {
	State State
	// Level is the level that is on, for Recovering the last that was, for
	// Pending the highest that waits; -1 in OK.
	Level        int
	EpisodeStart event.Time // time of the first sample of the episode
	Last         event.Time // time of the newest sample
	Value        float64    // of the newest sample
	Covered      event.Time // while Pending, the part of Level's hold that is over
	Number       int        // of events in the episode so far
}

// View reads w without changing it.
func (r *Rule) View(w []uint64) View {
	m := r.load(w)
	if m.state == OK {
		return View{Level: -1}
	}
	v := View{
		State: m.state, Level: m.level, EpisodeStart: m.start,
		Last: m.last, Value: m.value, Number: m.number,
	}
	if m.state == Pending {
		v.Level = r.waiting(w)
		if v.Level >= 0 {
			v.Covered = event.Time(w[r.levels[v.Level].slot] - 1)
		}
	}
	return v
}
