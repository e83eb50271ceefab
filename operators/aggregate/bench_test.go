package aggregate_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// sensorReadings are those of a sensor in order: 600 different values, a second
// apart.
func sensorReadings(n int) []reading {
	rng := rand.New(rand.NewPCG(3, 4))
	readings := make([]reading, n)
	for i := range readings {
		readings[i] = reading{event.Time(i) * 1000, float64(1700+rng.IntN(600)) / 100}
	}
	return readings
}

// states are the aggregates that stand for those which share their words.
func states() []string {
	return []string{"count", "sum", "min", "range", "first", "last", "delta", "variance", "median", "mode", "distinct", "ewma", "slope", "integral"}
}

func TestNothingAllocates(t *testing.T) {
	readings := sensorReadings(2000)
	for _, name := range everyName() {
		a := newAggregate(t, name)
		w, other, into, i := make([]uint64, a.Words()), fold(a, readings[1000:]), make([]uint64, a.Words()), 0
		assert.Zero(t, testing.AllocsPerRun(900, func() {
			a.Fold(w, aggregate.Sample{Time: readings[i].time, Value: readings[i].value, First: i == 0})
			i++
			a.Merge(into, w, aggregate.Merge{First: true})
			a.Merge(into, other, aggregate.Merge{})
			a.Result(into, uint64(i))
		}), name)
	}
}

// BenchmarkFold folds panes of 1000 readings.
func BenchmarkFold(b *testing.B) {
	readings := sensorReadings(1000)
	for _, name := range states() {
		b.Run(name, func(b *testing.B) {
			a, i := newAggregate(b, name), 0
			w := make([]uint64, a.Words())
			b.ReportAllocs()
			for b.Loop() {
				if i == len(readings) {
					i = 0
					clear(w)
				}
				a.Fold(w, aggregate.Sample{Time: readings[i].time, Value: readings[i].value, First: i == 0})
				i++
			}
			b.ReportMetric(float64(8*a.Words()), "B/pane")
		})
	}
}

// BenchmarkMerge merges two panes of 60 readings each.
func BenchmarkMerge(b *testing.B) {
	readings := sensorReadings(120)
	for _, name := range states() {
		b.Run(name, func(b *testing.B) {
			a := newAggregate(b, name)
			older, newer, into := fold(a, readings[:60]), fold(a, readings[60:]), make([]uint64, a.Words())
			b.ReportAllocs()
			for b.Loop() {
				a.Merge(into, older, aggregate.Merge{First: true})
				a.Merge(into, newer, aggregate.Merge{})
			}
		})
	}
}

func BenchmarkResult(b *testing.B) {
	readings := sensorReadings(1000)
	for _, name := range everyName() {
		b.Run(name, func(b *testing.B) {
			a := newAggregate(b, name)
			w := fold(a, readings)
			b.ReportAllocs()
			for b.Loop() {
				a.Result(w, 1000)
			}
		})
	}
}
