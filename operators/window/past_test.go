package window_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

// What Past tells is what the readings were, window by window, without a hole, and holds at least every window that can still be
// revised. It writes nothing.
func TestPastEqualsReadings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs, times := drawSpecs(t), drawTime(t)
		d, err := newDevice(specs, times)
		require.NoError(t, err)
		folded := make([][]sample, len(d.rings))
		now := event.Time(rapid.SampledFrom([]int{0, 1000}).Draw(t, "begin"))
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now += event.Time(rapid.SampledFrom([]int{0, 1, 2, 4, 4, 4, 40}).Draw(t, "pass"))
			a := operators.Arrival{Append: now, Event: max(0, now+event.Time(rapid.IntRange(-25, 3).Draw(t, "ahead")))}
			for k, r := range d.rings {
				if !a.Future(times.MaxFutureSkew) && !r.Late(a.Event, d.clock) {
					folded[k] = append(folded[k], sample{a.Event, float64(len(folded[k]))})
				}
			}
			d.reading(a, 1)
			for k, r := range d.rings {
				for i, member := range d.member[k] {
					requirePast(t, pastOf{device: d, ring: r, row: d.rows[k], at: i, spec: specs[member], time: times}, folded[k])
				}
			}
		}
	})
}

// pastOf is a window of a ring.
type pastOf struct {
	*device
	ring *window.Ring
	row  *movingRow
	at   int
	spec window.Spec
	time window.Time
}

func requirePast(t *rapid.T, o pastOf, readings []sample) {
	count := func(end event.Time) (n uint64) {
		for _, s := range readings {
			if s.time < end && s.time >= end-o.spec.Size {
				n++
			}
		}
		return n
	}
	writes := o.row.writes
	past := o.ring.Past(o.row.words, window.Past{Window: o.at, Clock: o.clock, Most: 1000, Panes: 100_000})
	require.Equal(t, writes, o.row.writes)
	closed := o.clock - o.time.WaitForLate
	end := o.spec.Offset // the greatest end by then
	for end-1_000_000*o.spec.Every > closed {
		end -= 1_000_000 * o.spec.Every
	}
	end += (closed - end) / o.spec.Every * o.spec.Every
	for end > closed {
		end -= o.spec.Every
	}
	for len(past) > 0 || end > closed-o.time.Backfill {
		if n := count(end); n > 0 {
			require.NotEmpty(t, past, "the window that ends at %d is missing at clock %d", end, o.clock)
			last := past[len(past)-1]
			require.Equal(t, []any{end - o.spec.Size, end, n}, []any{last.Start, last.End, last.Count})
			past = past[:len(past)-1]
		}
		if end -= o.spec.Every; end < -100 {
			require.Empty(t, past)
			return
		}
	}
}

// Days are as long as they are, and a list is as long as was asked for.
func TestPastDays(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	day := event.Time(24 * time.Hour.Milliseconds())
	specs := []window.Spec{{Name: "day", Size: day, Every: day, Location: zone, Compute: []string{"sum"}}}
	d, err := newDevice(specs, window.Time{Backfill: 5 * day})
	require.NoError(t, err)
	at := func(date int) event.Time { return event.Time(time.Date(2026, 3, date, 12, 0, 0, 0, zone).UnixMilli()) }
	for date := 26; date <= 31; date++ {
		d.reading(operators.Arrival{Append: at(date), Event: at(date)}, float64(date))
	}
	past := d.rings[0].Past(d.rows[0].words, window.Past{Clock: d.clock, Most: 60, Panes: 2000})
	var sums []float64
	for _, r := range past {
		sums = append(sums, r.Values[0])
	}
	require.Equal(t, []float64{26, 27, 28, 29, 30}, sums)
	require.Equal(t, 23*time.Hour.Milliseconds(), int64(past[3].End-past[3].Start), "the clocks were put forward")
	past = d.rings[0].Past(d.rows[0].words, window.Past{Clock: d.clock, Most: 2, Panes: 2000})
	require.Equal(t, []float64{29, 30}, []float64{past[0].Values[0], past[1].Values[0]})
	require.Len(t, d.rings[0].Past(d.rows[0].words, window.Past{Clock: d.clock, Most: 60, Panes: 3}), 3)
	require.Empty(t, d.rings[0].Past(make([]uint64, len(d.rows[0].words)), window.Past{Clock: d.clock, Most: 60, Panes: 3}))
}
