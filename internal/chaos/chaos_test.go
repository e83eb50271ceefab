//go:build real

package chaos

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

// shortRun is how much of the table the short run takes, by the column Takes.
const shortRun = 150 * time.Second

// script does what a row of the table says, up to and with the check of its end.
type script func(r *round)

// scripts are the functions of the table's rows, by name.
func scripts() map[string]script {
	all := map[string]script{}
	for _, part := range []map[string]script{processScripts(), stateScripts(), clockScripts(), inputScripts(), brokerScripts()} {
		for name, s := range part {
			all[name] = s
		}
	}
	return all
}

func TestEveryFaultHasItsScript(t *testing.T) {
	known := scripts()
	for _, f := range Faults() {
		require.Contains(t, known, f.Name)
		delete(known, f.Name)
	}
	require.Empty(t, known, "scripts without a row in the table")
}

// choice is what is to be run.
type choice struct {
	faults []Fault
	rounds int
	seed   uint64
}

// choose reads FAULT (names with commas between), FAULTS=all, ROUNDS and SEED.
func choose(t *testing.T) choice {
	t.Helper()
	c := choice{rounds: int(number(t, "ROUNDS", 1)), seed: number(t, "SEED", uint64(time.Now().UnixNano()%1_000_000))}
	all := Faults()
	if names := os.Getenv("FAULT"); names != "" {
		for _, name := range strings.Split(names, ",") {
			i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
			require.GreaterOrEqual(t, i, 0, "no fault %q", name)
			c.faults = append(c.faults, all[i])
		}
		return c
	}
	if os.Getenv("FAULTS") == "all" {
		c.faults = all
		return c
	}
	c.faults = sample(all, c.seed)
	return c
}

// sample takes the first fault and others by seed, as many as the short run has time for.
func sample(all []Fault, seed uint64) []Fault {
	left := shortRun
	var chosen []Fault
	rng := rand.New(rand.NewPCG(seed, 0))
	order := append([]int{0}, rng.Perm(len(all))...)
	for i, at := range order {
		f := all[at]
		if f.Long || f.Takes > left || i > 0 && at == 0 {
			continue
		}
		left -= f.Takes
		chosen = append(chosen, f)
	}
	return chosen
}

func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	v, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return v
}

func TestChaos(t *testing.T) {
	realbrokers.Kcat(t)
	c := choose(t)
	binary := rig.BuildWeir(t, rig.BuildOptions{Tags: "chaos"})
	known, seen := scripts(), happened{}
	for _, f := range c.faults {
		t.Run(f.Name, func(t *testing.T) {
			for i := range c.rounds {
				t.Run(strconv.Itoa(i+1), func(t *testing.T) {
					seed := c.seed + uint64(i)
					t.Logf("the same again: FAULT=%s SEED=%d make chaos", f.Name, seed)
					r := &round{t: t, fault: f, binary: binary, rng: rand.New(rand.NewPCG(seed, 1)), seed: seed}
					began := time.Now()
					known[f.Name](r)
					t.Logf("%s: %s, %.1f s", f.Name, r.result, time.Since(began).Seconds())
					require.NotEmpty(t, r.result, "the script ended without a check")
					seen.add(r.seen)
				})
			}
		})
	}
	if len(seen) > 0 && !t.Failed() {
		t.Logf("all rounds have seen: %s", seen)
		seen.require(t)
	}
}
