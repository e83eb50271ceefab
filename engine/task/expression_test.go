package task

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

const labelledPipeline = `
devices: {roster: roster.csv}
where: not (value > 2 * labels.limit)
derive: {excess: {from: level, value: value - labels.limit}}
rules:
- {name: full, when: excess, levels: {alarm: {above: 0}}}
`

func TestExpressionsSeeTheLabelsOfTheDevice(t *testing.T) {
	p := newPlant(t, labelledPipeline, plantOptions{roster: "device,limit\na,10\nb,100\n"})
	for i, r := range []reading{
		{device: "a", metric: "level", value: "11"},
		{device: "b", metric: "level", value: "11"},
		{device: "a", metric: "level", value: "21"}, // filtered
		{device: "c", metric: "level", value: "21"}, // without a label: NaN
	} {
		r.at, r.appended, r.seq = scriptDay, scriptDay, int64(i)
		require.NoError(t, p.fold(r.record()))
	}
	c := p.task.Counters()
	require.Equal(t, Counters{In: 4, Processed: 3, Filtered: 1, Alerts: 1, Firing: 1, Records: 4, Expressions: 1}, c)
	require.Equal(t, "a", p.taken()[0].key)
}

const derivingPipeline = `
source: {topic: readings, reading: {device: id, metrics: [a, b, c]}}
dedupe: {by: off}
where: c < 100 and device startsWith "d"
derive:
  sum: max(a + b, 0)
  ratio: {from: a, value: a / c}
windows:
- {name: a, metric: sum, tumbling: 1m, compute: [max], emit: {topic: aggregates}}
- {name: b, metric: ratio, count: 4, compute: [max], emit: {topic: aggregates}}
rules:
- {name: x, when: a.max, levels: {alarm: {above: 80}}}
- {name: y, when: sum, levels: {alarm: {above: 80}}}
`

// Neither do expressions, nor what is made of their results, and a result that is
// no number is not dear either.
func TestExpressionsAllocateNothing(t *testing.T) {
	p := mustPlant(t, derivingPipeline)
	at := stamp(scriptDay + 1000)
	value := fmt.Appendf(nil, `[{"id":"d","ts":%q,"a":1,"b":2,"c":3},{"id":"d","ts":%q,"a":1,"b":2,"c":0}]`, at, at)
	records := []Record{{Append: scriptDay + 1001, Value: value}}
	allocs := testing.AllocsPerRun(100, func() {
		if err := p.task.Fold(records); err != nil {
			panic(err)
		}
		p.out.Reset()
	})
	require.Zero(t, allocs)
	c := p.task.Counters()
	require.Equal(t, c.Records, c.Expressions, "a / 0, once a message")
	require.Equal(t, 4*c.Records, c.Processed)
	require.Equal(t, 2*c.Records, c.Filtered)
}

// An object that does not hold all fields gives nothing, and is no error.
func TestFieldsOfOneObjectAreNotThoseOfTheNext(t *testing.T) {
	p := mustPlant(t, derivingPipeline)
	var records []Record
	for i := range 3 * Block {
		at := stamp(scriptDay)
		fields := [...]string{`"a":1,"c":1`, `"b":2,"c":1`, `"a":3,"b":4,"c":1`}[i%3]
		records = append(records, Record{Append: scriptDay, Value: fmt.Appendf(nil, `{"id":"d","ts":%q,%s}`, at, fields)})
	}
	require.NoError(t, p.fold(records...))
	slot, ok := p.table.Lookup([]byte("d"))
	require.True(t, ok)
	state := p.plan.Describe(p.table, slot)
	require.Equal(t, uint64(Block), state.Windows[0].Count, "one sum of each third object")
	require.EqualValues(t, 7.0, state.Windows[0].Values["max"])
	require.Zero(t, p.task.Counters().Expressions)
	require.False(t, math.IsNaN(float64(state.Windows[1].Values["max"])))
}

// BenchmarkExpressions is the cost of where and derive beside that of the same
// readings without them.
func BenchmarkExpressions(b *testing.B) {
	for _, c := range [...]struct{ name, expressions string }{
		{"none", ""},
		{"where", "where: value > -40 and metric in [\"temperature\", \"door\"]\n"},
		{"derive", "derive: {celsius: {from: temperature, value: (value - 32) * 5 / 9}}\nrules:\n- {name: c, when: celsius, levels: {alarm: {above: 1000}}}\n"},
		{"slow", "where: device matches \"^d[0-9]+$\"\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := newFleet(1000, 1000)
			p := mustPlant(b, "source: {topic: readings, reading: {unit: ms}}\ntime: {max_future_skew: 10s}\n"+
				"windows:\n- {name: t, metric: temperature, tumbling: 1m, compute: [mean], emit: {topic: aggregates}}\n"+c.expressions)
			b.ReportAllocs()
			b.ResetTimer()
			for left := b.N; left > 0; left -= len(f.records) {
				if err := p.task.Fold(f.fill(min(left, len(f.records)))); err != nil {
					b.Fatal(err)
				}
				p.out.Reset()
			}
		})
	}
}
