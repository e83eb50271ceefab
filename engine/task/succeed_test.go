package task

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// succeed makes the plant go on from the journal of another one, which it has to
// seal for that.
func (p *plant) succeed(old *plant) Succeeded {
	old.seal()
	p.offset, p.ids, p.seqs = old.offset, maps.Clone(old.ids), old.seqs
	p.parts, p.formers = old.parts, append(old.formers, old.plan.Layout)
	p.replay()
	done := p.task.Succeed()
	p.take()
	return done
}

// replay recovers the plant from the journal alone.
func (p *plant) replay() {
	p.recover()
	p.begin()
}

// recover recovers the table.
func (p *plant) recover() {
	p.table = p.newTable()
	for _, l := range p.formers {
		p.table.Read(p.plan.Former(l))
	}
	var assembler statestore.Assembler
	for _, part := range p.parts {
		record, err := assembler.Add(part)
		require.NoError(p.t, err)
		if record != nil {
			require.NoError(p.t, p.table.Apply(record))
		}
	}
	require.NoError(p.t, p.table.FinishReplay())
}

// at is a reading of device d, appended when it was made.
func (p *plant) at(device, metric string, minute float64, value int) {
	t := scriptDay + event.Time(minute*60_000)
	require.NoError(p.t, p.fold(reading{device: device, metric: metric, at: t, appended: t, value: fmt.Sprint(value), seq: -1}.record()))
}

const twoRules = `
windows:
- {name: a, metric: temperature, tumbling: 1m, compute: [mean], emit: {topic: aggregates}}
rules:
- {name: hot, when: temperature, levels: {warning: {above: 8}, alarm: {above: 10, hold: 5m}}}
- {name: wet, when: humidity, levels: {alarm: {above: 80, hold: 1m}}}
`

// Alerts of a rule that is gone, or begins anew, end by an event that says so; the
// others go on without a word.
func TestAlertsOfGoneRulesEnd(t *testing.T) {
	begin := func() *plant {
		p := mustPlant(t, twoRules)
		for minute := range 3 {
			p.at("d1", "temperature", float64(minute), 9)
			p.at("d2", "temperature", float64(minute), 7)
		}
		p.at("d1", "humidity", 3, 85)
		p.taken()
		return p
	}
	for _, c := range []struct {
		name, from, to string
		said           []string // parts of the alerts
	}{
		{"nothing", "compute", "compute", nil},
		{"another threshold", "above: 8}", "above: 8.5}", nil},
		{"both rules", twoRules[strings.Index(twoRules, "rules:"):], "", []string{
			`"rule":"hot","device":"d1","state":"resolved","status":"resolved","level":"warning","previous":"warning","value":9,"threshold":null,"at":"2026-03-01T00:03:00.000Z"`,
			`"rule":"wet","device":"d1","state":"ok","status":"inactive","level":null,"previous":null,"value":85,"threshold":null,"at":"2026-03-01T00:03:00.000Z"`,
		}},
		{"a level", "warning: {above: 8}, ", "warning: {above: 8, hold: 1s}, ", []string{`"rule":"hot","device":"d1","state":"resolved"`}},
		{"a name", "name: wet", "name: damp", []string{`"rule":"wet","device":"d1","state":"ok"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, twoRules, c.from)
			old, now := begin(), mustPlant(t, strings.Replace(twoRules, c.from, c.to, 1))
			done := now.succeed(old)
			require.Equal(t, len(c.said), done.Ended)
			said := now.taken()
			require.Len(t, said, len(c.said))
			for i, want := range c.said {
				require.Contains(t, said[i].value, want)
				require.Contains(t, said[i].value, `"cause":{"topic":"readings","partition":0,"reason":"removed"}`)
				require.Contains(t, said[i].value, `"summary":"rule `)
			}
			if c.name == "nothing" {
				require.False(t, now.table.Succeeds())
			}

			// It happens once, however often the task is recovered from then on.
			now.seal()
			now.replay()
			require.False(t, now.table.Succeeds())
			require.Zero(t, now.task.Succeed())
			now.check()
		})
	}
}

