package oracle

import (
	"time"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// spans are the instances of a time window that contain a time, by their start.
func (t *task) spans(index int, at event.Time) (all []span) {
	c := &t.p.Windows[index]
	if c.Location != nil {
		last := &t.days[index]
		if at < last.start || at >= last.end {
			*last = dayOf(c, at)
		}
		return []span{{index, last.start, last.end}}
	}
	for start := floor(at-c.Offset, c.Every) + c.Offset - c.Size + c.Every; start <= at; start += c.Every {
		all = append(all, span{index, start, start + c.Size})
	}
	return all
}

// dayOf returns the calendar day that contains a time.
func dayOf(c *configs.Window, at event.Time) span {
	year, month, date := time.UnixMilli(int64(at)).In(c.Location).Date()
	begin := func(days int) event.Time {
		midnight := time.Date(year, month, date+days, 0, 0, 0, 0, time.UTC)
		return firstShown(c.Location, event.Time(midnight.UnixMilli())+c.Offset)
	}
	days := -2 // clocks may have jumped by a day
	for begin(days+1) <= at {
		days++
	}
	return span{start: begin(days), end: begin(days + 1)}
}

// firstShown is the first instant at which the clocks of a place show a time of day or,
// where it is skipped, a later one. clock is that time as if the place were at UTC.
func firstShown(place *time.Location, clock event.Time) event.Time {
	const most = event.Time(30 * 3_600_000) // more than any clock is away from UTC
	for from := clock - most; ; {
		at := time.UnixMilli(int64(from)).In(place)
		_, seconds := at.Zone()
		_, change := at.ZoneBounds()
		found := max(from, clock-event.Time(seconds)*1000)
		if change.IsZero() || found < event.Time(change.UnixMilli()) {
			return found
		}
		from = event.Time(change.UnixMilli())
	}
}

// floor rounds a time down to a multiple of every, towards minus infinity.
func floor(t, every event.Time) event.Time {
	down := t - t%every
	if down > t {
		down -= every
	}
	return down
}
