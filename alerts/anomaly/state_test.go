package anomaly

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestHalves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := state{w: new([words]uint64)}
		values := rapid.SliceOfN(rapid.Float64Range(-1e301, 1e301), 4, 4).Draw(t, "values")
		for i, v := range values {
			s.setHalf(0, i, v)
		}
		for i, v := range values {
			if math.Abs(v) > 1e-300 {
				require.InEpsilon(t, v, s.half(0, i), 5e-7)
			}
		}
	})
}

// TestZeroBucket draws a profile with a bucket that says zero: it is not taken for
// one never visited.
func TestZeroBucket(t *testing.T) {
	s := state{w: new([words]uint64)}
	p := ofDay()
	half := Hour / 2
	p.commit(s, 0, 5, 0, 0)
	require.Equal(t, 5.0, p.at(s, half/2), "the middle of the bucket")
	require.Equal(t, 5.0, p.at(s, half), "an unvisited neighbour counts as the bucket")
	p.commit(s, 1, 0, 0, 0)
	require.Equal(t, 2.5, p.at(s, half))
	require.Equal(t, 0.0, p.at(s, half+half/2))
	require.Equal(t, 0.0, p.at(s, 2*half))
	require.InDelta(t, 5.0/48, s.float(wordMeans), 1e-6)
}

// TestUnrestIsFinite looks at a series that was all but at rest.
func TestUnrestIsFinite(t *testing.T) {
	s := state{w: new([words]uint64)}
	s.w[wordCount], s.w[wordRun] = 1000, 1
	s.setFloat(wordInterval, 1000)
	s.setFloat(wordNoise, 1)
	s.setFloat(wordNoise+1, 5e-324)
	require.False(t, math.IsInf(s.unrest(0, 1e-9), 0))
}

// TestReturnLevel compares the level with that of the distribution the maxima are of.
func TestReturnLevel(t *testing.T) {
	gumbel := func(p float64) float64 { return 10 - math.Log(-math.Log1p(-p)) }
	maxima := func() []float64 {
		rising := make([]float64, 64)
		for i := range rising {
			rising[i] = gumbel(1 - (float64(i)+0.5)/64)
		}
		return rising
	}
	for _, p := range []float64{0.1, 0.01, 0.002} {
		require.InEpsilon(t, gumbel(p), returnLevel(maxima(), p), 0.05, "%v", p)
	}
	require.Greater(t, returnLevel(maxima(), 1e-5), gumbel(1e-5), "what lies far beyond the history is not trusted")
	clean := returnLevel(maxima(), 0.002)
	for n, want := range []bool{true, true, true, false} {
		spoiled := maxima()
		for i := range n {
			spoiled[63-i] = 1000
		}
		require.Equal(t, want, returnLevel(spoiled, 0.002) < 1.2*clean, "%d outliers", n)
	}
	require.Zero(t, returnLevel(make([]float64, 64), 0.01))
}