// evolving windows and rules, of which each line is there or not.
var evolvingLines = []string{
	"- {name: a, metric: temperature, tumbling: 1m, compute: [sum, count], emit: {topic: aggregates}}",
	"- {name: b, metric: humidity, tumbling: 1m, compute: [sum, p90], emit: {topic: aggregates}}",
	"- {name: s, metric: humidity, session: 90s, compute: [sum], emit: {topic: aggregates}}",
	"- {name: n, metric: temperature, count: 4, compute: [sum], emit: {topic: aggregates}}",
	"- {name: r, metric: pressure, rolling: 3m, compute: [sum], emit: {topic: aggregates}}",
	"- {name: hot, when: temperature, levels: {warning: {above: 5}, alarm: {above: 7, hold: 1m}}}",
	"- {name: wet, when: humidity, levels: {alarm: {above: 5, clear_below: 3}}}",
	"- {name: low, when: pressure, levels: {alarm: {below: 3, hold: 30s}}}",
	"- {name: again, when: temperature, repeat_every: 1m, flapping: {changes: 3, within: 2m}, levels: {alarm: {above: 6}}}",
	"- {name: long, when: humidity, escalate: [{after: 1m, severity: page}], keep_firing: 30s, levels: {warning: {above: 4}}}",
	"- {name: sum, when: temperature + humidity, levels: {alarm: {above: 11}}}",
	"- {name: odd, anomaly: temperature, message: odd}",
}

const windowLines = 5

func evolvingFile(has []bool) string {
	src := "time: {idle_after: 1h}\nwindows:\n"
	for _, metric := range []string{"temperature", "humidity", "pressure"} { // all of them move the clock, whatever else there is
		src += fmt.Sprintf("- {name: always-%s, metric: %[1]s, session: 10m, compute: [max], emit: {topic: aggregates}}\n", metric)
	}
	for i, line := range evolvingLines {
		if i == windowLines {
			src += "rules:\n- {name: forever, when: always-pressure.max, levels: {alarm: {above: 8}}}\n"
		}
		if has[i] {
			src += line + "\n"
		}
	}
	return src
}

// Each window and rule says what it would say if it were alone: while it is in the
// file, whatever else comes and goes, and as if it began when it came.
func TestEachPartEvolvesAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := len(evolvingLines)
		draw := func(name string) []bool { return rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, name) }
		has := draw("file")
		whole := newPlant(t, evolvingFile(has), plantOptions{})
		whole.commands = &commands.Set{} // with which a recovered task arms all timers
		alone := map[int]*plant{}
		begin := func(i int) {
			only := make([]bool, n)
			only[i] = true
			alone[i] = newPlant(t, evolvingFile(only), plantOptions{})
		}
		for i := range has {
			if has[i] {
				begin(i)
			}
		}
		offset := int64(0)
		for k := range rapid.IntRange(0, 120).Draw(t, "readings") {
			if rapid.IntRange(0, 19).Draw(t, "reload") == 0 {
				now := draw("file")
				next := newPlant(t, evolvingFile(now), plantOptions{})
				next.commands = whole.commands
				ended := next.succeed(whole).Ended
				require.Equal(t, ended, len(next.said))
				for i := range now {
					switch {
					case has[i] && !now[i]:
						delete(alone, i)
					case now[i] && !has[i]:
						begin(i)
					}
				}
				next.taken()
				has, whole = now, next
			}
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				whole.seal()
				whole.replay()
			}
			device := fmt.Sprint("d", rapid.IntRange(0, 2).Draw(t, "device"))
			metric := rapid.SampledFrom([]string{"temperature", "humidity", "pressure"}).Draw(t, "metric")
			value := rapid.IntRange(0, 9).Draw(t, "value")
			whole.at(device, metric, float64(k)/3, value)
			said := whole.taken()
			for i := range has {
				if !has[i] {
					continue
				}
				name := strings.TrimSuffix(strings.Fields(evolvingLines[i])[2], ",")
				alone[i].offset = offset
				alone[i].at(device, metric, float64(k)/3, value)
				require.Equal(t, saidBy(name, alone[i].taken()), saidBy(name, said), "%s, at %d", name, k)
			}
			offset++
		}
	})
}

// saidBy are the records of a window or a rule, but for what depends on when it began.
func saidBy(name string, all []said) (list []string) {
	for _, s := range all {
		if strings.Contains(s.value, fmt.Sprintf(`"window":%q`, name)) || strings.Contains(s.value, fmt.Sprintf(`"rule":%q`, name)) {
			list = append(list, s.value)
		}
	}
	slices.Sort(list)
	return list
}
