package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReadingsBecomeAggregatesAndAlerts(t *testing.T) {
	b := newBench(t, benchOptions{})
	run := b.start(b.options(newMemoryStore()))
	now := time.Now().UnixMilli() / 1000 * 1000
	var input []string
	for i := range 40 {
		input = append(input, reading{"pump-1", now - 20_000 + int64(i)*250, float64(i) + 50, i}.String())
	}
	b.produce(0, input...)
	run.settled(0, 40)
	require.NoError(t, run.wait())

	aggregates := b.read("aggregates", 0)
	require.Len(t, aggregates, 8, "ten windows, of which the last two wait for late readings")
	require.Contains(t, aggregates[0], `"count":4,"sum":206,"mean":51.5,"min":50,"max":53,"last":53`)
	alerts := b.read("alerts", 0)
	require.Len(t, alerts, 1)
	require.Contains(t, alerts[0], `"state":"firing"`)
	require.Contains(t, alerts[0], `"offset":31`)
}

func TestCleanRestartGoesOn(t *testing.T) {
	b := newBench(t, benchOptions{})
	store := newMemoryStore()
	now := time.Now().UnixMilli() / 1000 * 1000
	for round := range 3 {
		run := b.start(b.options(store))
		for i := range 10 {
			n := round*10 + i
			b.produce(0, reading{"pump-1", now - 60_000 + int64(n)*500, float64(n), n}.String())
		}
		run.settled(0, int64(round+1)*10)
		require.NoError(t, run.wait())
	}
	aggregates := b.read("aggregates", 0)
	require.Len(t, aggregates, 13)
	for i, line := range aggregates {
		require.Contains(t, line, fmt.Sprintf(`"count":2,"sum":%d,`, 4*i+1))
	}
}
