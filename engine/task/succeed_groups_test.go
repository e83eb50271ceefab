package task

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
)

// succeed makes all tasks go on under another file.
func (w *works) succeed(pipeline string) (ended int) {
	next := newWorks(w.t, pipeline, len(w.topic))
	for i := range w.devices {
		next.devices[i].succeed(w.devices[i])
		ended += next.groups[i].succeed(w.groups[i]).Ended
	}
	w.devices, w.groups = next.devices, next.groups
	w.collect()
	return ended
}

// groupFiles have the windows of groupPipeline in another order, and others beside
// them, so that nothing of them has the number it had.
var groupFiles = []string{
	groupPipeline,
	strings.Replace(groupPipeline, "windows:", "windows:\n- {name: first, metric: humidity, tumbling: 20s, by: all, compute: [p50], emit: {topic: aggregates}}\n- {name: site1, metric: temperature, tumbling: 1m, by: all, compute: [max], emit: {topic: aggregates}}", 1),
	strings.Replace(groupPipeline, "- {name: own, metric: temperature, tumbling: 30s", "- {name: more, metric: temperature, hopping: {size: 1m, every: 20s}, by: all, compute: [mean], emit: {topic: aggregates}}\n- {name: own, metric: humidity, tumbling: 10s", 1),
}

// Windows over several devices that the file leaves alone hold every reading once,
// whatever comes and goes beside them.
func TestGroupsWhileFilesChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(1, 2).Draw(t, "partitions")
		fleet := drawFleet(t, partitions)
		w := newWorks(t, groupPipeline, partitions)
		at := make([]int, partitions)
		w.wall = scriptDay + 43_200_000
		last := w.wall
		for {
			var behind []int
			for p := range fleet {
				if at[p] < len(fleet[p]) {
					behind = append(behind, p)
				}
			}
			if len(behind) == 0 {
				break
			}
			p := rapid.SampledFrom(behind).Draw(t, "next")
			n := rapid.IntRange(1, min(5, len(fleet[p])-at[p])).Draw(t, "records")
			for _, j := range fleet[p][at[p] : at[p]+n] {
				w.fold(p, reading{device: j.device, metric: j.metric, at: j.at, appended: j.appended, value: strconv.Itoa(j.value), seq: -1}.record())
				last = max(last, j.appended)
			}
			at[p] += n
			w.wall += event.Time(rapid.SampledFrom([]int{0, 1_000, 30_000}).Draw(t, "wall"))
			switch rapid.IntRange(0, 5).Draw(t, "then") {
			case 0:
				w.devices[p].restart()
			case 1:
				w.groups[rapid.IntRange(0, partitions-1).Draw(t, "group")].restart()
			case 2, 3:
				w.succeed(rapid.SampledFrom(groupFiles).Draw(t, "file"))
			default:
				w.deliver(rapid.IntRange(-1, 5).Draw(t, "deliver"))
			}
		}
		for _, p := range w.devices {
			w.advance(p, last+200_000)
		}
		w.wall += 1_000
		w.deliver(-1)
		w.succeed(groupPipeline)
		require.Zero(t, w.total(w.groups).Late)
		require.Zero(t, w.total(w.groups).Open)
		for _, p := range w.groups {
			require.Empty(t, p.task.groups.ahead)
		}
		have := finals(t, w.said)
		for key := range have {
			if name, _, _ := strings.Cut(key, " "); name != "all" && name != "site" && name != "site2" {
				delete(have, key)
			}
		}
		sameResults(t, naive(fleet), have)
	})
}

// An alert of a rule on a window over several devices ends with its rule, and names
// its group as it did.
func TestAlertsOfGroupsEnd(t *testing.T) {
	const rules = "rules:\n- {name: many, when: site.count, levels: {warning: {above: 0}}}\n- {name: any, when: all.count, levels: {warning: {above: 0}}}\n"
	w := newWorks(t, groupPipeline+rules, 1)
	noon := scriptDay + 43_200_000
	w.wall = noon
	for i := range 20 {
		at := noon + event.Time(i)*5_000
		w.wall = at
		w.fold(0, reading{device: "h-0", metric: "temperature", at: at, appended: at, value: "1", seq: -1}.record())
		w.deliver(-1)
	}
	require.Equal(t, uint64(2), w.groups[0].task.Counters().Firing)
	w.said = nil
	require.Equal(t, 1, w.succeed(groupPipeline+strings.Replace(rules, "name: many", "name: several", 1)))
	require.Len(t, w.said, 1)
	require.Contains(t, w.said[0].value, `"rule":"many","group":"Hamburg","by":"labels.site","state":"resolved"`)
	require.Contains(t, w.said[0].value, `"labels":{"alertname":"many","site":"Hamburg","pipeline":"plant","severity":"warning"}`)
	require.Contains(t, w.said[0].value, `"reason":"removed"`)
	w.said = nil
	require.Equal(t, 1, w.succeed(groupPipeline))
	require.Contains(t, w.said[0].value, `"rule":"any","group":"all","by":"all","state":"resolved"`)
	require.Zero(t, w.groups[0].task.Counters().Firing)
}

// When no window over several devices is left, what its rules have in the topic of commands is taken back: the
// acknowledgement of an alert, and that it suppresses others.
func TestCommandsOfLeftGroups(t *testing.T) {
	const more = "rules:\n- {name: any, when: site.count, levels: {warning: {above: 0}}}\n- {name: each, when: temperature, levels: {warning: {above: 90}}}\n" +
		"inhibit:\n- {source: {rule: any}, target: {rule: each}, equal: labels.site}\n"
	w := newWorks(t, groupPipeline, 1)
	p := parsePipeline(t, "devices: {roster: fleet.csv}\n"+strings.Replace(groupPipeline, "every: 10s}, by: all", "every: 10s}, by: labels.site", 1)+more, sites())
	plan, err := CompileGroups(p)
	require.NoError(t, err)
	g := plantOf(t, plan, w.groups[0].o)
	w.groups[0] = g
	g.commands = &commands.Set{}
	g.setCommands()
	for i := range 20 {
		w.wall = scriptDay + event.Time(i)*5_000
		w.fold(0, reading{device: "h-0", metric: "temperature", at: w.wall, appended: w.wall, value: "1", seq: -1}.record())
		w.deliver(-1)
	}
	a := commands.Ack{ID: g.episode("any", "Hamburg"), Rule: "any", Author: "kim", Reason: "known", At: scriptDay}
	a.Group, a.By = "Hamburg", "labels.site"
	g.command(a.Key(), string(a.AppendValue(nil)))
	g.setCommands()
	require.Len(t, g.commands.Version().Inhibitors(), 1)
	require.Empty(t, g.written)
	inhibits := g.commands.Version().Inhibitors()[0]

	left := newWorks(t, "windows:\n- {name: own, metric: temperature, tumbling: 30s, compute: [count], emit: {topic: own}}\n", 1).groups[0]
	require.True(t, left.plan.Vacant())
	left.commands, left.told = g.commands, g.told
	require.Equal(t, 1, left.succeed(g).Ended)
	var keys []string
	for _, o := range left.written {
		require.Empty(t, o.value)
		keys = append(keys, o.key)
	}
	require.ElementsMatch(t, []string{commands.AckKey(a.ID), inhibits.Key()}, keys)
	require.Less(t, int(left.plan.commandsTopic()), left.plan.Topics())
}
