package fleet

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

const start = event.Time(1_700_000_000_000)

func faulty() Options {
	return Options{
		Devices: 50, Seed: 7, Rate: 500, Start: start,
		Duplicates: 0.05, Late: 0.02, Future: 0.01, OutOfOrder: 0.03, Overheating: 3,
	}
}

func take(t *testing.T, o Options, n int) []Reading {
	t.Helper()
	f, err := New(o)
	require.NoError(t, err)
	out := make([]Reading, n)
	for i := range out {
		out[i] = f.Next()
	}
	return out
}

func TestTheSeedDecidesEverything(t *testing.T) {
	first, second := take(t, faulty(), 5000), take(t, faulty(), 5000)
	assert.Equal(t, first, second)
	other := faulty()
	other.Seed = 8
	assert.NotEqual(t, first, take(t, other, 5000))
}

// The clock moves times and nothing else.
func TestTheStartMovesTimesOnly(t *testing.T) {
	later := faulty()
	later.Start += 12_345
	for i, r := range take(t, later, 5000) {
		want := take(t, faulty(), 5000)[i]
		want.Time += 12_345
		want.Due += 12_345
		require.Equal(t, want, r)
		if i == 20 {
			break
		}
	}
}

func TestFaultsAreWhatTheySayTheyAre(t *testing.T) {
	const n = 100_000
	o := faulty()
	type state struct {
		seen map[int64]Reading
		last Reading // in good order
	}
	devices := map[string]*state{}
	counts := map[Truth]int{}
	due := event.Time(0)
	for _, r := range take(t, o, n) {
		counts[r.Truth]++
		require.GreaterOrEqual(t, r.Due+1, due, "readings are due one after the other")
		due = r.Due
		d := devices[r.Device]
		if d == nil {
			d = &state{seen: map[int64]Reading{}}
			devices[r.Device] = d
			require.Equal(t, Good, r.Truth, "the first reading of a device")
			require.Zero(t, r.Seq)
		}
		before, repeated := d.seen[r.Seq]
		require.Equal(t, r.Truth == Duplicate, repeated)
		switch r.Truth {
		case Good:
			require.Equal(t, r.Time, r.Due)
			require.Greater(t, r.Time, d.last.Time)
			d.last = r
		case Duplicate:
			require.Equal(t, d.last, before, "the last one in good order")
			require.JSONEq(t, string(before.AppendJSON(nil)), string(r.AppendJSON(nil)))
		case Late:
			require.Equal(t, r.Due-event.Time((2*time.Hour).Milliseconds()), r.Time)
		case Future:
			require.Equal(t, r.Due+event.Time(time.Hour.Milliseconds()), r.Time)
		case OutOfOrder:
			require.Equal(t, d.last.Seq-1, r.Seq, "overtaken by the one after it")
			require.Less(t, r.Time, d.last.Time)
		}
		if !repeated {
			d.seen[r.Seq] = r
		}
	}
	for truth, fraction := range map[Truth]float64{
		Duplicate: o.Duplicates, Late: o.Late, Future: o.Future, OutOfOrder: o.OutOfOrder,
	} {
		assert.InEpsilon(t, fraction*n, counts[truth], 0.1, "truth %d", truth)
	}
	for name, d := range devices {
		// All numbers are there; one may still be held back.
		most := int64(0)
		for seq := range d.seen {
			most = max(most, seq)
		}
		assert.GreaterOrEqual(t, len(d.seen), int(most), name)
	}
	assert.Len(t, devices, o.Devices)
}

func TestOverheatingDevicesRiseAndComeBack(t *testing.T) {
	o := Options{Devices: 20, Seed: 3, Rate: 200, Start: start, Overheating: 2}
	f, err := New(o)
	require.NoError(t, err)
	hot := f.Overheating()
	require.Len(t, hot, 2)
	highest := map[string]float64{}
	after := map[string]float64{}
	for range 60 * 200 {
		r := f.Next()
		require.InDelta(t, r.Value, math.Round(r.Value*10)/10, 1e-9)
		since := time.Duration(r.Time-start) * time.Millisecond
		if since < 4*time.Second {
			require.Less(t, r.Value, 40.0, "too early to be hot")
		}
		highest[r.Device] = max(highest[r.Device], r.Value)
		if since > 25*time.Second {
			after[r.Device] = max(after[r.Device], r.Value)
		}
	}
	for name, value := range highest {
		if name == hot[0] || name == hot[1] {
			assert.Greater(t, value, 85.0, name)
			assert.Less(t, after[name], 40.0, name)
		} else {
			assert.Less(t, value, 40.0, name)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, "fleet: devices=0 must be at least 1"},
		{Options{Devices: 1, Overheating: 2}, "fleet: overheating=2 must be 0 to devices=1"},
		{Options{Devices: 1, Late: 1.5}, "fleet: fraction 1.5 must be 0 to 1"},
		{Options{Devices: 1, Late: math.NaN()}, "fleet: fraction NaN must be 0 to 1"},
		{Options{Devices: 1, Late: 0.75, Future: 0.5}, "fleet: fractions add up to 1.25, more than 1"},
		{Options{Devices: 1, Rate: -1}, "fleet: rate=-1 must not be negative"},
		{Options{Devices: 1, HeatFor: time.Hour}, "fleet: devices that overheat must cool down before they overheat again"},
	} {
		_, err := New(c.o)
		assert.EqualError(t, err, c.want)
	}
}

func TestReadingAsJSON(t *testing.T) {
	r := Reading{Device: "käse\n\"1\"", Metric: "temperature", Seq: 12, Time: 1_700_000_000_007, Value: 21}
	got := string(r.AppendJSON(nil))
	assert.Equal(t, `{"device":"käse\n\"1\"","metric":"temperature","ts":"2023-11-14T22:13:20.007Z","value":21.0,"seq":12}`, got)
	assert.True(t, json.Valid([]byte(got)))
	m := Message{Device: "d1", Site: "site-03"}
	assert.Equal(t, "plant/site-03/d1/telemetry", m.Topic())
}

func BenchmarkFleet(b *testing.B) {
	for _, devices := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(devices), func(b *testing.B) {
			b.ReportAllocs()
			o := faulty()
			o.Devices = devices
			f, err := New(o)
			require.NoError(b, err)
			buf := make([]byte, 0, 256)
			for b.Loop() {
				buf = f.Next().AppendJSON(buf[:0])
			}
		})
	}
}
