package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/codec"
	"github.com/weirstream/weir/statestore"
)

// listening is a runner without brokers, and what it logs.
func listening(t *testing.T, pipeline string) (*runner, *bytes.Buffer) {
	t.Helper()
	plan := compile(t, pipeline)
	table, err := statestore.NewTable(plan.Layout, statestore.Options{TaskWords: task.TaskWords()})
	require.NoError(t, err)
	s := plan.Pipeline.Source.Reading
	decoder, err := codec.NewScanner(codec.Options{Device: s.Device, Metric: s.Metric, Time: s.Time, Unit: s.Unit, Value: s.Value, Seq: s.Seq, Metrics: plan.Pipeline.Metrics})
	require.NoError(t, err)
	out, text := &task.Outputs{}, &bytes.Buffer{}
	out.Reset()
	r := &runner{e: &Engine{}, plan: plan, log: slog.New(slog.NewTextHandler(text, nil))}
	r.task = task.New(plan, table, out, task.Options{Decoder: decoder})
	return r, text
}

// hear folds a reading of a metric at a moment.
func (r *runner) hear(t *testing.T, metric string, at time.Time) {
	t.Helper()
	value := fmt.Sprintf(`{"device":"pump-1","metric":%q,"value":1}`, metric)
	chunk := []task.Record{{Append: event.Time(at.UnixMilli()), Value: []byte(value)}}
	require.NoError(t, r.task.Fold(chunk))
	r.noteUnused(chunk, at)
}

// That no reading is of use is said once, after a while or after many, with the metrics that come and those that are used.
func TestUnusedReadingsAreSaid(t *testing.T) {
	const pipeline = "name: test\nkafka: {brokers: [\"broker:9092\"]}\nsource: {topic: readings}\nrules:\n- {name: hot, when: temperature, levels: {alarm: {above: 50}}}\nalerts: {topic: alerts}\n"
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r, text := listening(t, pipeline)
	r.hear(t, "temp", now)
	r.hear(t, "humidity", now.Add(time.Second))
	r.sayUnused(now.Add(unusedAfter - time.Millisecond))
	require.Empty(t, text.String())
	other := &runner{e: r.e, plan: r.plan, log: r.log, partition: 1} // has heard nothing itself
	other.sayUnused(now.Add(unusedAfter))
	require.Contains(t, text.String(), `no window or rule uses their metrics" filtered=2 seen="humidity, temp" used=temperature`)
	r.hear(t, "temp", now.Add(time.Hour))
	require.Equal(t, 1, strings.Count(text.String(), "\n"), "once")

	r, text = listening(t, pipeline)
	for i := range unusedMany {
		require.Empty(t, text.String())
		r.hear(t, fmt.Sprint("m", i%9), now)
	}
	require.Contains(t, text.String(), `filtered=1000 seen="m0, m1, m2, m3, m4, ..."`)

	r, text = listening(t, pipeline)
	r.hear(t, "temp", now)
	r.hear(t, "temperature", now.Add(time.Second))
	r.hear(t, "temp", now.Add(time.Hour))
	r.sayUnused(now.Add(time.Hour))
	require.Empty(t, text.String(), "one is of use")

	r, text = listening(t, strings.Replace(pipeline, "rules:", "where: value > 5\nrules:", 1))
	r.hear(t, "temperature", now)
	r.sayUnused(now.Add(time.Hour))
	require.Contains(t, text.String(), "they do not meet where")
}
