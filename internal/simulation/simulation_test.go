package simulation

import (
	"os"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// TestWorlds runs SEEDS worlds (60) from SEED (1) on, each in virtual time, and
// compares what is left of each with the oracle. A world that ends wrongly tells
// its story.
func TestWorlds(t *testing.T) {
	number := func(name string, otherwise uint64) uint64 {
		if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
			return n
		}
		return otherwise
	}
	first := number("SEED", 1)
	seeds := number("SEEDS", 60)
	if os.Getenv("SEED") != "" && os.Getenv("SEEDS") == "" {
		seeds = 1
	}
	for seed := first; seed < first+seeds; seed++ {
		synctest.Test(t, func(t *testing.T) {
			_, err := Run(Options{Seed: seed, Trace: t.Output(), Verbose: os.Getenv("VERBOSE") != ""})
			require.NoError(t, err, "rerun: SEED=%d make sim", seed)
		})
	}
	t.Logf("%d worlds from seed %d on", seeds, first)
}
