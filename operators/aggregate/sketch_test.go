package aggregate_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

// The words follow from the readings, not from their order nor from the panes they
// came in, and the level is the least that will do.
func TestSketchIsAFunctionOfItsReadings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newAggregate(t, "median")
		decades := rapid.IntRange(0, 600).Draw(t, "decades")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		readings := make([]reading, rapid.IntRange(1, 600).Draw(t, "readings"))
		for i := range readings {
			v := math.Pow(10, (rng.Float64()-0.5)*float64(decades))
			readings[i] = reading{event.Time(i), math.Copysign(v, rng.Float64()-0.3)}
		}
		w := fold(a, readings)
		level, _ := newTruth(readings).level()
		require.Equal(t, uint64(level), w[0]>>8)
		require.Equal(t, w, foldPanes(a, readings, event.Time(rapid.IntRange(1, 300).Draw(t, "pane"))))
		rng.Shuffle(len(readings), func(i, j int) { readings[i], readings[j] = readings[j], readings[i] })
		require.Equal(t, w, fold(a, readings))
	})
}

// Where all is within reach of both, DDSketch and this say the same within twice
// the error.
func TestSketchAgainstDDSketch(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	theirs, err := ddsketch.NewDefaultDDSketch(0.01)
	require.NoError(t, err)
	readings := make([]reading, 20_000)
	for i := range readings {
		readings[i] = reading{event.Time(i), 20 + 5*rng.NormFloat64()}
		readings[i].value = max(5, min(readings[i].value, 50))
		require.NoError(t, theirs.Add(readings[i].value))
	}
	for name, q := range map[string]float64{"p00": 0, "p05": 0.05, "p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999} {
		a := newAggregate(t, name)
		w := fold(a, readings)
		require.Zero(t, w[0]>>8, "the values fall into 126 buckets")
		want, err := theirs.GetValueAtQuantile(q)
		require.NoError(t, err)
		assert.InEpsilon(t, want, a.Result(w, uint64(len(readings))), 0.0205, name)
	}
}

// Buckets end with a power of g, which belongs to the lower one, and no value of
// one is further from its result than the error.
func TestBucketsKeepTheError(t *testing.T) {
	median := newAggregate(t, "median")
	for _, edge := range []float64{1e-100, 1e-9, 0.5, 1, 20, 1e17, 1e300, math.MaxFloat64} {
		for _, v := range []float64{math.Nextafter(edge, 0), edge, -edge, math.Nextafter(edge, 2*edge)} {
			if math.Abs(v) < 1e-100 || math.IsInf(v, 0) {
				continue
			}
			// Neighbours far enough that the result is not cut to the least and
			// the greatest value.
			w := fold(median, []reading{{0, v / 8}, {1, v}, {2, v / 4 * 3 * (4. / 3)}})
			got := median.Result(w, 3)
			assert.InEpsilon(t, v, got, 0.01*(1+1e-9))
		}
	}
	one := fold(median, []reading{{0, 0.5}, {1, 1}, {2, 2}})
	index := int64(one[4]>>40) - 1<<22 - 1<<20
	assert.Zero(t, index, "1 is g^0")
}

func TestQuantilesOfExtremes(t *testing.T) {
	for name, want := range map[string]float64{"p00": -math.MaxFloat64, "median": 0, "p999": 0} {
		a := newAggregate(t, name)
		w := fold(a, aSecondApart([]float64{0, 5e-324, -math.MaxFloat64, math.Copysign(0, -1), math.MaxFloat64}))
		assert.InEpsilon(t, 1+want, 1+a.Result(w, 5), 0.01, name)
	}
	a := newAggregate(t, "p999")
	assert.Equal(t, 37.2, a.Result(fold(a, aSecondApart(slices.Repeat([]float64{37.2}, 50))), 50), "a constant is told exactly")
}

// Every part of the range with numbers in it: level after level, until the whole
// of float64 shares 126 buckets.
func TestSketchOfAllMagnitudes(t *testing.T) {
	var values []float64
	for e := -323.0; e <= 308; e += 0.01 {
		values = append(values, math.Pow(10, e), -math.Pow(10, e))
	}
	readings := aSecondApart(values)
	truth := newTruth(readings)
	for _, name := range percentiles() {
		a := newAggregate(t, name)
		within(t, truth.of(name), a.Result(fold(a, readings), uint64(len(readings))), name)
	}
	level, _ := truth.level()
	assert.Equal(t, 10, level)
}
