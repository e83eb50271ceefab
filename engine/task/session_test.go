package task

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/statestore"
)

// Sessions that begin, are spoken of at every reading and close take no memory in
// the steady state.
func TestSessionsAllocateNothing(t *testing.T) {
	plan, err := Compile(parsePipeline(t, `
source: {topic: readings, reading: {unit: ms}}
time: {wait_for_late: 5s, max_future_skew: 10s, late: update, allow_backfill: 30s}
windows:
- {name: short, metric: temperature, session: {gap: 5s}, compute: [mean, count], emit: {topic: aggregates}}
- {name: long, metric: temperature, session: {gap: 1m}, compute: [max], emit: {topic: changes, on: change}}
rules:
- {name: hot, when: short.mean, levels: {alarm: {above: 80, clear_below: 75}}}
`, ""))
	require.NoError(t, err)
	table, err := statestore.NewTable(plan.Layout, statestore.Options{TaskWords: TaskWords()})
	require.NoError(t, err)
	out := &Outputs{}
	out.Reset()
	task := New(plan, table, out, Options{Decoder: decoderOf(t, plan.Pipeline, "device")})
	f := newFleet(100, 1000)
	fold := func() {
		if err := task.Fold(f.fill(1000)); err != nil {
			panic(err)
		}
		task.Pending().Reset()
	}
	for range 5 {
		fold()
	}
	windows := task.Counters().Windows
	require.Zero(t, testing.AllocsPerRun(20, fold), "allocations of 1,000 readings")
	require.Greater(t, task.Counters().Windows, windows+30_000, "each reading was to be spoken of, and to close a session")
}
