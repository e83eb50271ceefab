package alerts_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts"
)

// A rule that is gone ends its episodes as one whose device is forgotten, but for
// the threshold, of which nothing is left.
func TestAbandonIsForget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, err := alerts.Compile(spec(t))
		require.NoError(t, err)
		w := make([]uint64, rule.Words())
		for _, s := range samples(t) {
			rule.Step(w, s)
			have, open := alerts.Abandon(w, s.Time)
			want, must := rule.Forget(append([]uint64(nil), w...), max(s.Time, rule.View(w).Last))
			require.Equal(t, must, open)
			if !open {
				continue
			}
			require.True(t, math.IsNaN(have.Threshold))
			have.Threshold = want.Threshold
			require.Equal(t, want, have)
		}
	})
}
