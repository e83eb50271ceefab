package task

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

const oddBench = `
source: {topic: readings, reading: {unit: ms}}
dedupe: {by: off}
time: {wait_for_late: 5s, max_future_skew: 10s}
rules:
- {name: odd, %s}
`

// oddBenches are a rule on anomalies, and one with a threshold to compare it with.
func oddBenches() map[string]string {
	return map[string]string{
		"anomaly":   fmt.Sprintf(oddBench, "anomaly: temperature"),
		"threshold": fmt.Sprintf(oddBench, "when: temperature, levels: {alarm: {above: 1000}}"),
	}
}

// BenchmarkAnomaly is what a reading costs from its bytes to the sealed record of its
// batch of 500 series, which are warm: setB is what the journal says of the change,
// refreshB what it repeats beside it, B/series what is kept of each.
func BenchmarkAnomaly(b *testing.B) {
	for _, name := range []string{"anomaly", "threshold"} {
		b.Run("rule="+name, func(b *testing.B) {
			b.ReportAllocs()
			j := newJournalBench(b, oddBenches()[name])
			for range 400 {
				j.batch(b)
			}
			j.set, j.refresh, j.records = 0, 0, 0
			for b.Loop() {
				j.batch(b)
			}
			readings := float64(b.N * journalReadings)
			b.ReportMetric(float64(j.set)/readings, "setB/reading")
			b.ReportMetric(float64(j.refresh)/readings, "refreshB/reading")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/readings, "ns/reading")
			b.ReportMetric(float64(j.task.plan.Layout.RowBytes()), "B/series")
		})
	}
}

// BenchmarkAnomalyFold is the fold alone, of so many series that they are not in the
// processor's caches.
func BenchmarkAnomalyFold(b *testing.B) {
	const devices, batch = 20_000, 500
	for _, name := range []string{"anomaly", "threshold"} {
		b.Run("rule="+name, func(b *testing.B) {
			b.ReportAllocs()
			f := newFleet(devices, batch)
			task := oddTask(b, oddBenches()[name])
			for range devices / batch {
				require.NoError(b, task.Fold(f.fill(batch)))
				task.Pending().Reset()
			}
			for b.Loop() {
				require.NoError(b, task.Fold(f.fill(batch)))
				task.Pending().Reset()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/reading")
		})
	}
}

func oddTask(tb testing.TB, pipeline string) *Task {
	plan, err := Compile(parsePipeline(tb, pipeline, ""))
	require.NoError(tb, err)
	table, err := statestore.NewTable(plan.Layout, statestore.Options{TaskWords: TaskWords()})
	require.NoError(tb, err)
	out := &Outputs{}
	out.Reset()
	return New(plan, table, out, Options{Decoder: decoderOf(tb, plan.Pipeline, "device")})
}

// A reading that is ordinary allocates nothing.
func TestAnomaliesAllocateNothing(t *testing.T) {
	task := oddTask(t, oddBenches()["anomaly"])
	r := rand.New(rand.NewPCG(5, 6))
	at := scriptDay
	records := make([]Record, 1)
	values := make([]Record, 256)
	for i := range values {
		values[i] = Record{Value: []byte(fmt.Sprintf(`{"device":"d","metric":"temperature","ts":%013d,"value":%.2f}`, 0, 20+r.NormFloat64()))}
	}
	stamp, i := bytes.Index(values[0].Value, []byte(`"ts":`))+5, 0
	fold := func() {
		i++
		at += 1000
		v := values[i%len(values)]
		digits(v.Value[stamp:stamp+13], int(at))
		v.Append = at
		records[0] = v
		require.NoError(t, task.Fold(records))
		h := statestore.Header{Seq: task.table.Seq() + 1, Wall: event.Time(at)}
		if i%64 == 0 {
			task.table.Seal(h, statestore.SealOptions{})
			task.table.Confirm(h.Seq)
		}
	}
	for range 1000 {
		fold()
	}
	require.Equal(t, uint64(1000), task.Counters().Processed)
	require.Less(t, testing.AllocsPerRun(500, fold), 1.0)
	require.Zero(t, task.Counters().Bad)
}
