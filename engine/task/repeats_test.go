package task

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// Repeats told by time take no memory either, nor do readings that are late.
func TestDedupeByTimeAllocatesNothing(t *testing.T) {
	p := mustPlant(t, strings.Replace(quietPipeline, "windows:", "dedupe: {by: [device, metric, time]}\nwindows:", 1))
	p.plan.resetAfter = 3_600_000
	f := newFleet(100, 100)
	fold := func() {
		if err := p.task.Fold(f.fill(100)); err != nil {
			panic(err)
		}
		for range 3 { // again, so that all are repeats, and a day before, so that all are late
			if err := p.task.Fold(f.records); err != nil {
				panic(err)
			}
			for i := range f.records {
				digits(f.records[i].Value[fleetTime:fleetTime+13], int(f.now)-86_400_000-f.seq)
			}
		}
		p.task.Pending().Reset()
	}
	for range 100 {
		fold()
	}
	before := p.task.Counters()
	require.Zero(t, testing.AllocsPerRun(50, fold))
	after := p.task.Counters()
	require.Positive(t, after.Duplicate-before.Duplicate)
	require.Positive(t, after.Late-before.Late)
	require.Positive(t, after.Processed-before.Processed)
}

// Writing a time marks the cells it changes, of its own metric alone.
func TestASeriesWritesItsOwnCells(t *testing.T) {
	p := mustPlant(t, `
source: {topic: readings, reading: {device: id, seq: "", metrics: [a, b]}}
dedupe: {by: [device, metric, time]}
windows:
- {name: a, metric: a, tumbling: 1h, compute: [max], emit: {topic: aggregates}}
- {name: b, metric: b, tumbling: 1h, compute: [max], emit: {topic: aggregates}}
`)
	row := func() []uint64 { return p.table.Row(p.plan.dedupeCol, 0) }
	for i := range event.Time(70) {
		at := scriptDay + i
		require.NoError(t, p.fold(Record{Append: at, Value: []byte(`{"id":"d","ts":"` + stamp(at) + `","b":1}`)}))
	}
	require.Equal(t, make([]uint64, 64), row()[:64])
	require.NotContains(t, row()[64:], uint64(0))
	p.seal()
	require.Zero(t, p.table.DirtyCells())
	require.NoError(t, p.fold(Record{Append: scriptDay + 100, Value: []byte(`{"id":"d","ts":"` + stamp(scriptDay+100) + `","b":1}`)}))
	require.LessOrEqual(t, p.table.DirtyCells(), 4, "head, pane, and two cells of times")
}
