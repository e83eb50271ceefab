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

// What is said of state is what happens to it: a journal of the old pipeline can be
// applied by the new one, or cannot.
func TestEvolve(t *testing.T) {
	whole := "state is kept whole or not at all, and "
	for _, c := range []struct {
		name     string
		from, to string // what to replace by what
		parts    map[string]string
		reasons  string // part of them
	}{
		{name: "nothing"},
		{name: "a threshold", from: "above: 8}", to: "above: 7}", parts: map[string]string{"rule hot": "kept; level warning is above 7 instead of above 8 from its next sample on"}},
		{name: "a longer hold", from: "hold: 5m", to: "hold: 6m", parts: map[string]string{"rule hot": "kept; level alarm is above 10, hold 6m instead of above 10, hold 5m from its next sample on"}},
		{name: "what a rule looks at", from: "when: a.mean", to: "when: b.mean", parts: map[string]string{"rule hot": "kept; it looks at b.mean instead of a.mean, and episodes that a.mean began go on; its message changes"}},
		{name: "where results go", from: "compute: [mean], emit: {topic: aggregates}}\n- {name: s", to: "compute: [mean], emit: {topic: others}}\n- {name: s", parts: map[string]string{"window b": "kept; emit changes from aggregates on close to others on close"}},
		{name: "wet looks at temperature", from: "when: humidity", to: "when: temperature", parts: map[string]string{"rule wet": "kept; it looks at temperature instead of humidity, and episodes that humidity began go on; its message changes"}},
		{name: "a size", from: "size: 10m", to: "size: 20m", parts: map[string]string{
			"window a": "reset; " + whole + "window b changed", "window b": "reset; its size changes from 10m to 20m",
			"window s": "reset; " + whole + "window b changed", "rule wet": "reset; " + whole + "window b changed",
		}, reasons: "weir run refuses"},
		{name: "a gap and a result", from: "session: 10m, compute: [max]", to: "session: 5m, compute: [min]", parts: map[string]string{
			"window s": "reset; its gap changes from 10m to 5m, and compute changes from max to min", "window n": "reset; " + whole + "window s changed",
		}},
		{name: "a hold is gone", from: ", hold: 5m", parts: map[string]string{"rule hot": "reset; level alarm loses its hold"}},
		{name: "a hold comes", from: "above: 8", to: "above: 8, hold: 1m", parts: map[string]string{"rule hot": "reset; level warning gets a hold"}},
		{name: "a level is gone", from: "warning: {above: 8}, ", parts: map[string]string{"rule hot": "reset; its levels change from warning, alarm to alarm"}},
		{name: "a schedule", from: "rules:\n- {name: hot", to: "rules:\n- {schedule: {days: mon-fri, timezone: UTC}, name: hot", parts: map[string]string{"rule hot": "kept; its alerts count mon-fri in UTC instead of always"}},
		{name: "an inhibition", from: "rules:", to: "inhibit: [{source: {rule: wet}, target: {rule: hot}, equal: device}]\nrules:", parts: map[string]string{
			"rule hot": "kept; which alerts suppress others changes", "rule wet": "kept; which alerts suppress others changes",
		}},
		{name: "an escalation", from: "rules:\n- {name: hot", to: "rules:\n- {escalate: [{after: 1h, severity: page}], name: hot", parts: map[string]string{
			"rule hot": "reset; it gets steps of escalation", "rule wet": "reset; " + whole + "rule hot changed",
		}},
		{name: "another kind", from: "count: 10", to: "rolling: 10m", parts: map[string]string{"window n": "reset; its kind changes from count to rolling"}},
		{name: "late readings", from: "windows:", to: "time: {wait_for_late: 1h}\nwindows:", parts: map[string]string{
			"window a": "reset; the time rules change how much of it is kept: wait_for_late from 30s to 1h", "rule wet": "reset; " + whole + "window a, window b and window s changed",
		}},
		{name: "panes that are shared", from: "size: 10m, every: 2m", to: "size: 5m, every: 1m", parts: map[string]string{
			"window a": "reset; the windows of temperature that share panes with it change", "window b": "reset; its size changes from 10m to 5m, and every changes from 2m to 1m",
		}},
		{name: "repeats", from: "windows:", to: "dedupe: {by: [device, metric, time]}\nwindows:", parts: map[string]string{"repeats ": "reset; dedupe.by changes from seq to time", "window a": "reset; " + whole + "repeats changed"}},
		{name: "a new metric", from: "when: humidity", to: "when: pressure", parts: map[string]string{"repeats ": "reset; the metrics in use change from temperature, humidity to temperature, humidity, pressure"}},
		{name: "a new name for a rule", from: "name: wet", to: "name: damp", parts: map[string]string{"rule damp": "new", "rule wet": "removed; it is not there any more", "rule hot": "reset; " + whole + "rule damp and rule wet changed"}},
		{name: "the order", from: "- {name: hot, when: a.mean, levels: {warning: {above: 8}, alarm: {above: 10, hold: 5m}}}\n- {name: wet, when: humidity, levels: {alarm: {above: 80}}}",
			to:    "- {name: wet, when: humidity, levels: {alarm: {above: 80}}}\n- {name: hot, when: a.mean, levels: {warning: {above: 8}, alarm: {above: 10, hold: 5m}}}",
			parts: map[string]string{"rule hot": "reset; state is kept whole or not at all, and the order of windows or rules changed"}},
		{name: "a sensitivity", from: "per month", to: "per week", parts: map[string]string{"rule odd": "kept; it may be wrong once in 7d instead of once in 30d; what it has learned is kept, and thresholds follow within some 16 to 128 values, or later where it has learned for long"}},
		{name: "what a rule learns", from: "of: a.max", to: "of: a.mean", parts: map[string]string{"rule odd": "reset; it looks at a.mean instead of a.max, and what it has learned of the one is nothing for the other", "rule hot": "reset; " + whole + "rule odd changed"}},
		{name: "a severity", from: "per month}", to: "per month, severity: alarm}", parts: map[string]string{"rule odd": "reset; its severity changes from warning to alarm"}},
		{name: "no anomaly any more", from: "anomaly: {of: a.max, sensitivity: one false alarm per month}", to: "when: a.max, levels: {warning: {above: 3}}", parts: map[string]string{"rule odd": "reset; it is no rule on anomalies any more, and what it has learned goes"}},
		{name: "an anomaly", from: "when: humidity, levels: {alarm: {above: 80}}", to: "anomaly: humidity", parts: map[string]string{"rule wet": "reset; it becomes a rule on anomalies, which has everything to learn"}},
		{name: "an expression", from: "when: humidity", to: "when: humidity * 2", parts: map[string]string{
			"rule wet": "reset; it looks at an expression now, of humidity", "rule hot": "reset; " + whole + "rule wet changed",
		}},
		{name: "no expression", from: "when: temperature + a.max", to: "when: temperature", parts: map[string]string{"rule sum": "reset; it looks at an expression of a.max and temperature no more"}},
		{name: "the same in another way", from: "when: temperature + a.max", to: "when: a.max * 2 - temperature", parts: map[string]string{
			"rule sum": "kept; it looks at a.max * 2 - temperature instead of temperature + a.max, and episodes that temperature + a.max began go on; its message changes",
		}},
		{name: "an expression of others", from: "when: temperature + a.max", to: "when: temperature + a.mean", parts: map[string]string{
			"rule sum": "reset; what its expression names changes from a.max and temperature to a.mean and temperature", "rule wet": "reset; " + whole + "rule sum changed",
		}},
		{name: "the folder", from: "windows:", to: "state: {dir: elsewhere}\nwindows:", reasons: "restored from the journal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, evolvingPipeline, c.from)
			text := strings.Replace(evolvingPipeline, c.from, c.to, 1)
			old, now := mustPlant(t, evolvingPipeline), mustPlant(t, text)
			e := Evolve(old.plan, now.plan)
			said := map[string]string{}
			for i := range e.Parts {
				p := &e.Parts[i]
				said[p.Kind+" "+p.Name] = strings.Join(slices.DeleteFunc(append([]string{p.Outcome(), p.Because}, p.Notes...), func(s string) bool { return s == "" }), "; ")
			}
			for part, want := range c.parts {
				assert.Equal(t, want, said[part], part)
				delete(said, part)
			}
			if e.Kept {
				for part, outcome := range said {
					assert.Equal(t, "kept", outcome, part)
				}
			}
			assert.Contains(t, strings.Join(e.Reasons, "\n"), c.reasons)

			require.NoError(t, old.fold(reading{device: "d", metric: "temperature", at: scriptDay, appended: scriptDay, value: "9", seq: -1}.record()))
			old.seal()
			var assembler statestore.Assembler
			record, err := assembler.Add(old.parts[0])
			require.NoError(t, err)
			err = now.table.Apply(record)
			assert.Equal(t, e.Kept, err == nil, "%v", err)
		})
	}
}

// A name or a topic that changes leaves all state behind, whatever its layout is.
func TestEvolveWhatNamesTheState(t *testing.T) {
	old := mustPlant(t, evolvingPipeline)
	for change, reason := range map[string]string{"name: other": "group, journal", "source: {topic: other}": "source.topic changes from readings to other"} {
		e := Evolve(old.plan, mustPlant(t, change+"\n"+evolvingPipeline).plan)
		assert.False(t, e.Kept)
		assert.Contains(t, fmt.Sprint(e.Reasons), reason)
		for i := range e.Parts {
			assert.Equal(t, "reset", e.Parts[i].Outcome())
			assert.NotEmpty(t, e.Parts[i].Because)
		}
	}
}
