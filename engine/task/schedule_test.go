package task

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// A schedule says at every minute what the clocks of its zone say, but for the nights in
// which they change, and it begins and ends at no other times than it announces.
func TestScheduleAgreesWithClocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"}).Draw(t, "zone"))
		require.NoError(t, err)
		spec := &configs.Schedule{Location: zone}
		for i := range spec.Days {
			spec.Days[i] = rapid.Bool().Draw(t, "day")
		}
		spec.Days[rapid.IntRange(0, 6).Draw(t, "some day")] = true
		spec.From = event.Time(rapid.IntRange(0, 1439).Draw(t, "from")) * 60_000
		spec.To = event.Time(rapid.SampledFrom([]int{0, 30, 150, int(spec.From / 60_000), 1439}).Draw(t, "to")) * 60_000
		s := newSchedule(spec)
		from := event.Time(time.Date(2026, time.Month(rapid.SampledFrom([]int{3, 4, 10, 11}).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "date"), 0, 0, 0, 0, time.UTC).UnixMilli())
		was, next := s.inside(from), s.next(from)
		for at := from; at < from+4*86_400_000; at += 60_000 {
			is := s.inside(at)
			if at >= next {
				require.Greater(t, s.next(at), at)
				next = s.next(at)
			} else {
				require.Equal(t, was, is, "it changed at %d before %d", at, next)
			}
			if was = is; steady(zone, at) {
				require.Equal(t, clocksSay(spec, at), is, "%v", time.UnixMilli(int64(at)).In(zone))
			}
		}
	})
}

// steady reports whether clocks of a zone do not change within two days of t.
func steady(zone *time.Location, t event.Time) bool {
	ahead := func(by event.Time) int {
		_, seconds := time.UnixMilli(int64(t + by)).In(zone).Zone()
		return seconds
	}
	return ahead(-2*86_400_000) == ahead(2*86_400_000)
}

// clocksSay asks the clocks: it has begun today, or yesterday and goes on over midnight.
func clocksSay(s *configs.Schedule, t event.Time) bool {
	l := time.UnixMilli(int64(t)).In(s.Location)
	shown := event.Time(l.Hour()*60+l.Minute()) * 60_000
	today, yesterday := s.Days[l.Weekday()], s.Days[(l.Weekday()+6)%7]
	if s.From < s.To {
		return today && s.From <= shown && shown < s.To
	}
	return today && s.From <= shown || yesterday && shown < s.To
}
