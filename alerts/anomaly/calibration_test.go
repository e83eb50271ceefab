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

// TestCalibration counts the alarms of series with nothing wrong.
func TestCalibration(t *testing.T) {
	for _, c := range []struct {
		name     string
		interval event.Time
		per      event.Time
		samples  int
		series   int
	}{
		{"1h/month", anomaly.Hour, anomaly.Month, 8760, 12},
		{"5m/week", 300_000, anomaly.Week, 52_000, 8},
		{"5m/month", 300_000, anomaly.Month, 104_000, 8},
		{"10s/week", 10_000, anomaly.Week, 1_000_000, 2},
	} {
		for _, w := range worlds() {
			d := compiled(t, anomaly.Options{FalseAlarmsPer: c.per})
			r := rand.New(rand.NewPCG(7, 7))
			alarms := map[anomaly.Kind]int{}
			total := 0
			for range c.series {
				words := make([]uint64, d.Words())
				for i := range c.samples {
					v := d.Step(words, event.Time(i)*c.interval, w.next(r, i, float64(c.interval)/float64(anomaly.Day)))
					if v.Alarm {
						alarms[v.Kind]++
						total++
					}
				}
			}
			asked := float64(c.samples*c.series) * float64(c.interval) / float64(c.per)
			t.Logf("%-10s %-11s asked %6.1f had %4d ratio %.2f %v", c.name, w.name, asked, total, float64(total)/asked, alarms)
		}
	}
}
