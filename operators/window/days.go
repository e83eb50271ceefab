package window

import (
	"time"

	"github.com/weirstream/weir/event"
)

const (
	dayMs  = event.Time(86_400_000)
	hourMs = event.Time(3_600_000)
	// farthest is more than any zone has ever been ahead of UTC or behind it.
	farthest = 16 * hourMs
	// widest is more than the clocks of one zone were ever ahead of themselves: Samoa changed sides of the date line, and has summer time.
	widest = 26 * hourMs
)

// days are the calendar days of a time zone. A day is called by its date, counted from 1970-01-01, and begins at the first instant at which the
// zone's clocks show the time of day begin on that date, or have gone past it: where they skip it, that is the first instant after the gap, and where
// they show it twice, the first of the two. It ends where the next one begins; where a zone skipped a date that is at once, and no time is in it.
//
// To ask the zone is slow, so beginnings are kept once found.
type days struct {
	zone  *time.Location
	begin event.Time // from 0, less than a day

	number     int64 // the day found last; an empty one at first
	start, end event.Time
	known      [64]knownDay // by number modulo 64
}

type knownDay struct {
	is     bool
	number int64
	start  event.Time
}

// of is the day that contains t.
func (d *days) of(t event.Time) int64 {
	if t < d.start || t >= d.end {
		d.find(t)
	}
	return d.number
}

// endOf is the end of the day that contains t.
func (d *days) endOf(t event.Time) event.Time {
	if t < d.start || t >= d.end {
		d.find(t)
	}
	return d.end
}

// startOf is the start of the day that ends at end.
func (d *days) startOf(end event.Time) event.Time {
	if t := end - 1; t < d.start || t >= d.end {
		d.find(t)
	}
	return d.start
}

// find makes the day that contains t the one found last. Dates and days of 24 hours stay within a few of each other, so it need not look far.
func (d *days) find(t event.Time) {
	n := d.number + floorDiv(t-d.start, dayMs)
	for t < d.starts(n) {
		n--
	}
	for t >= d.starts(n+1) {
		n++
	}
	d.number, d.start, d.end = n, d.starts(n), d.starts(n+1)
}

// starts is the first instant of day n.
func (d *days) starts(n int64) event.Time {
	k := &d.known[n&63]
	if !k.is || k.number != n {
		*k = knownDay{is: true, number: n, start: d.search(n)}
	}
	return k.start
}

// search finds the first instant of day n, of which the zone's clocks show at most one change within farthest.
func (d *days) search(n int64) event.Time {
	shown := event.Time(n)*dayMs + d.begin // what the clocks are to show, as if it were UTC
	before, after := shown-farthest, shown+farthest
	old, young := d.ahead(before), d.ahead(after)
	if old == young {
		return shown - old
	}
	for before+1 < after {
		middle := before + (after-before)/2
		if d.ahead(middle) == old {
			before = middle
		} else {
			after = middle
		}
	}
	if start := shown - old; start < after {
		return start
	}
	return max(after, shown-young)
}

// ahead is how far the zone's clocks are ahead of UTC at t.
func (d *days) ahead(t event.Time) event.Time {
	_, seconds := time.UnixMilli(int64(t)).In(d.zone).Zone()
	return event.Time(seconds) * 1000
}
