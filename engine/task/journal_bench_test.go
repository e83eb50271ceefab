package task

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// BenchmarkJournal is what a reading costs from its bytes to the sealed record of
// its batch, with values all over a range: setB is what the journal says of the
// change, refreshB what it repeats beside it.
func BenchmarkJournal(b *testing.B) {
	for _, c := range []struct{ name, windows string }{
		{"mean", `{name: t, metric: temperature, tumbling: 1m, compute: [mean, min, max, count], emit: {topic: aggregates}}`},
		{"p95", `{name: t, metric: temperature, tumbling: 1m, compute: [p95], emit: {topic: aggregates}}`},
		{"p95+distinct", `{name: t, metric: temperature, tumbling: 1m, compute: [p95, distinct], emit: {topic: aggregates}}`},
		{"hopping", `{name: t, metric: temperature, hopping: {size: 60m, every: 10s}, compute: [p95], emit: {topic: aggregates}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			j := newJournalBench(b, "source: {topic: readings, reading: {unit: ms}}\ntime: {wait_for_late: 5s, max_future_skew: 10s}\nwindows:\n- "+c.windows)
			for range 90 {
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
		})
	}
}

// journalReadings is how many readings a batch has, each of another device: a
// second of a fleet.
const journalReadings = 500

type journalBench struct {
	fleet                 *fleet
	task                  *Task
	random                *rand.Rand
	set, refresh, records int
}

func newJournalBench(tb testing.TB, pipeline string) *journalBench {
	plan, err := Compile(parsePipeline(tb, pipeline, ""))
	require.NoError(tb, err)
	table, err := statestore.NewTable(plan.Layout, statestore.Options{TaskWords: TaskWords()})
	require.NoError(tb, err)
	out := &Outputs{}
	out.Reset()
	j := &journalBench{
		fleet: newFleet(journalReadings, journalReadings), random: rand.New(rand.NewPCG(1, 2)),
		task: New(plan, table, out, Options{Decoder: decoderOf(tb, plan.Pipeline, "device")}),
	}
	j.fleet.every = 1000
	return j
}

// batch folds a reading of each device and seals what has changed.
func (j *journalBench) batch(tb testing.TB) {
	const value = fleetTime + 13 + len(`,"value":`)
	records := j.fleet.fill(journalReadings)
	for i := range records {
		digits(records[i].Value[value:value+2], 10+j.random.IntN(90))
	}
	require.NoError(tb, j.task.Fold(records))
	j.task.Pending().Reset()
	table := j.task.table
	sealed := table.Seal(statestore.Header{Seq: table.Seq() + 1, Wall: event.Time(j.fleet.now)}, statestore.SealOptions{})
	table.Confirm(sealed.Seq)
	j.set += sealed.SetBytes
	j.refresh += sealed.RefreshBytes
	j.records++
}
