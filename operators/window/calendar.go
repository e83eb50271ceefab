package window

import (
	"time"

	"github.com/weirstream/weir/event"
)

// Calendar tells when the clocks of a time zone show a time of day, from date to
// date. Dates are counted from 1970-01-01, which was a Thursday. It remembers what it
// has found, so it is for one goroutine.
type Calendar struct{ days }

// NewCalendar returns the calendar of a zone for a time of day in milliseconds from
// midnight, less than a day.
func NewCalendar(zone *time.Location, at event.Time) *Calendar {
	return &Calendar{days{zone: zone, begin: at}}
}

// Of is the last date on which the clocks have shown the time by t.
func (c *Calendar) Of(t event.Time) int64 { return c.of(t) }

// Start is the first instant at which the clocks show the time on that date, or have
// gone past it where they skip it.
func (c *Calendar) Start(date int64) event.Time { return c.starts(date) }
