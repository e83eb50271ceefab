package anomaly_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

// fault changes the value a healthy series would have had; n counts samples since
// it began, and last is the value before. Of twenty series found must alarm, on the
// mean within delay samples, mostly as kind.
type fault struct {
	name, base string
	do         func(v, last float64, n int) float64
	found      int
	delay      float64
	kind       anomaly.Kind
}

const (
	faultInterval = event.Time(300_000)
	faultHistory  = 8000
)

func step(by float64) func(v, last float64, n int) float64 {
	return func(v, _ float64, _ int) float64 { return v + by }
}

func once(by float64) func(v, last float64, n int) float64 {
	return func(v, _ float64, n int) float64 {
		if n == 0 {
			return v + by
		}
		return v
	}
}

func ramp(by float64) func(v, last float64, n int) float64 {
	return func(v, _ float64, n int) float64 { return v + by*float64(n) }
}

func spread(by float64) func(v, last float64, n int) float64 {
	return func(v, _ float64, _ int) float64 { return 20 + by*(v-20) }
}

func stuck(_, last float64, _ int) float64 { return last }

// tide is the daily wave of the worlds at the n-th sample of a fault.
func tide(n int) float64 {
	return math.Sin(2 * math.Pi * float64((n+faultHistory)%288) / 288)
}

func faults() []fault {
	return []fault{
		{"spike of 8", "normal", once(8), 20, 0, anomaly.Spike},
		{"spike of 20", "office", once(20), 20, 0, anomaly.Spike},
		{"shift by 1", "normal", step(1), 19, 40, anomaly.LevelShift},
		{"shift by 2", "normal", step(2), 20, 10, anomaly.LevelShift},
		{"shift by 4", "normal", step(4), 20, 3, anomaly.Spike},
		{"shift by 3", "ar0.7", step(3), 19, 40, anomaly.LevelShift},
		{"ramp of 0.01", "normal", ramp(0.01), 20, 120, anomaly.Drift},
		{"ramp of 0.002", "normal", ramp(0.002), 19, 350, anomaly.Drift},
		{"stuck", "normal", stuck, 20, 14, anomaly.Stuck},
		{"stuck", "quantized", stuck, 19, 25, anomaly.Stuck},
		{"noise times 3", "normal", spread(3), 20, 5, anomaly.Spike},
		{"noise / 5", "normal", spread(0.2), 20, 40, anomaly.Noise},
		{"day shifted by 3", "daily", step(3), 20, 10, anomaly.Seasonal},
		{"day left out", "daily", func(v, _ float64, n int) float64 { return v - 10*tide(n) }, 20, 5, anomaly.Spike},
		{"day inverted", "weak_day", func(v, _ float64, n int) float64 { return v - 4*tide(n) }, 19, 10, anomaly.Seasonal},
		{"never idle", "office", func(v, _ float64, _ int) float64 { return max(v, 1) }, 19, 100, anomaly.Seasonal},
	}
}

// meeting is how one series meets a fault.
type meeting struct {
	kind   anomaly.Kind
	delay  int // of the first alarm, in samples; -1 where there is none
	alarms int
}

func (f fault) meet(d *anomaly.Detector, seed uint64, samples int) meeting {
	r := rand.New(rand.NewPCG(seed, 3))
	w := worldOf(f.base)
	words := make([]uint64, d.Words())
	m, last := meeting{delay: -1}, 0.0
	for i := range faultHistory + samples {
		v := w.next(r, i, 1.0/288)
		if i >= faultHistory {
			v = f.do(v, last, i-faultHistory)
		}
		last = v
		got := d.Step(words, event.Time(i)*faultInterval, v)
		if !got.Alarm || i < faultHistory {
			continue
		}
		m.alarms++
		if m.delay < 0 {
			m.delay, m.kind = i-faultHistory, got.Kind
		}
	}
	return m
}

// TestDetection measures how soon faults are found at the default setting, by a
// series read every 5 minutes for four weeks. Run it with -v to see the table of
// docs/ANOMALY.md.
func TestDetection(t *testing.T) {
	d := compiled(t, anomaly.Options{})
	for _, f := range faults() {
		found, delay, kinds := 0, 0.0, map[anomaly.Kind]int{}
		for seed := range uint64(20) {
			if m := f.meet(d, seed, 600); m.delay >= 0 {
				found++
				delay += float64(m.delay)
				kinds[m.kind]++
			}
		}
		delay /= float64(max(1, found))
		t.Logf("%-16s in %-9s found %2d of 20 after %6.1f samples %v", f.name, f.base, found, delay, kinds)
		require.GreaterOrEqual(t, found, f.found, f.name)
		require.LessOrEqual(t, delay, f.delay, f.name)
		for kind, n := range kinds {
			require.LessOrEqual(t, n, kinds[f.kind], "%s is mostly a %v, not %v", f.name, kind, f.kind)
		}
	}
}

// TestOneAlarmAFault runs long behind a fault that stays: what stays becomes ordinary
// and does not alarm again.
func TestOneAlarmAFault(t *testing.T) {
	d := compiled(t, anomaly.Options{})
	for _, f := range []fault{
		{name: "shift", base: "normal", do: step(6)},
		{name: "small shift", base: "normal", do: step(1.5)},
		{name: "stuck", base: "normal", do: stuck},
		{name: "day shifted", base: "daily", do: step(5)},
	} {
		alarms := 0
		for seed := range uint64(20) {
			alarms += f.meet(d, seed, 2500).alarms
		}
		t.Logf("%s: %d alarms of 20 series", f.name, alarms)
		require.GreaterOrEqual(t, alarms, 20, f.name)
		require.LessOrEqual(t, alarms, 20+15, f.name) // of chance 6 in 8.7 days of 20 series
	}
}
