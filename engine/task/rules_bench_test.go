package task

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/statestore"
)

// manyRules is a pipeline with n rules that look at one thing, and none of which
// has anything to say.
func manyRules(when string, n int) string {
	var b strings.Builder
	b.WriteString(`
source: {topic: readings, reading: {unit: ms}}
time: {wait_for_late: 1m, max_future_skew: 10s}
windows:
- {name: t, metric: temperature, tumbling: 1m, compute: [mean, min, max, count], emit: {topic: aggregates}}
rules:
`)
	for i := range n {
		fmt.Fprintf(&b, "- {name: r%d, when: %s, levels: {warning: {above: %d}, alarm: {above: %d, hold: 1m}}}\n", i, when, 80+i, 90+i)
	}
	return b.String()
}

// BenchmarkRules is the cost of a reading of a device with so many rules on what
// it brings: its metric at every reading, or a result of its window, which closes at
// one reading in six. B/device is all that the state table takes.
func BenchmarkRules(b *testing.B) {
	const devices = 1_000
	for _, when := range []string{"temperature", "t.mean"} {
		for _, n := range []int{1, 10, 100, 1_000} {
			var f *fleet
			var task *Task
			b.Run(fmt.Sprintf("when=%s/rules=%d", when, n), func(b *testing.B) {
				if task == nil {
					f = newFleet(devices, 1_000)
					task = steadyTaskOf(b, f, manyRules(when, n), 12)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for left := b.N; left > 0; {
					b.StopTimer()
					k := min(left, len(f.records))
					records := f.fill(k)
					b.StartTimer()
					if err := task.Fold(records); err != nil {
						b.Fatal(err)
					}
					task.Pending().Reset()
					left -= k
				}
				b.ReportMetric(float64(task.table.ResidentBytes())/devices, "B/device")
			})
		}
	}
}

// steadyTaskOf is a task of that pipeline which knows all devices of the fleet and
// has been at work for a while.
func steadyTaskOf(t testing.TB, f *fleet, pipeline string, rounds int) *Task {
	plan, err := Compile(parsePipeline(t, pipeline, ""))
	require.NoError(t, err)
	table, err := statestore.NewTable(plan.Layout, statestore.Options{TaskWords: TaskWords()})
	require.NoError(t, err)
	out := &Outputs{}
	out.Reset()
	task := New(plan, table, out, Options{Decoder: decoderOf(t, plan.Pipeline, "device")})
	for left := rounds * f.devices; left > 0; {
		n := min(left, len(f.records))
		require.NoError(t, task.Fold(f.fill(n)))
		out.Reset()
		left -= n
	}
	c := task.Counters()
	require.Equal(t, uint64(rounds*f.devices), c.Processed, "%+v", c)
	return task
}
