package configs

import (
	"fmt"

	"github.com/weirstream/weir/event"
)

// placed checks where windows begin.
func (c *checker) placed(doc *windowDoc, w *Window) {
	offset, timezone := &doc.Offset, &doc.Timezone
	ofTime := w.Kind == Tumbling || w.Kind == Hopping
	switch {
	case offset.ok() && !ofTime:
		c.errorf(offset.at, "%s: only tumbling and hopping windows begin at set times; remove it", offset)
	case offset.ok() && w.Every > 0 && offset.value >= w.Every:
		c.errorf(offset.at, "%s must be less than the %s from one window to the next%s", offset, formatSpan(w.Every), sameOffset(offset.value, w.Every))
	case offset.ok():
		w.Offset = offset.value
	case ofTime && !offset.set:
		offset.fill(0)
	}
	if !timezone.ok() {
		return
	}
	if w.Kind != Tumbling || w.Size != day {
		if !doc.Tumbling.bad {
			c.errorf(timezone.at, "%s goes with tumbling: 1d only, for it says where days begin and end; write tumbling: 1d, or remove it", timezone)
		}
		return
	}
	z, ok := zone(timezone.value)
	if !ok {
		c.errorf(timezone.at, "%s is not a time zone; write a name such as Europe/Berlin or UTC%s", timezone, suggest(timezone.value, zoneNames()))
		return
	}
	w.Location = z
}

// sameOffset is what to write in place of an offset that is too long.
func sameOffset(offset, every event.Time) string {
	if offset%every == 0 {
		return "; it changes nothing, remove it"
	}
	return "; " + formatSpan(offset%every) + " means the same"
}

// weekly helps with windows of whole weeks.
func weekly(every event.Time) string {
	if every%(7*day) != 0 {
		return ""
	}
	return "; offset: 4d begins them on a Monday"
}

// placedAt tells where windows begin.
func placedAt(w *Window) string {
	offset := w.Offset
	switch {
	case w.Location != nil:
		return "a calendar day of " + w.Location.String() + " from " + clockTime(offset) + " to " + clockTime(offset)
	case w.Every <= day && day%w.Every == 0 && offset%60_000 == 0:
		return "counted from " + clockTime(offset) + " UTC"
	case offset > 0:
		return "counted from " + saySpan(offset) + " after 1970-01-01 00:00 UTC"
	default:
		return "counted from 1970-01-01 00:00 UTC"
	}
}

// clockTime writes a time of day as clocks show it, to the minute or as exactly
// as it is.
func clockTime(t event.Time) string {
	s := fmt.Sprintf("%02d:%02d", t/3_600_000, t/60_000%60)
	if t%60_000 != 0 {
		s += fmt.Sprintf(":%02d", t/1000%60)
	}
	if t%1000 != 0 {
		s += fmt.Sprintf(".%03d", t%1000)
	}
	return s
}
