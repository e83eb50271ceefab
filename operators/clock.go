package operators

import "github.com/weirstream/weir/event"

// Arrival is when a reading happened and when it reached the log, both in Unix
// milliseconds.
type Arrival struct {
	Event  event.Time
	Append event.Time
}

// Arrive is the arrival of a reading that was appended at the given time; where
// the reading carries no time, the append time stands in for it.
func Arrive(r *event.Reading, appended event.Time) Arrival {
	if !r.HasTime {
		return Arrival{Event: appended, Append: appended}
	}
	return Arrival{Event: r.Time, Append: appended}
}

// Future reports whether the reading lies further ahead of its append time than
// maxSkew milliseconds. Such a reading touches no state.
func (a Arrival) Future(maxSkew event.Time) bool {
	return a.Event-a.Append > maxSkew
}

// Advance is the device's clock after the reading: the greatest event time seen,
// never past the append time of the reading that moves it, and never back. The
// zero clock is that of a device nothing was heard from.
func Advance(clock event.Time, a Arrival) event.Time {
	return max(clock, min(a.Event, a.Append))
}
