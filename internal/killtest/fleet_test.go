//go:build real

package killtest

import (
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/fleet"
)

// fleetStart is the event time of the first reading: past, so that no reading is from the future however long a test takes.
func fleetStart() event.Time {
	return event.Time(time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC).UnixMilli())
}

// limited ends a fleet after a number of readings, which its repeats are not counted in. Seen is told of each message, where set.
type limited struct {
	fleet   *fleet.Fleet
	left    int64
	repeats bool // repeats are sent; the reference leaves them out
	seen    func(fleet.Reading)
	ended   atomic.Bool // no more is wanted
}

// Message implements fleet.Source.
func (l *limited) Message() (fleet.Message, bool, error) {
	for l.left > 0 && !l.ended.Load() {
		r := l.fleet.Next()
		if r.Truth == fleet.Duplicate && !l.repeats {
			continue
		}
		if r.Truth != fleet.Duplicate {
			l.left--
		}
		if l.seen != nil {
			l.seen(r)
		}
		return fleet.Message{Device: r.Device, Site: r.Site, JSON: r.AppendJSON(nil), Due: r.Due, Truth: r.Truth}, true, nil
	}
	return fleet.Message{}, false, nil
}
