package alerts

import (
	"fmt"
	"math"

	"github.com/weirstream/weir/event"
)

// CompileAbsence prepares a rule on silence: one level, which Step enters with the
// sample (time of firing, seconds of silence) once these are after in seconds, and
// which only End and Forget leave. The caller says when, by a clock of its own:
// silence sends no samples. after is in milliseconds, at least 1.
func CompileAbsence(name string, after event.Time) (*Rule, error) {
	if after < 1 {
		return nil, fmt.Errorf("rule %q: no_data.after=%dms must be at least 1ms", name, after)
	}
	seconds := Seconds(after)
	return &Rule{
		sign: 1, firstHold: wordMissed, words: wordMissed,
		levels: []level{{threshold: seconds, enter: math.Nextafter(seconds, 0), leave: math.Inf(-1)}},
		lowest: math.Nextafter(seconds, 0),
	}, nil
}

// Seconds is a span as rules on silence have it for a value.
func Seconds(t event.Time) float64 { return float64(t) / 1000 }

// End ends what w holds with a sample of the caller's: a firing or recovering
// episode by resolved, a pending one by ok. It clears w and reports whether there
// is an event.
func (r *Rule) End(w []uint64, s Sample) (Event, bool) {
	m := r.load(w)
	st := step{rule: r, w: w, m: &m, s: s, waited: r.waiting(w)}
	var ev Events
	switch m.state {
	case Pending:
		st.end(&ev, EventOK)
	case Firing, Recovering:
		st.end(&ev, EventResolved)
	}
	clear(w[:r.words])
	return ev.List[0], ev.N > 0
}
