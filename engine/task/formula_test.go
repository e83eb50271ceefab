package task

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// formulaPipeline has rules on expressions that closures work out.
const formulaPipeline = `
source: {topic: readings, reading: {device: id, unit: ms, metrics: [a, b, c]}}
dedupe: {by: off}
time: {wait_for_late: 0s}
windows:
- {name: w, metric: a, tumbling: 10s, compute: [mean]}
- {name: n, metric: b, count: 4, compute: [max]}
rules:
- {name: apart, when: w.mean - c, levels: {alarm: {above: 80}}}
- {name: ratio, when: n.max / (c - 1), levels: {alarm: {above: 80}}}
- {name: both, when: w.mean > 3 and c < 1, evaluate: change, levels: {alarm: {above: 0}}}
`

// formulaProperties is one of the pipelines that properties are tried on.
const formulaProperties = `
time: {wait_for_late: 2s, idle_after: 15s, late: update, allow_backfill: 30s}
devices: {roster: roster.csv}
derive: {double: {from: temperature, value: 2 * value}}
windows:
- {name: t, metric: temperature, tumbling: 20s, compute: [mean, max], emit: {topic: aggregates}}
- {name: s, metric: humidity, session: {gap: 10s}, compute: [count]}
- {name: n, metric: humidity, count: 2, compute: [max]}
- {name: r, metric: temperature, rolling: {size: 40s, resolution: 5s}, compute: [min]}
rules:
- {name: hot, when: t.max - labels.low + double / 100, levels: {warning: {above: 0, clear_below: -5}, critical: {above: 20, hold: 10s}}, keep_firing: 5s, repeat_every: 1m, flapping: {changes: 3, within: 1m}}
- {name: now, when: t.mean / (s.count - 1) + n.max, evaluate: change, levels: {warning: {above: 20}, critical: {above: 30, hold: 10s}}, on_gap: reset, repeat_every: 2m}
- {name: alone, when: t.mean, levels: {warning: {above: 20}}}
- {name: least, when: 'humidity > r.min ? int(humidity) % 7 : float(string(labels.high))', levels: {warning: {above: labels.low}}}
`

// Neither a sample of an expression nor an error of it takes memory.
func TestFormulasAllocateNothing(t *testing.T) {
	p := mustPlant(t, formulaPipeline)
	records := make([]Record, 100)
	for i := range records {
		records[i].Value = fmt.Appendf(nil, `{"id":"d%d","ts":%d,"a":2.5,"b":%d,"c":1}`, i%10, scriptDay, i%7)
	}
	now := scriptDay
	fold := func() {
		for i := range records {
			now += 1000
			digits(records[i].Value[16:29], int(now))
			records[i].Append = now
		}
		if err := p.task.Fold(records); err != nil {
			panic(err)
		}
		p.out.Reset()
	}
	for range 20 {
		fold()
	}
	errors := p.task.Counters().RuleErrors
	require.Zero(t, testing.AllocsPerRun(50, fold), "allocations of 300 readings")
	require.Greater(t, p.task.Counters().RuleErrors, errors+1000, "c - 1 is zero")
	require.Zero(t, p.task.Counters().Late)
}

// What a rule with an error has open, and what a device has open that is forgotten,
// ends with the flag on it.
func TestAForgottenDeviceEndsAnError(t *testing.T) {
	p := mustPlant(t, "state: {forget_after: 1h}\nrules:\n- {name: r, when: a / b, levels: {alarm: {above: 1}}}")
	for i, value := range []string{"2", "1", "0"} {
		at := scriptDay + event.Time(i)*1000
		require.NoError(t, p.fold(reading{device: "d", metric: []string{"a", "b", "b"}[i], at: at, appended: at, value: value, seq: -1}.record()))
	}
	for hour := event.Time(1); hour < 4; hour++ {
		p.advance(Now{Wall: scriptDay + hour*3_600_000, Mono: int64(hour) * 3_600_000})
	}
	var all []string
	for _, o := range p.taken() {
		var a alertRecord
		decodeStrictly(t, o.value, &a)
		all = append(all, fmt.Sprint(a.State, " ", a.Error, " ", a.Cause.Reason))
	}
	require.Equal(t, []string{"firing false ", "firing true error", "resolved true forgotten"}, all)
	require.Equal(t, uint64(1), p.task.Counters().Forgotten)
}

// BenchmarkFormula is the cost of a message of three readings with three rules on
// expressions, and with as many on one metric each.
func BenchmarkFormula(b *testing.B) {
	windows, _, _ := strings.Cut(formulaPipeline, "rules:")
	plain := windows + `rules:
- {name: apart, when: w.mean, levels: {alarm: {above: 80}}}
- {name: ratio, when: n.max, levels: {alarm: {above: 80}}}
- {name: both, when: c, levels: {alarm: {above: 80}}}
`
	for _, c := range []struct{ name, pipeline string }{{"expressions", formulaPipeline}, {"metrics", plain}} {
		b.Run(c.name, func(b *testing.B) {
			p := mustPlant(b, c.pipeline)
			records := []Record{{Value: fmt.Appendf(nil, `{"id":"d","ts":%d,"a":2.5,"b":2,"c":2}`, scriptDay)}}
			now := scriptDay
			b.ReportAllocs()
			for b.Loop() {
				now += 100
				digits(records[0].Value[15:28], int(now))
				records[0].Append = now
				if err := p.task.Fold(records); err != nil {
					b.Fatal(err)
				}
				p.out.Reset()
			}
			require.Zero(b, p.task.Counters().Bad)
		})
	}
}
