package anomaly_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

// fault changes the value a healthy series would have had; n counts samples since
// it began, and last is the value before it.
type fault struct {
	name string
	base string
	do   func(healthy, last float64, n int) float64
}

func TestPower(t *testing.T) {
	const interval, history, after = event.Time(300_000), 8000, 2000
	shift := func(by float64) func(float64, float64, int) float64 {
		return func(v, _ float64, _ int) float64 { return v + by }
	}
	for _, f := range []fault{
		{"none", "normal", shift(0)},
		{"spike 5", "normal", func(v, _ float64, n int) float64 {
			if n == 0 {
				v += 5
			}
			return v
		}},
		{"spike 8", "normal", func(v, _ float64, n int) float64 {
			if n == 0 {
				v += 8
			}
			return v
		}},
		{"shift 1", "normal", shift(1)},
		{"shift 2", "normal", shift(2)},
		{"shift 4", "normal", shift(4)},
		{"shift 3 in ar0.7", "ar0.7", shift(3)},
		{"ramp .01", "normal", func(v, _ float64, n int) float64 { return v + 0.01*float64(n) }},
		{"ramp .002", "normal", func(v, _ float64, n int) float64 { return v + 0.002*float64(n) }},
		{"stuck", "normal", func(_, last float64, _ int) float64 { return last }},
		{"stuck quantized", "quantized", func(_, last float64, _ int) float64 { return last }},
		{"noise x2", "normal", func(v, _ float64, _ int) float64 { return 20 + 2*(v-20) }},
		{"noise x3", "normal", func(v, _ float64, _ int) float64 { return 20 + 3*(v-20) }},
		{"noise /5", "normal", func(v, _ float64, _ int) float64 { return 20 + (v-20)/5 }},
		{"office spike 20", "office", func(v, _ float64, n int) float64 {
			if n == 0 {
				v += 20
			}
			return v
		}},
		{"office spike 40", "office", func(v, _ float64, n int) float64 {
			if n == 0 {
				v += 40
			}
			return v
		}},
		{"office idle", "office", func(v, _ float64, n int) float64 { return 0 }},
		{"office never idle", "office", func(v, _ float64, n int) float64 { return max(v, 0.3+rand.ExpFloat64()) }},
		{"weak day inverted", "weak_day", func(v, _ float64, n int) float64 {
			return v - 4*math.Sin(2*math.Pi*float64(n+history)*300_000/86_400_000)
		}},
		{"daily flat", "daily", func(v, _ float64, n int) float64 {
			return v - 10*math.Sin(2*math.Pi*float64(n+history)*300_000/86_400_000)
		}},
		{"daily +3", "daily", shift(3)},
		{"daily spike 7", "daily", func(v, _ float64, n int) float64 {
			if n == 0 {
				v += 7
			}
			return v
		}},
	} {
		found, kinds := 0, map[anomaly.Kind]int{}
		var delay float64
		const series = 20
		for k := range series {
			r := rand.New(rand.NewPCG(uint64(k), 3))
			var w world
			for _, x := range worlds() {
				if x.name == f.base {
					w = x
				}
			}
			d := compiled(t, anomaly.Options{})
			words := make([]uint64, d.Words())
			last := 0.0
			for i := range history + after {
				v := w.next(r, i, float64(interval)/float64(anomaly.Day))
				if i >= history {
					v = f.do(v, last, i-history)
				}
				last = v
				got := d.Step(words, event.Time(i)*interval, v)
				if got.Alarm && i >= history {
					found++
					kinds[got.Kind]++
					delay += float64(i - history)
					break
				}
			}
		}
		t.Logf("%-18s found %2d of %d delay %6.1f samples %v", f.name, found, series, delay/float64(found), kinds)
	}
}
