package task

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/statestore"
)

const evolvingPipeline = `
windows:
- {name: a, metric: temperature, tumbling: 1m, compute: [mean, max], emit: {topic: aggregates}}
- {name: b, metric: temperature, hopping: {size: 10m, every: 2m}, compute: [mean], emit: {topic: aggregates}}
- {name: s, metric: humidity, session: 10m, compute: [max], emit: {topic: aggregates}}
- {name: n, metric: humidity, count: 10, compute: [mean], emit: {topic: aggregates}}
rules:
- {name: hot, when: a.mean, levels: {warning: {above: 8}, alarm: {above: 10, hold: 5m}}}
- {name: wet, when: humidity, levels: {alarm: {above: 80}}}
- {name: odd, anomaly: {of: a.max, sensitivity: one false alarm per month}, message: odd}
- {name: sum, when: temperature + a.max, levels: {alarm: {above: 80}}}
`

// What is said of state is what happens to it: a journal of the old pipeline is
// applied by the new one, and what was kept is there.
func TestEvolve(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to string            // what to replace by what
		parts    map[string]string // all others are kept
		reasons  string            // part of them
	}{
		{name: "nothing"},
		{name: "a threshold", from: "above: 8}", to: "above: 7}", parts: map[string]string{"rule hot": "kept; level warning is above 7 instead of above 8 from its next sample on"}},
		{name: "a longer hold", from: "hold: 5m", to: "hold: 6m", parts: map[string]string{"rule hot": "kept; level alarm is above 10, hold 6m instead of above 10, hold 5m from its next sample on"}},
		{name: "what a rule looks at", from: "when: a.mean", to: "when: b.mean", parts: map[string]string{"rule hot": "kept; it looks at b.mean instead of a.mean, and episodes that a.mean began go on; its message changes"}},
		{name: "where results go", from: "compute: [mean], emit: {topic: aggregates}}\n- {name: s", to: "compute: [mean], emit: {topic: others}}\n- {name: s", parts: map[string]string{"window b": "kept; emit changes from aggregates on close to others on close"}},
		{name: "wet looks at temperature", from: "when: humidity", to: "when: temperature", parts: map[string]string{"rule wet": "kept; it looks at temperature instead of humidity, and episodes that humidity began go on; its message changes"}},
		{name: "a size", from: "size: 10m", to: "size: 20m", parts: map[string]string{
			"window b": "reset; its size changes from 10m to 20m",
		}},
		{name: "a schedule", from: "rules:\n- {name: hot", to: "rules:\n- {schedule: {days: mon-fri, timezone: UTC}, name: hot", parts: map[string]string{"rule hot": "kept; its alerts count mon-fri in UTC instead of always"}},
		{name: "an inhibition", from: "rules:", to: "inhibit: [{source: {rule: wet}, target: {rule: hot}, equal: device}]\nrules:", parts: map[string]string{
			"rule hot": "kept; which alerts suppress others changes", "rule wet": "kept; which alerts suppress others changes",
		}},
		{name: "an escalation", from: "rules:\n- {name: hot", to: "rules:\n- {escalate: [{after: 1h, severity: page}], name: hot", parts: map[string]string{
			"rule hot": "kept; it gets steps of escalation, which count from the change where an alert fires already",
		}},
		{name: "a gap and a result", from: "session: 10m, compute: [max]", to: "session: 5m, compute: [min]", parts: map[string]string{
			"window s": "reset; its gap changes from 10m to 5m, and compute changes from max to min",
		}},
		{name: "a hold is gone", from: ", hold: 5m", parts: map[string]string{"rule hot": "reset; level alarm loses its hold; alerts that it has open end, with the reason removed"}},
		{name: "a hold comes", from: "above: 8", to: "above: 8, hold: 1m", parts: map[string]string{"rule hot": "reset; level warning gets a hold; alerts that it has open end, with the reason removed"}},
		{name: "a level is gone", from: "warning: {above: 8}, ", parts: map[string]string{"rule hot": "reset; its levels change from warning, alarm to alarm; alerts that it has open end, with the reason removed"}},
		{name: "another kind", from: "count: 10", to: "rolling: 10m", parts: map[string]string{"window n": "reset; its kind changes from count to rolling"}},
		{name: "late readings", from: "windows:", to: "time: {wait_for_late: 1h}\nwindows:", parts: map[string]string{
			"window a": "reset; the time rules change how much of it is kept: wait_for_late from 30s to 1h", "window b": "reset; the time rules change how much of it is kept: wait_for_late from 30s to 1h",
			"window s": "reset; the time rules change how much of it is kept: wait_for_late from 30s to 1h",
		}},
		{name: "late readings, as many panes", from: "windows:", to: "time: {wait_for_late: 31s}\nwindows:", parts: map[string]string{
			"window a": "reset; the time rules change when it closes: wait_for_late from 30s to 31s", "window b": "reset; the time rules change when it closes: wait_for_late from 30s to 31s",
			"window s": "reset; the time rules change when it closes: wait_for_late from 30s to 31s",
		}},
		{name: "panes that are shared", from: "size: 10m, every: 2m", to: "size: 5m, every: 1m", parts: map[string]string{
			"window a": "reset; the windows of temperature that share panes with it change", "window b": "reset; its size changes from 10m to 5m, and every changes from 2m to 1m",
		}},
		{name: "repeats", from: "windows:", to: "dedupe: {by: [device, metric, time]}\nwindows:", parts: map[string]string{"repeats ": "reset; dedupe.by changes from seq to time"}},
		{name: "a new metric", from: "when: humidity", to: "when: pressure", parts: map[string]string{
			"repeats ": "kept; nothing is remembered yet of pressure", "rule wet": "kept; it looks at pressure instead of humidity, and episodes that humidity began go on; its message changes",
		}},
		{name: "a new name for a rule", from: "name: wet", to: "name: damp", parts: map[string]string{"rule damp": "new", "rule wet": "removed; it is not there any more; alerts that it has open end, with the reason removed"}},
		{name: "a window is gone", from: "- {name: s, metric: humidity, session: 10m, compute: [max], emit: {topic: aggregates}}\n", parts: map[string]string{"window s": "removed; it is not there any more"}},
		{name: "the order", from: "- {name: hot, when: a.mean, levels: {warning: {above: 8}, alarm: {above: 10, hold: 5m}}}\n- {name: wet, when: humidity, levels: {alarm: {above: 80}}}",
			to: "- {name: wet, when: humidity, levels: {alarm: {above: 80}}}\n- {name: hot, when: a.mean, levels: {warning: {above: 8}, alarm: {above: 10, hold: 5m}}}"},
		{name: "a sensitivity", from: "per month", to: "per week", parts: map[string]string{"rule odd": "kept; it may be wrong once in 7d instead of once in 30d; what it has learned is kept, and thresholds follow within some 16 to 128 values, or later where it has learned for long"}},
		{name: "what a rule learns", from: "of: a.max", to: "of: a.mean", parts: map[string]string{"rule odd": "reset; it looks at a.mean instead of a.max, and what it has learned of the one is nothing for the other; alerts that it has open end, with the reason removed"}},
		{name: "a severity", from: "per month}", to: "per month, severity: alarm}", parts: map[string]string{"rule odd": "reset; its severity changes from warning to alarm; alerts that it has open end, with the reason removed"}},
		{name: "no anomaly any more", from: "anomaly: {of: a.max, sensitivity: one false alarm per month}", to: "when: a.max, levels: {warning: {above: 3}}", parts: map[string]string{"rule odd": "reset; it is no rule on anomalies any more, and what it has learned goes; alerts that it has open end, with the reason removed"}},
		{name: "an anomaly", from: "when: humidity, levels: {alarm: {above: 80}}", to: "anomaly: humidity", parts: map[string]string{"rule wet": "reset; it becomes a rule on anomalies, which has everything to learn; alerts that it has open end, with the reason removed"}},
		{name: "keep_firing", from: "rules:\n- {name: hot", to: "rules:\n- {keep_firing: 1m, name: hot", parts: map[string]string{"rule hot": "reset; it gets keep_firing; alerts that it has open end, with the reason removed"}},
		{name: "silence", from: "when: humidity, levels: {alarm: {above: 80}}", to: "no_data: {after: 1h}", parts: map[string]string{"rule wet": "reset; it becomes a rule on silence, and its levels change from alarm to warning; alerts that it has open end, with the reason removed"}},
		{name: "an expression", from: "when: humidity", to: "when: humidity * 2", parts: map[string]string{
			"rule wet": "kept; it looks at humidity * 2 instead of humidity, and episodes that humidity began go on; it looks at an expression now, once there are new values of humidity; its message changes",
		}},
		{name: "no expression", from: "when: temperature + a.max", to: "when: temperature", parts: map[string]string{"rule sum": "kept; it looks at temperature instead of temperature + a.max, and episodes that temperature + a.max began go on; it looks at an expression of a.max and temperature no more; its message changes"}},
		{name: "the same in another way", from: "when: temperature + a.max", to: "when: a.max * 2 - temperature", parts: map[string]string{
			"rule sum": "kept; it looks at a.max * 2 - temperature instead of temperature + a.max, and episodes that temperature + a.max began go on; its message changes",
		}},
		{name: "an expression of others", from: "when: temperature + a.max", to: "when: temperature + a.mean", parts: map[string]string{
			"rule sum": "kept; it looks at temperature + a.mean instead of temperature + a.max, and episodes that temperature + a.max began go on; what its expression names changes from a.max and temperature to a.mean and temperature; its message changes",
		}},
		{name: "the order of metrics", from: "windows:", to: "windows:\n- {name: first, metric: humidity, tumbling: 1h, compute: [max], emit: {topic: aggregates}}", parts: map[string]string{"window first": "new"}},
		{name: "the folder", from: "windows:", to: "state: {dir: elsewhere}\nwindows:", reasons: "restored from the journal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, evolvingPipeline, c.from)
			text := strings.Replace(evolvingPipeline, c.from, c.to, 1)
			old, now := mustPlant(t, evolvingPipeline), mustPlant(t, text)
			e, err := EvolvePipelines(old.plan.Pipeline, now.plan.Pipeline)
			require.NoError(t, err)
			require.True(t, e.Kept)
			for i := range e.Parts {
				p := &e.Parts[i]
				name := p.Kind + " " + p.Name
				said := strings.Join(slices.DeleteFunc(append([]string{p.Outcome(), p.Because}, p.Notes...), func(s string) bool { return s == "" }), "; ")
				want, told := c.parts[name]
				if !told {
					want = "kept"
				}
				assert.Equal(t, want, said, name)
				delete(c.parts, name)
			}
			assert.Empty(t, c.parts)
			assert.Contains(t, strings.Join(e.Reasons, "\n"), c.reasons)

			for i, metric := range []string{"temperature", "humidity"} {
				require.NoError(t, old.fold(reading{device: "d", metric: metric, at: scriptDay, appended: scriptDay, value: "99", seq: int64(i)}.record()))
			}
			at := scriptDay + 2*hour // closes the windows that alerts look at
			require.NoError(t, old.fold(reading{device: "d", metric: "temperature", at: at, appended: at, value: "99", seq: 2}.record()))
			now.succeed(old)
			s, ok := now.table.Lookup([]byte("d"))
			require.True(t, ok)
			for _, p := range e.Parts {
				var c statestore.Column
				switch p.Kind {
				case "window":
					c = now.plan.windowColumn(p.Name)
				case "rule":
					c = now.plan.ruleColumn(p.Name)
					if i := slices.IndexFunc(now.plan.rules, func(r rule) bool { return r.spec.Name == p.Name }); i >= 0 && now.plan.rules[i].detector != nil {
						c = now.plan.Layout.Columns[now.plan.rules[i].seriesCol]
					}
				default:
					c = now.plan.Layout.Columns[now.plan.dedupeCol]
				}
				col := slices.Index(now.plan.Layout.Columns, c)
				if col < 0 {
					assert.True(t, p.Removed)
					continue
				}
				has := slices.ContainsFunc(now.table.Row(col, s), func(w uint64) bool { return w != 0 })
				assert.Equal(t, p.Kept, has, "%s %s", p.Kind, p.Name)
			}
		})
	}
}

// A name or a topic that changes leaves all state behind, whatever its layout is.
func TestEvolveWhatNamesTheState(t *testing.T) {
	old := mustPlant(t, evolvingPipeline)
	for change, reason := range map[string]string{"name: other": "group, journal", "source: {topic: other}": "source.topic changes from readings to other"} {
		e, err := EvolvePipelines(old.plan.Pipeline, mustPlant(t, change+"\n"+evolvingPipeline).plan.Pipeline)
		require.NoError(t, err)
		assert.False(t, e.Kept)
		assert.Contains(t, fmt.Sprint(e.Reasons), reason)
		for i := range e.Parts {
			assert.Equal(t, "reset", e.Parts[i].Outcome())
			assert.NotEmpty(t, e.Parts[i].Because)
		}
	}
}
