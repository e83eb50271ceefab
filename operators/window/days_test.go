package window_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

const (
	minuteMs = event.Time(60_000)
	hourMs   = 60 * minuteMs
	dayMs    = 24 * hourMs
)

func zone(tb require.TestingT, name string) *time.Location {
	z, err := time.LoadLocation(name)
	require.NoError(tb, err)
	return z
}

func local(t event.Time, z *time.Location) time.Time { return time.UnixMilli(int64(t)).In(z) }

// naiveDays are days by zone, offset and date, each as it was found.
type naiveDays map[[2]string]map[event.Time]event.Time

func (d naiveDays) begins(s window.Spec, date time.Time) event.Time {
	key := [2]string{s.Location.String(), fmt.Sprint(s.Offset)}
	if d[key] == nil {
		d[key] = map[event.Time]event.Time{}
	}
	at, ok := d[key][event.Time(date.UnixMilli())]
	if !ok {
		at = search(s, date)
		d[key][event.Time(date.UnixMilli())] = at
	}
	return at
}

// search looks at the clocks of a zone minute by minute, from two days before a date, until they show its beginning or more.
func search(s window.Spec, date time.Time) event.Time {
	shown := date.UnixMilli() + int64(s.Offset)
	for t := event.Time(date.UnixMilli()) - 2*dayMs; ; t += minuteMs {
		l := local(t, s.Location)
		if time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC).UnixMilli() >= shown {
			return t
		}
	}
}

// of is start and end of the day that contains t.
func (d naiveDays) of(s window.Spec, t event.Time) [2]event.Time {
	l := local(t, s.Location).AddDate(0, 0, 3)
	date := time.Date(l.Year(), l.Month(), l.Day(), 0, 0, 0, 0, time.UTC)
	end := d.begins(s, date)
	for {
		date = date.AddDate(0, 0, -1)
		start := d.begins(s, date)
		if start <= t {
			return [2]event.Time{start, end}
		}
		end = start
	}
}

// change is a zone and a moment about which its clocks are changed.
type change struct {
	zone string
	at   string
}

