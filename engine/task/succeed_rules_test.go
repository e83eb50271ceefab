package task

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts/commands"
)

const mannerRules = `
time: {idle_after: 1h}
windows:
- {name: a, metric: temperature, tumbling: 1m, compute: [mean], emit: {topic: aggregates}}
rules:
- {name: hot, when: temperature, levels: {warning: {above: 8}}}
- {name: wet, when: humidity, levels: {alarm: {above: 80}}}
`

// alerts returns the alerts that were said since the last call.
func (p *plant) alerts() (list []said) {
	for _, s := range p.taken() {
		if strings.Contains(s.value, `"weir.alert/1"`) {
			list = append(list, s)
		}
	}
	return list
}

// fleetOf is a plant whose rule hot fires on d1, and of whose devices d2 was heard last
// at the beginning.
func fleetOf(t *testing.T, rules string) *plant {
	p := mustPlant(t, rules)
	p.at("d2", "temperature", 0, 7)
	for minute := range 12 {
		p.at("d1", "temperature", float64(minute), 9)
	}
	p.taken()
	return p
}

// A rule on silence that comes watches the devices that are silent already; one that
// goes ends what it has open on the task's clock.
func TestSilenceComesAndGoes(t *testing.T) {
	silence := mannerRules + "- {name: quiet, no_data: {after: 10m}}\n"
	now := mustPlant(t, silence)
	require.Zero(t, now.succeed(fleetOf(t, mannerRules)).Ended)
	now.at("d1", "temperature", 12, 9)
	said := now.alerts()
	require.Len(t, said, 1)
	require.Contains(t, said[0].value, `"rule":"quiet","device":"d2","state":"firing"`)
	require.Contains(t, said[0].value, `"at":"2026-03-01T00:10:00.000Z"`)
	require.Equal(t, uint64(2), now.task.Counters().Firing)

	then := mustPlant(t, strings.Replace(silence, "name: quiet", "name: still", 1))
	require.Equal(t, 1, then.succeed(now).Ended)
	said = then.alerts()
	require.Contains(t, said[0].value, `"rule":"quiet","device":"d2","state":"resolved"`)
	require.Contains(t, said[0].value, `"at":"2026-03-01T00:12:00.000Z"`)
	require.Contains(t, said[0].value, `"clock":{"device":"2026-03-01T00:00:00.000Z","task":"2026-03-01T00:12:00.000Z"}`)
	require.Contains(t, said[0].value, `"reason":"removed"`)
	then.at("d1", "temperature", 13, 9)
	require.Contains(t, then.alerts()[0].value, `"rule":"still","device":"d2","state":"firing"`)
	last := mustPlant(t, mannerRules)
	require.Equal(t, 1, last.succeed(then).Ended)
	last.alerts()
	last.at("d2", "temperature", 14, 7)
	require.Empty(t, last.alerts())
}

// Devices that only the roster has made known are forgotten with the last rule that
// expects them, and the others are not.
func TestExpectedDevicesGo(t *testing.T) {
	const with = mannerRules + "- {name: missing, no_data: {after: 5m, expect: roster}}\n"
	const roster = "devices: {roster: fleet.csv}\n"
	old := newPlant(t, roster+with, plantOptions{roster: "device\nd1\nd3\n"})
	old.at("d1", "temperature", 0, 7)
	old.at("d1", "temperature", 6, 7)
	require.Len(t, old.alerts(), 3, "d1 fires and resolves, d3 fires")
	now := newPlant(t, roster+mannerRules, plantOptions{roster: "device\nd1\nd3\n"})
	require.Equal(t, 1, now.succeed(old).Ended)
	require.Contains(t, now.alerts()[0].value, `"rule":"missing","device":"d3","state":"resolved"`)
	_, known := now.table.Lookup([]byte("d3"))
	require.False(t, known)
	_, known = now.table.Lookup([]byte("d1"))
	require.True(t, known)
}

