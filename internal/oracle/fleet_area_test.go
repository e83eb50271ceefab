package oracle

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// An area is that of each partial by itself, and the mean over time goes by the time that partials span.
func TestAreaOfSeveral(t *testing.T) {
	c := &configs.Window{By: "all"}
	of := func(part int, all []sample) []sample {
		for i := range all {
			all[i].part, all[i].of = part, string(rune('a'+part))
		}
		return all
	}
	all := append(of(1, arrived(0, 2, 10, 4)), of(2, arrived(5, 100))...)
	all = append(all, of(3, arrived(6, 8, 4, 6))...) // arrived in another order
	assert.Equal(t, 30.0+14, compute(c, "integral", all).value)
	assert.InDelta(t, 44.0/12, compute(c, "time_weighted_mean", all).value, 1e-12)
	assert.True(t, compute(c, "integral", all).takes(44) && !compute(c, "integral", all).takes(44.001))
	assert.Equal(t, 51.0, compute(c, "time_weighted_mean", append(of(1, arrived(0, 2)), of(2, arrived(0, 100))...)).value)
	great := append(of(1, arrived(0, 1e308, 10, 1e308)), of(2, arrived(0, 1.5e308, 10, 1.5e308))...)
	assert.InEpsilon(t, 1.25e308, compute(c, "time_weighted_mean", great).value, 1e-12)
	// where no time passes it is the mean, of which any will do where the sum is beyond float64
	assert.True(t, compute(c, "time_weighted_mean", append(of(1, arrived(0, 1e308)), of(2, arrived(5, 1e308))...)).takes(0x1p1023))
	assert.False(t, compute(c, "time_weighted_mean", append(of(1, arrived(0, 1e307)), of(2, arrived(5, 1e307))...)).takes(2e307))
	// the last of one partial came behind more later ones than can be put in order
	late := of(2, arrived(0, 0))
	for i := range mostDisorder + 2 {
		late = append(late, sample{time: event.Time(20_000 - 1000*i), value: 1, order: int64(i + 1), part: 2})
	}
	assert.True(t, compute(c, "integral", append(all, late...)).takes(7))
}
