package task

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

// kindFiles have the windows and rules of latePipeline with others beside and before
// them, so that nothing of them has the number it had.
var kindFiles = []string{
	latePipeline,
	strings.NewReplacer(
		"windows:", "windows:\n- {name: site_x, metric: temperature, session: 9s, by: all, compute: [max], emit: {topic: extra}}\n- {name: y, metric: humidity, count: 2, by: all, compute: [min], emit: {topic: extra}}",
		"rules:", "rules:\n- {name: extra, when: site_x.max + 0, escalate: [{after: 1m, severity: page}], repeat_every: 1m, levels: {alarm: {above: 1}}}",
	).Replace(latePipeline),
	strings.Replace(latePipeline, "windows:", "windows:\n- {name: site_z, metric: temperature, hopping: {size: 60s, every: 20s}, by: all, compute: [p50], emit: {topic: extra}}", 1),
}

// Windows of every kind over several devices, and rules on them, say the same, byte by
// byte, whatever comes and goes beside them.
func TestKindsOfGroupsWhileFilesChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := newWorks(t, latePipeline, 2), newWorks(t, latePipeline, 2)
		both := []*works{one, other}
		appended := []event.Time{scriptDay + 43_200_000, scriptDay + 43_200_000}
		for range rapid.IntRange(1, 40).Draw(t, "readings") {
			p := rapid.IntRange(0, 1).Draw(t, "partition")
			appended[p] += event.Time(rapid.SampledFrom([]int{0, 1_000, 10_000, 60_000}).Draw(t, "passed"))
			j := journey{
				device: fmt.Sprintf("%s-%d", rapid.SampledFrom([]string{"h", "b"}).Draw(t, "site"), rapid.IntRange(0, 1).Draw(t, "device")+10*p),
				metric: rapid.SampledFrom([]string{"temperature", "humidity"}).Draw(t, "metric"), appended: appended[p], value: rapid.IntRange(-9, 30).Draw(t, "value"),
				at: appended[p] - event.Time(rapid.SampledFrom([]int{0, 0, 700, 7_000, 20_000}).Draw(t, "lag")),
			}
			file := rapid.SampledFrom(kindFiles).Draw(t, "file")
			for i, w := range both {
				file := []string{latePipeline, file}[i] // of the one a restart
				w.wall = max(w.wall, appended[p])
				w.fold(p, j.record())
				w.deliver(-1)
				w.succeed(file)
			}
		}
		other.succeed(latePipeline)
		for _, w := range both {
			for _, p := range w.devices {
				w.advance(p, slices.Max(appended)+600_000)
			}
			w.deliver(-1)
		}
		sameSaid(t, lasting(one.said), lasting(other.said))
		total := other.total(other.groups)
		require.True(t, total.Conserved())
		require.Zero(t, total.Open)
		for _, p := range other.groups {
			require.Empty(t, p.task.groups.ahead)
			p.check()
		}
	})
}

// about is what a record is about: a window or a rule, and a group.
func about(s said) string {
	before, _, _ := strings.Cut(s.value, `,"group":`)
	_, name, _ := strings.Cut(before, `,"window":`)
	_, rule, _ := strings.Cut(before, `,"rule":`)
	return s.topic + " " + s.key + " " + name + rule
}

// lasting are the records of what all of kindFiles have, in order for each: of which
// record of the topic of partials they are, and what the devices say, depends on the rest;
// and what was on its way to a window that is gone is put aside.
func lasting(all []said) (list []said) {
	clocks := regexp.MustCompile(`,"clock":{[^}]*}`) // watermarks come at the ends of all panes
	for _, s := range all {
		if strings.Contains(s.value, `"weir.quarantine/1"`) || slices.ContainsFunc([]string{"site_x", "site_z", "y", "extra"}, func(name string) bool {
			return strings.Contains(s.value, fmt.Sprintf(`"window":%q`, name)) || strings.Contains(s.value, fmt.Sprintf(`"rule":%q`, name))
		}) {
			continue
		}
		if at := strings.Index(s.value, `,"cause":`); at >= 0 {
			s.value = s.value[:at]
		}
		s.value = clocks.ReplaceAllString(s.value, "")
		s.seq = 0
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b said) int { return strings.Compare(about(a), about(b)) })
	return list
}
