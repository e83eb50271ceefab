package task

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
)

// checkTally compares what is counted of the alerts with their cells, below the slot up to which they have been counted.
func (p *plant) checkTally() {
	want := newTally(p.task.plan)
	for s := range p.table.Bound() {
		if s >= p.task.tally.next && !p.task.tally.complete || !p.table.Live(s) || p.plan.grouped && p.table.Name(s)[0] <= aheadMark {
			continue
		}
		for k := range p.task.plan.rules {
			r := &p.task.plan.rules[k]
			if cell := p.table.Cell(r.col, 0, s); fires(cell) {
				want.count(r, r.View(cell).Level, alerts.Marks(cell), 1)
			}
		}
	}
	require.Equal(p.t, want.standing, p.task.tally.standing, "alerts that fire, by rule and level")
}

func TestStandingIsToldWhenItChanges(t *testing.T) {
	p := mustPlant(t, `
time: {wait_for_late: 0s, idle_after: 1h}
rules:
- {name: hot, when: temperature, levels: {warning: {above: 20}, critical: {above: 40}}}
- {name: wet, when: humidity, levels: {alarm: {above: 50, hold: 10s}}}
`)
	say := func(device, metric, value string, at event.Time) {
		at += scriptDay
		p.task.Swap(p.out)
		require.NoError(t, p.task.Fold([]Record{reading{device: device, metric: metric, at: at, appended: at, value: value, seq: -1}.record()}))
	}
	require.Equal(t, []int32{0, 0, 0, 0, 0, 0, 0}, p.task.Standing())
	say("a", "temperature", "30", 0)
	say("b", "temperature", "50", 0)
	say("b", "humidity", "60", 0)
	require.Equal(t, []int32{1, 1, 0, 0, 0, 0, 0}, p.task.Standing())
	require.Nil(t, p.task.Standing(), "nothing has changed since")
	require.EqualValues(t, scriptDay, p.task.Newest())
	say("a", "temperature", "41", 1000)
	say("b", "humidity", "60", 10_000)
	require.Equal(t, []int32{0, 2, 0, 0, 1, 0, 0}, p.task.Standing())
	require.Equal(t, []uint32{0, 3, 0, 0, 0, 1, 1, 0, 0, 0}, p.out.Counts.Events)
	require.EqualValues(t, scriptDay+10_000, p.task.Newest())

	p.take()
	require.Equal(t, make([]uint32, 10), p.out.Counts.Events, "a batch counts its own")
	p.restart()
	require.Equal(t, []int32{0, 2, 0, 0, 1, 0, 0}, p.task.Standing(), "counted from the cells")
}

// The reason that a record has is the one that is counted.
func TestQuarantineIsCountedByReason(t *testing.T) {
	p := mustPlant(t, "time: {wait_for_late: 0s, idle_after: 1h, max_future_skew: 1m}\nwindows: [{name: w, metric: temperature, tumbling: 10s, compute: [mean], emit: {topic: out}}]\n")
	at := scriptDay
	var want [event.ReasonCount]uint32
	for _, value := range []string{`{`, `{}`, `{"device":"a","metric":1}`, `{"device":"a","metric":"temperature","value":"x","ts":"2026-03-01T00:00:00Z"}`,
		`{"device":"a","metric":"temperature","value":1,"ts":"yesterday"}`, `{"device":"a","metric":"temperature","value":1,"ts":"2199-03-01T00:00:00Z"}`} {
		require.NoError(t, p.task.Fold([]Record{{Append: at, Value: []byte(value)}}))
	}
	total := 0
	for i := range p.out.Len() {
		var record struct{ Reason event.Reason }
		require.NoError(t, json.Unmarshal(p.out.At(i).Value, &record))
		want[record.Reason.Index()]++
		total++
	}
	require.Equal(t, 6, total)
	require.Equal(t, want, p.out.Counts.Quarantined)
}
