package simulation

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// days are windows of calendar days, and how far all devices' clocks are behind the world's: so far that a day ends within the world.
type days struct {
	zone   string
	offset time.Duration
	behind time.Duration
}

// drawDays draws a zone and a day that ends some seconds after the world began, often one near which the zone's clocks change. It need not
// be exact: a world in which no day ends is a world, too.
func drawDays(base time.Time, rng *rand.Rand) (*days, error) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "America/Havana", "America/Sao_Paulo", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata",
		"Pacific/Kwajalein", "Pacific/Kiritimati", "Africa/Monrovia", "Asia/Gaza", "Europe/London"}
	d := &days{zone: zones[rng.IntN(len(zones))]}
	zone, err := time.LoadLocation(d.zone)
	if err != nil {
		return nil, err
	}
	inside := 3*time.Second + time.Duration(rng.Int64N(int64(25*time.Second))).Truncate(time.Second)
	if rng.IntN(4) == 0 { // today, and no clock is wrong
		d.offset = ofDay(base.Add(inside).In(zone))
		return d, nil
	}
	first := time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC)
	last := base.Add(-3 * 24 * time.Hour)
	at := first.Add(time.Duration(rng.Int64N(int64(last.Sub(first)))).Truncate(time.Second))
	if _, change := at.In(zone).ZoneBounds(); !change.IsZero() && change.Before(last) {
		at = change
	}
	d.offset = ofDay(at.Add(time.Duration(rng.IntN(9)-4) * 30 * time.Minute).In(zone))
	if rng.IntN(3) == 0 {
		d.offset = 0
	}
	ends := []time.Time{at}
	for day := -1; day <= 1; day++ {
		local := at.In(zone)
		begins := time.Date(local.Year(), local.Month(), local.Day()+day, 0, 0, int(d.offset/time.Second), 0, zone)
		ends = append(ends, begins, begins, begins.Add(time.Duration(rng.IntN(3)-1)*time.Hour))
	}
	d.behind = base.Add(inside).Sub(ends[rng.IntN(len(ends))])
	return d, nil
}

// ofDay is what the clocks of a place show.
func ofDay(local time.Time) time.Duration {
	h, m, s := local.Clock()
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
}

// window is the kind of a window as the pipeline file has it.
func (d *days) window() string {
	return fmt.Sprintf("tumbling: 1d, timezone: %s, offset: %ds", d.zone, int(d.offset/time.Second))
}
