package engine

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// longRows is a pipeline whose windows take some 380 kB of each device.
var longRows = withLine(withLine(patient, "tumbling: 1s", "hopping: {size: 3m, every: 1s}"), "[count, sum, mean, min, max, last]", "[count, p95, distinct]")

// wanderings are readings of devices that speak in turn, values all over a range.
func wanderings(devices, rounds int) []string {
	r := rand.New(rand.NewPCG(4, 5))
	start := time.Now().Add(-time.Hour).UnixMilli()
	var lines []string
	for i := range rounds {
		for d := range devices {
			lines = append(lines, reading{fmt.Sprintf("pump-%03d", d), start + int64(i)*1_300, float64(r.IntN(900)) / 10, i}.String())
		}
	}
	return lines
}

// Windows of many panes with percentiles and distinct counts, in a fraction of the
// memory they take, over Badger: what is dropped and read back, saved, replayed, and
// restored from the journal alone gives the results of a process that had the room
// and was never stopped; and memory is kept to.
func TestLongRowsInLittleMemory(t *testing.T) {
	const devices, rounds, memory = 60, 40, 4 << 20
	lines := wanderings(devices, rounds)
	whole := newBench(t, benchOptions{pipeline: longRows})
	whole.produce(0, lines...)
	whole.fold(newMemoryStore())

	b := newBench(t, benchOptions{pipeline: longRows})
	b.plan.Pipeline.State.Memory = memory
	row := int64(b.plan.Layout.RowBytes())
	require.Greater(t, devices*row, int64(4*memory), "the state is larger than its memory")
	dir := t.TempDir()
	var checkpoints atomic.Int32
	var most int64
	for i := range 4 {
		if i == 2 {
			dir = t.TempDir() // the disk is lost
		}
		store := openDisk(t, dir)
		o := b.options(store)
		o.Failpoint = func(p string, _ int32) {
			if p == "marked" {
				checkpoints.Add(1)
			}
		}
		run := b.start(o)
		part := len(lines) / 4
		for k := i * part; k < (i+1)*part; k += part / 5 {
			b.produce(0, lines[k:k+part/5]...)
			run.settled(0, int64(k+part/5))
			most = max(most, run.engine.Status()[0].ResidentBytes)
		}
		require.NoError(t, run.wait())
		require.NoError(t, store.Store.Close())
	}
	t.Logf("%d devices of %d kB in %d kB: at most %d kB, %d checkpoints", devices, row>>10, memory>>10, most>>10, checkpoints.Load())
	require.Less(t, most, memory+leastChunk*row)
	sameLines(t, "aggregates", whole.read("aggregates", 0), b.read("aggregates", 0))
	sameLines(t, "alerts", timeless(whole.read("alerts", 0)), timeless(b.read("alerts", 0)))
	require.NotEmpty(t, whole.read("aggregates", 0))
}
