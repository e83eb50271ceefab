package anomaly_test

import (
	"math/rand/v2"
	"testing"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

// BenchmarkStep is the cost of a sample of one series. B/series is what is kept of
// it, hot-B/series how much of that a sample may change.
func BenchmarkStep(b *testing.B) {
	for _, w := range worlds() {
		switch w.name {
		case "normal", "daily", "constant":
		default:
			continue
		}
		b.Run("series="+w.name, func(b *testing.B) {
			const interval = 60_000
			r := rand.New(rand.NewPCG(1, 2))
			var values [1 << 14]float64
			for i := range values {
				values[i] = w.next(r, i, float64(interval)/float64(anomaly.Day))
			}
			d := compiled(b, anomaly.Options{})
			words := make([]uint64, d.Words())
			at, alarms := event.Time(0), 0
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at += interval
				if d.Step(words, at, values[i%len(values)]).Alarm {
					alarms++
				}
			}
			b.ReportMetric(float64(8*d.Words()), "B/series")
			b.ReportMetric(float64(8*d.HotWords()), "hot-B/series")
		})
	}
}
