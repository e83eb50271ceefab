package alerts_test

import (
	"testing"

	"github.com/weirstream/weir/alerts"
)

// BenchmarkStep is the cost of a sample for one rule of one device, as a task
// takes it: a rule that stays quiet is not stepped. B/device is what the rule
// keeps for every device.
func BenchmarkStep(b *testing.B) {
	one := alerts.Spec{Levels: []alerts.Level{{Above: ptr(8)}}}
	latching := alerts.Spec{Levels: []alerts.Level{{Above: ptr(8), ClearBelow: ptr(6)}}}
	two := alerts.Spec{Levels: []alerts.Level{{Above: ptr(8), ClearBelow: ptr(7)}, {Above: ptr(10), ClearBelow: ptr(8)}}}
	held := alerts.Spec{Levels: []alerts.Level{{Above: ptr(8), ClearBelow: ptr(7), Hold: 8}}}
	for _, c := range []struct {
		name   string
		rule   *alerts.Rule
		values [16]float64 // of samples 4 ms apart, over and over
	}{
		{"rule=threshold/samples=quiet", compiled(b, one), [16]float64{3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 4, 5, 6, 7, 8}},
		{"rule=threshold/samples=firing", compiled(b, one), [16]float64{9, 10, 11, 12, 9, 10, 11, 12, 9, 10, 11, 12, 9, 10, 11, 12}},
		{"rule=threshold/samples=crossing", compiled(b, one), [16]float64{9, 5, 9, 5, 9, 5, 9, 5, 9, 5, 9, 5, 9, 5, 9, 5}},
		// Without clear_below every fall to 7 would end an episode.
		{"rule=hysteresis/samples=swinging", compiled(b, latching), [16]float64{9, 7, 9, 7, 9, 7, 9, 7, 9, 7, 9, 7, 9, 7, 9, 5}},
		{"rule=two-levels/samples=quiet", compiled(b, two), [16]float64{3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 4, 5, 6, 7, 8}},
		{"rule=two-levels/samples=crossing", compiled(b, two), [16]float64{5, 9, 11, 11, 9, 7.5, 5, 5, 5, 9, 11, 11, 9, 7.5, 5, 5}},
		{"rule=hold/samples=crossing", compiled(b, held), [16]float64{9, 5, 9, 9, 5, 9, 9, 9, 9, 7.5, 9, 5, 5, 9, 9, 5}},
		{"rule=everything/samples=crossing", busy(b), [16]float64{3, 9, 9, 11, 13, 13, 13, 9, 8, 5, 5, 5, 5, 5, 5, 5}},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := make([]uint64, c.rule.Words())
			s := alerts.Sample{Value: c.values[15]}
			c.rule.Step(w, s) // the first episode begins before the clock runs
			events := 0
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.Time += 4
				s.Value = c.values[i&15]
				if c.rule.Quiet(w, s.Value) {
					continue
				}
				_, ev := c.rule.Step(w, s)
				events += ev.N
			}
			b.ReportMetric(float64(events)/float64(b.N), "events/op")
			b.ReportMetric(float64(8*c.rule.Words()), "B/device")
		})
	}
}
