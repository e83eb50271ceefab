package aggregate_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/axiomhq/hyperloglog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

// Exact as far as promised, and then within a few standard errors, whatever the
// values: neighbours, whole numbers, random ones.
func TestDistinct(t *testing.T) {
	a := newAggregate(t, "distinct")
	rng := rand.New(rand.NewPCG(7, 8))
	for kind, value := range map[string]func(i int) float64{
		"whole":      func(i int) float64 { return float64(i) },
		"neighbours": func(i int) float64 { return math.Float64frombits(math.Float64bits(20) + uint64(i)) },
		"random":     func(int) float64 { return rng.NormFloat64() },
	} {
		w, worst := make([]uint64, a.Words()), 0.0
		for i := range 50_000 {
			foldInto(a, w, reading{event.Time(i), value(i)})
			n := i + 1
			if n <= 120 {
				require.Equal(t, float64(n), a.Result(w, uint64(n)), kind)
			} else if n%97 == 0 {
				worst = max(worst, math.Abs(a.Result(w, uint64(n))/float64(n)-1))
			}
		}
		assert.Less(t, worst, 0.12, kind)
		assert.NotZero(t, worst)
	}
}

// The error over many sets is the one that is promised, and there is no bias; nor
// is it worse than that of a sketch sixteen times as large would let expect.
func TestDistinctError(t *testing.T) {
	a := newAggregate(t, "distinct")
	rng := rand.New(rand.NewPCG(9, 10))
	for _, n := range []int{150, 1000, 3000, 10_000} {
		var sum, squares, apart float64
		const rounds = 80
		for range rounds {
			w, theirs := make([]uint64, a.Words()), hyperloglog.New14()
			var key [8]byte
			for i := range n {
				v := rng.Float64()
				foldInto(a, w, reading{event.Time(i), v})
				if n <= 1000 {
					binary.LittleEndian.PutUint64(key[:], math.Float64bits(v))
					theirs.Insert(key[:])
				}
			}
			got := a.Result(w, uint64(n))
			off := got/float64(n) - 1
			sum, squares = sum+off, squares+off*off
			if n <= 1000 {
				apart = max(apart, math.Abs(got/float64(theirs.Estimate())-1))
			}
		}
		assert.InDelta(t, 0, sum/rounds, 4*0.033/math.Sqrt(rounds), "bias at %d", n)
		assert.Less(t, math.Sqrt(squares/rounds), 0.033*1.2, "error at %d", n)
		assert.Less(t, apart, 0.15, "at %d", n)
	}
}

// The last set that is held exactly, however it comes together, and the next.
func TestDistinctAtTheLimit(t *testing.T) {
	a := newAggregate(t, "distinct")
	for values, held := range map[int]uint64{119: 119, 120: 120, 121: 121, 122: 121} {
		readings := make([]reading, 3*values)
		for i := range readings {
			readings[i] = reading{event.Time(i), float64(i%values) - 60}
		}
		w := fold(a, readings)
		assert.Equal(t, held, w[0], values)
		for _, length := range []event.Time{1, 60, 119, 200} {
			assert.Equal(t, w, foldPanes(a, readings, length), "%d values in panes of %d", values, length)
		}
	}
}

// The words follow from the set of values: exact into registers, registers into
// exact, and both into their kind.
func TestDistinctIsAFunctionOfTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newAggregate(t, "distinct")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		values := rapid.SampledFrom([]int{3, 100, 120, 121, 130, 1000}).Draw(t, "values")
		readings := make([]reading, rapid.IntRange(1, 800).Draw(t, "readings"))
		for i := range readings {
			readings[i] = reading{event.Time(i), float64(rng.IntN(values) - values/2)}
		}
		w := fold(a, readings)
		require.Equal(t, w, foldPanes(a, readings, event.Time(rapid.SampledFrom([]int{1, 50, 130, 400}).Draw(t, "pane"))))
		slices.Reverse(readings)
		require.Equal(t, w, fold(a, readings))
	})
}
