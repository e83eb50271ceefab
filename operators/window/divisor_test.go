package window

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

func TestDivisorEqualsDivision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		by := event.Time(rapid.Int64Range(1, int64(maxSpan)).Draw(t, "by"))
		d := newDivisor(by)
		// Quotients change at multiples, and what is exact ends at the limit.
		near := rapid.SampledFrom([]int64{0, int64(by), int64(d.exact >> 1), int64(by) * 1_000_003, 1_772_366_400_000, -int64(by)}).Draw(t, "near")
		at := event.Time(near + rapid.Int64Range(-3, 3).Draw(t, "off"))
		if rapid.Bool().Draw(t, "anywhere") {
			at = event.Time(rapid.Int64Range(math.MinInt64/2, math.MaxInt64/2).Draw(t, "at"))
		}
		want := new(big.Int).Div(big.NewInt(int64(at)), big.NewInt(int64(by))) // Euclidean: rounds down, for the divisor is positive
		require.Equal(t, want.Int64(), d.floor(at), "%d / %d", at, by)
	})
}