func changes() []change {
	return []change{
		{"UTC", "2026-03-01T00:00:00Z"},
		{"Europe/Berlin", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25T01:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04T03:00:00Z"}, // no midnight
		{"America/Sao_Paulo", "2018-02-18T02:00:00Z"}, // midnight comes an hour late
		{"Asia/Beirut", "2022-03-26T22:00:00Z"},       // no midnight
		{"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
		{"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
		{"Pacific/Apia", "2011-12-30T10:00:00Z"},     // no 30th of December
		{"America/St_Johns", "2006-10-29T02:31:00Z"}, // midnight twice
		{"America/Havana", "2025-11-02T05:00:00Z"},
		{"Antarctica/Troll", "2026-03-29T01:00:00Z"}, // by two hours
		{"Antarctica/Casey", "2010-03-04T15:00:00Z"}, // by three
		{"Asia/Kathmandu", "1985-12-31T18:30:00Z"},   // by a quarter
		{"America/New_York", "2150-03-08T07:00:00Z"}, // beyond all tables
	}
}

func (c change) time(tb require.TestingT) event.Time {
	at, err := time.Parse(time.RFC3339, c.at)
	require.NoError(tb, err)
	return event.Time(at.UnixMilli())
}

// Days whose bounds people looked up, for the naive calendar is written from the same definition as the fast one.
func TestDaysBegin(t *testing.T) {
	for _, c := range []struct {
		zone       string
		offset     event.Time
		at         string
		start, end string
	}{
		{"UTC", 0, "2026-03-01T12:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"UTC", 6 * hourMs, "2026-03-01T05:59:59.999Z", "2026-02-28T06:00:00Z", "2026-03-01T06:00:00Z"},
		{"Europe/Berlin", 0, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"}, // 23 h
		{"Europe/Berlin", 0, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"}, // 25 h
		{"Europe/Berlin", 6 * hourMs, "2026-03-29T03:59:59.999Z", "2026-03-28T05:00:00Z", "2026-03-29T04:00:00Z"},
		{"Europe/Berlin", 2*hourMs + 30*minuteMs, "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}, // 02:30 is skipped
		{"Europe/Berlin", 2*hourMs + 30*minuteMs, "2026-10-25T01:15:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}, // 02:30 comes twice
		{"America/Sao_Paulo", 0, "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},                  // begins at 01:00
		{"America/Sao_Paulo", 0, "2018-02-17T12:00:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"},                  // its last hour twice
		{"Asia/Beirut", 0, "2022-03-27T12:00:00Z", "2022-03-26T22:00:00Z", "2022-03-27T21:00:00Z"},                        // begins at 01:00
		{"Australia/Lord_Howe", 0, "2026-04-05T03:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"},                // 24 h 30
		{"Australia/Lord_Howe", 0, "2026-10-04T03:00:00Z", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"},                // 23 h 30
		{"Pacific/Apia", 0, "2011-12-30T09:59:59.999Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},                   // the 29th
		{"Pacific/Apia", 0, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},                       // the 31st
		{"Pacific/Apia", 6 * hourMs, "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T16:00:00Z"},              // what is left of the 30th
		{"America/St_Johns", 0, "2006-10-29T02:45:00Z", "2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"},                   // from the first midnight on
	} {
		spec := window.Spec{Name: "d", Size: dayMs, Every: dayMs, Offset: c.offset, Location: zone(t, c.zone), Compute: []string{"count"}}
		ring, row := oneRing(t, spec, window.Time{})
		at := change{at: c.at}.time(t)
		ring.Fold(row, at, 1)
		res, ok := ring.Running(row.words, 0, at)
		require.True(t, ok)
		said := [2]string{local(res.Start, time.UTC).Format(time.RFC3339Nano), local(res.End, time.UTC).Format(time.RFC3339Nano)}
		assert.Equal(t, [2]string{c.start, c.end}, said, "%s %d %s", c.zone, c.offset, c.at)
		assert.Equal(t, [2]event.Time{res.Start, res.End}, naiveDays{}.of(spec, at), "naive: %s %d %s", c.zone, c.offset, c.at)
	}
}

// drawDays are days of one zone, and sometimes windows of another kind beside them.
func drawDays(t *rapid.T, z *time.Location) []window.Spec {
	specs := make([]window.Spec, rapid.IntRange(1, 4).Draw(t, "windows"))
	for i := range specs {
		specs[i] = window.Spec{Name: fmt.Sprintf("w%d", i), Size: dayMs, Every: dayMs, Location: z,
			Offset:  rapid.SampledFrom([]event.Time{0, 0, 30 * minuteMs, 2*hourMs + 30*minuteMs, 6 * hourMs, 23*hourMs + 59*minuteMs}).Draw(t, "offset"),
			Compute: rapid.SampledFrom([][]string{{"count"}, {"mean", "last"}, {"last", "max"}}).Draw(t, "compute"),
		}
		if rapid.IntRange(0, 4).Draw(t, "other") == 0 {
			specs[i].Location = nil
		}
	}
	return specs
}

// Days say what the naive model says, wherever and whenever clocks change, with readings that are late and early by hours and days.
func TestDaysEqualModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(changes()).Draw(t, "change")
		specs := drawDays(t, zone(t, c.zone))
		times := window.Time{
			WaitForLate:   rapid.SampledFrom([]event.Time{0, minuteMs, 5 * hourMs, 50 * hourMs}).Draw(t, "wait"),
			MaxFutureSkew: rapid.SampledFrom([]event.Time{0, 5 * minuteMs, 30 * hourMs}).Draw(t, "skew"),
			Backfill:      rapid.SampledFrom([]event.Time{0, 0, hourMs, 3 * dayMs}).Draw(t, "backfill"),
		}
		d, err := newDevice(specs, times)
		require.NoError(t, err)
		m := newModel(specs, times)
		d.digest, m.digest = digestOf, digestOf
		now := c.time(t) - event.Time(rapid.IntRange(0, 60).Draw(t, "before"))*hourMs
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			d.said, m.said = nil, nil
			switch rapid.SampledFrom([]string{"reading", "reading", "reading", "reading", "silent", "gap"}).Draw(t, "move") {
			case "gap":
				now += rapid.SampledFrom([]event.Time{40 * hourMs, 400 * dayMs}).Draw(t, "gap")
			case "silent":
				d.silent()
				m.silent()
			case "reading":
				now += rapid.SampledFrom([]event.Time{0, 1, 29 * minuteMs, hourMs, 7 * hourMs, 23 * hourMs}).Draw(t, "pass")
				if due := m.nextDue(); due != event.Never && due > now && rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
					now = due
				}
				ahead := rapid.SampledFrom([]event.Time{0, 0, -1, -30 * minuteMs, -8 * hourMs, -26 * hourMs, -100 * hourMs, 4 * minuteMs, 29 * hourMs}).Draw(t, "ahead")
				a := operators.Arrival{Append: now, Event: now + ahead}
				v := float64(rapid.IntRange(-9, 9).Draw(t, "value"))
				d.reading(a, v)
				m.reading(a, v)
				requireSamePresent(t, d, m, a.Event)
			}
			requireSame(t, d, m)
		}
	})
}

// A ring of days is as long as it must be for the longest series of dates that can be live at once, and no cell has two of them.
func TestLiveDaysHaveCellsOfTheirOwn(t *testing.T) {
	times := window.Time{WaitForLate: 30_000, MaxFutureSkew: 300_000}
	for _, c := range changes() {
		spec := window.Spec{Name: "d", Size: dayMs, Every: dayMs, Location: zone(t, c.zone), Compute: []string{"count"}}
		ring, _ := oneRing(t, spec, times)
		require.Equal(t, 3, ring.Cells())
		for clock := c.time(t) - 3*dayMs; clock < c.time(t)+3*dayMs; clock += 10 * minuteMs {
			row := newMovingRow(ring.Cells(), ring.Words())
			for at := clock - dayMs - times.WaitForLate; at <= clock+times.MaxFutureSkew; at += hourMs / 2 {
				if !ring.Late(at, clock) {
					ring.Fold(row, at, 1) // panics where it would displace a newer day
				}
			}
		}
	}
}

func TestDaysSharePanesWithTheSameDays(t *testing.T) {
	berlin, again, madrid := zone(t, "Europe/Berlin"), zone(t, "Europe/Berlin"), zone(t, "Europe/Madrid")
	specs := []window.Spec{
		{Name: "a", Location: berlin, Compute: []string{"mean"}},
		{Name: "b", Location: again, Compute: []string{"max"}},
		{Name: "c", Location: madrid, Compute: []string{"mean"}},
		{Name: "d", Location: berlin, Offset: 6 * hourMs, Compute: []string{"mean"}},
		{Name: "e", Compute: []string{"mean"}},
	}
	for i := range specs {
		specs[i].Size, specs[i].Every = dayMs, dayMs
	}
	_, members, err := window.PlanRings(specs, window.Time{})
	require.NoError(t, err)
	assert.Equal(t, [][]int{{0, 1}, {2}, {3}, {4}}, members)
}

// Within wait_for_late the order of arrival changes no day.
func TestOrderOfReadingsChangesNoDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const wait = 20 * hourMs
		c := rapid.SampledFrom(changes()).Draw(t, "change")
		specs := drawDays(t, zone(t, c.zone))
		for i := range specs {
			specs[i].Compute = []string{"count", "min", "max", "mean"}
		}
		begin := c.time(t) - 30*hourMs
		times := rapid.SliceOfN(rapid.IntRange(0, int(60*hourMs)), 1, 30).Draw(t, "times")
		slices.Sort(times)
		finals := func(delay func(i int) int) []string {
			order := make([]int, len(times))
			for i := range order {
				order[i] = i
			}
			slices.SortStableFunc(order, func(a, b int) int { return times[a] + delay(a) - times[b] - delay(b) })
			d, err := newDevice(specs, window.Time{WaitForLate: wait})
			require.NoError(t, err)
			for _, i := range order {
				at := begin + event.Time(times[i])
				d.reading(operators.Arrival{Event: at, Append: begin + 200*hourMs}, float64(times[i]%13))
			}
			d.forget()
			slices.Sort(d.said)
			return d.said
		}
		inOrder := finals(func(int) int { return 0 })
		delays := rapid.SliceOfN(rapid.IntRange(0, int(wait)), len(times), len(times)).Draw(t, "delays")
		require.Equal(t, inOrder, finals(func(i int) int { return delays[i] }))
		require.NotContains(t, inOrder, "late")
	})
}