// An alert that fires repeats and escalates from the change on where its rule has come
// to do so, and keeps when it does where it did before.
func TestMannerComesAndGoes(t *testing.T) {
	of := func(manner string) string {
		return strings.Replace(mannerRules, "{name: hot,", "{name: hot, "+manner, 1)
	}
	old := mustPlant(t, of("repeat_every: 5m, escalate: [{after: 14m, severity: page}], "))
	old.succeed(fleetOf(t, mannerRules)) // at 11
	require.Empty(t, old.alerts())
	same := mustPlant(t, of("repeat_every: 5m, escalate: [{after: 14m, severity: page}], flapping: {changes: 3, within: 1h}, ")+"- {name: more, when: humidity, levels: {alarm: {above: 90}}}\n")
	require.Zero(t, same.succeed(old).Ended)
	same.at("d2", "temperature", 17, 7)
	said := same.alerts()
	require.Len(t, said, 1)
	require.Contains(t, said[0].value, `"at":"2026-03-01T00:16:00.000Z"`)
	require.Contains(t, said[0].value, `"repeat":1`)
	same.at("d2", "temperature", 25, 7)
	said = same.alerts()
	require.Len(t, said, 2)
	require.Contains(t, said[1].value, `"at":"2026-03-01T00:25:00.000Z"`)
	require.Contains(t, said[1].value, `"escalation":1`)
	require.Contains(t, said[1].value, `"severity":"page"`)

	// What a rule that begins anew had beside its state does not go on.
	reset := mustPlant(t, of("keep_firing: 1m, repeat_every: 5m, escalate: [{after: 14m, severity: page}], "))
	require.Equal(t, 1, reset.succeed(same).Ended)
	reset.alerts()
	reset.at("d2", "temperature", 60, 7)
	require.Empty(t, reset.alerts())

	// Nor does a step whose rule has none any more.
	without := mustPlant(t, mannerRules)
	require.Zero(t, without.succeed(same).Ended)
	again := mustPlant(t, of("escalate: [{after: 14m, severity: page}], "))
	require.Zero(t, again.succeed(without).Ended)
	again.at("d2", "temperature", 38, 7)
	require.Empty(t, again.alerts())
	again.at("d2", "temperature", 39, 7)
	require.Contains(t, again.alerts()[0].value, `"escalation":1`)
}

// What a rule has beside its state goes on with it: repeats and steps of its escalation
// count from when they did, however often the file changes.
func TestMannerGoesOn(t *testing.T) {
	rules := strings.Replace(mannerRules, "{name: hot,", "{name: hot, repeat_every: 5m, escalate: [{after: 14m, severity: page}], ", 1)
	p := fleetOf(t, rules) // it fires from 0 on
	for minute, more := range []string{"one", "two", "three"} {
		next := mustPlant(t, rules+"- {name: "+more+", when: humidity, levels: {alarm: {above: 90}}}\n")
		require.Zero(t, next.succeed(p).Ended)
		p = next
		p.at("d2", "temperature", 11.5+float64(minute), 7) // before the step at 14
		require.Empty(t, p.alerts())
	}
	p.at("d2", "temperature", 16, 7)
	said := p.alerts()
	require.Len(t, said, 2)
	require.Contains(t, said[0].value, `"at":"2026-03-01T00:14:00.000Z"`)
	require.Contains(t, said[0].value, `"escalation":1`)
	require.Contains(t, said[1].value, `"at":"2026-03-01T00:15:00.000Z"`)
	require.Contains(t, said[1].value, `"repeat":3`)
}

// An alert that ends with its rule says what suppresses it and who knows of it, and its
// acknowledgement is taken back; the acknowledgements of others hold.
func TestCommandsHoldWhileFilesChange(t *testing.T) {
	p := fleetOf(t, mannerRules)
	p.at("d1", "humidity", 12, 90)
	p.taken()
	hot, wet := p.episode("hot", "d1"), p.episode("wet", "d1")
	for _, id := range []string{hot, wet} {
		a := commands.Ack{ID: id, Rule: "hot", Author: "kim", Reason: "known", At: scriptDay}
		a.Device = "d1"
		p.command(a.Key(), string(a.AppendValue(nil)))
	}
	s := commands.Silence{Kind: commands.KindSilence, Name: "belt", Start: scriptDay, End: scriptDay + 24*hour, Matchers: []commands.Matcher{matcherOf(t, "device=d1")}}
	p.command(s.Key(), string(s.AppendValue(nil)))
	p.setCommands()
	p.taken()

	now := mustPlant(t, strings.Replace(mannerRules, "name: wet", "name: damp", 1))
	now.commands, now.told, now.written = p.commands, p.told, nil
	require.Equal(t, 1, now.succeed(p).Ended)
	said := now.alerts()
	require.Len(t, said, 1, "%v", said)
	require.Contains(t, said[0].value, `"rule":"wet","device":"d1","state":"resolved"`)
	require.Contains(t, said[0].value, `"suppressed_by":["silence/belt"]`)
	require.Contains(t, said[0].value, `"acked":{"author":"kim"`)
	require.Equal(t, 1, len(now.written))
	require.Equal(t, commands.AckKey(wet), now.written[0].key)
	require.Empty(t, now.written[0].value)
	require.Equal(t, hot, now.episode("hot", "d1"))

	none := mustPlant(t, mannerRules[:strings.Index(mannerRules, "rules:")])
	none.commands, none.told = now.commands, now.told
	require.Equal(t, 1, none.succeed(now).Ended)
	require.Contains(t, none.alerts()[0].value, `"rule":"hot","device":"d1","state":"resolved"`)
	require.Len(t, none.written, 1)
	require.Equal(t, commands.AckKey(hot), none.written[0].key, "also where no rule is left")
}
