package configs

import "github.com/weirstream/weir/event"

// shortestReset is the least that time.reset_clock_after can be, in milliseconds:
// the number of resets is part of what results and alerts are known by, and must
// not run away.
const shortestReset = event.Time(1000)

// resetClock checks after how long a device that is always late begins anew.
func (c *checker) resetClock() {
	t := &c.doc.Time
	r := &t.ResetClock
	c.p.Time.ResetClockAfter = r.value
	if !r.ok() || r.value == 0 {
		return
	}
	switch {
	case r.value < shortestReset:
		c.errorf(r.at, "%s is too short; the shortest is %s, and 0s is never", r, formatSpan(shortestReset))
	case t.WaitForLate.ok() && r.value < t.WaitForLate.value:
		c.errorf(r.at, "%s must be at least time.wait_for_late=%s, or readings that are merely late restart the clock", r, t.WaitForLate.show())
	}
}

// dedupeByTime checks what repeats are told by where no number tells them.
func (c *checker) dedupeByTime() {
	d, time := &c.doc.Dedupe, &c.doc.Source.Reading.Time
	if time.ok() && time.value == "" {
		c.errorf(d.By.at, "%s needs source.reading.time, which is empty: a reading without a time of its own cannot be told from its repeat; write by: seq or by: off", &d.By)
	}
}
