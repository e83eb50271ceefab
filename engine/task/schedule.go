package task

import (
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// schedule is when alerts of a rule count. Like windows of days it remembers what it
// has found, so each task has its own.
type schedule struct {
	days     configs.Weekdays
	from, to *window.Calendar
	over     int64 // how many dates after it began it ends: 0 or 1
}

func newSchedule(s *configs.Schedule) *schedule {
	if s == nil {
		return nil
	}
	c := &schedule{days: s.Days, from: window.NewCalendar(s.Location, s.From), to: window.NewCalendar(s.Location, s.To)}
	if s.To <= s.From {
		c.over = 1
	}
	return c
}

// on reports whether the schedule begins on a date, counted from 1970-01-01, a
// Thursday.
func (s *schedule) on(date int64) bool { return s.days[((date+4)%7+7)%7] }

// inside reports whether alerts count at t. Of dates the last that has begun is the
// only one to ask: what began before has ended by the time that it did.
func (s *schedule) inside(t event.Time) bool {
	date := s.from.Of(t)
	return s.on(date) && t < s.to.Start(date+s.over)
}

// next is the first time after t at which it begins or ends.
func (s *schedule) next(t event.Time) event.Time {
	date := s.from.Of(t)
	if end := s.to.Start(date + s.over); s.on(date) && end > t {
		return end
	}
	for date++; ; date++ {
		if start := s.from.Start(date); s.on(date) && start > t {
			return start
		}
	}
}
