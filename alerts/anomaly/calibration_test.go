package anomaly_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

func compiled(t testing.TB, o anomaly.Options) *anomaly.Detector {
	t.Helper()
	d, err := anomaly.Compile(o)
	require.NoError(t, err)
	return d
}

// healthy is a fleet of series of one world with nothing wrong.
type healthy struct {
	name     string
	interval event.Time
	per      event.Time // asked for
	samples  int        // of each series
	series   int
	// at says when sample i comes, where samples do not come by the clock.
	at func(r *rand.Rand, i int, last event.Time) event.Time
}

// asked returns how many false alarms the setting stands for.
func (h healthy) asked() float64 {
	return float64(h.samples*h.series) * float64(h.interval) / float64(h.per)
}

// alarms counts the alarms of a world, by kind.
func (h healthy) alarms(t *testing.T, w world) (int, map[anomaly.Kind]int) {
	t.Helper()
	d := compiled(t, anomaly.Options{FalseAlarmsPer: h.per})
	r := rand.New(rand.NewPCG(7, 7))
	kinds, total := map[anomaly.Kind]int{}, 0
	for range h.series {
		words := make([]uint64, d.Words())
		var at event.Time
		for i := range h.samples {
			at += h.interval
			if h.at != nil {
				at = h.at(r, i, at-h.interval)
			}
			phase := int(at / h.interval)
			if v := d.Step(words, at, w.next(r, phase, float64(h.interval)/float64(anomaly.Day))); v.Alarm {
				kinds[v.Kind]++
				total++
			}
		}
	}
	return total, kinds
}

// TestCalibration counts the alarms of series with nothing wrong. Run it with -v to
// see the table of docs/ANOMALY.md.
func TestCalibration(t *testing.T) {
	for _, h := range []healthy{
		{name: "1h/month", interval: anomaly.Hour, per: anomaly.Month, samples: 8760, series: 12},
		{name: "5m/week", interval: 300_000, per: anomaly.Week, samples: 52_000, series: 4},
		{name: "10s/week", interval: 10_000, per: anomaly.Week, samples: 600_000, series: 1},
	} {
		if testing.Short() && h.series == 1 {
			continue
		}
		for _, w := range worlds() {
			total, kinds := h.alarms(t, w)
			ratio := float64(total) / h.asked()
			t.Logf("%-9s %-11s asked %4.0f had %4d: %.2f times %v", h.name, w.name, h.asked(), total, ratio, kinds)
			require.Less(t, ratio, 3.0, "%s %s", h.name, w.name)
			if !w.coarse {
				require.Greater(t, ratio, 1.0/3, "%s %s", h.name, w.name)
			}
		}
	}
}

// TestIrregularSampling counts false alarms of series whose samples come when they
// like: by exponential distances, and with holes of days.
func TestIrregularSampling(t *testing.T) {
	holes := func(_ *rand.Rand, i int, last event.Time) event.Time {
		if i%1000 == 999 {
			return last + 60*anomaly.Hour + 300_000
		}
		return last + 300_000
	}
	scattered := func(r *rand.Rand, _ int, last event.Time) event.Time {
		return last + 1 + event.Time(r.ExpFloat64()*300_000)
	}
	for _, w := range worlds() {
		if w.name != "normal" && w.name != "daily" {
			continue
		}
		h := healthy{interval: 300_000, per: anomaly.Week, samples: 50_000, series: 2}
		for name, at := range map[string]func(*rand.Rand, int, event.Time) event.Time{"holes": holes, "scattered": scattered} {
			h.at = at
			total, kinds := h.alarms(t, w)
			t.Logf("%s %s: asked %.0f had %d %v", w.name, name, h.asked(), total, kinds)
			require.Less(t, float64(total)/h.asked(), 3.0, "%s %s", w.name, name)
		}
	}
}
