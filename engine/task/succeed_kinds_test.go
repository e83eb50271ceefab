package task

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

// kindFiles have the windows and rules of kindsPipeline with others beside and before
// them, so that nothing of them has the number it had.
var kindFiles = []string{
	kindsPipeline,
	strings.NewReplacer(
		"windows:", "windows:\n- {name: x, metric: temperature, session: 9s, by: all, compute: [max], emit: {topic: extra}}\n- {name: site_y, metric: humidity, count: 2, by: all, compute: [min], emit: {topic: extra}}",
		"rules:", "rules:\n- {name: extra, when: x.max + 0, escalate: [{after: 1m, severity: page}], repeat_every: 1m, levels: {alarm: {above: 1}}}",
	).Replace(kindsPipeline),
	strings.Replace(kindsPipeline, "windows:", "windows:\n- {name: site_z, metric: temperature, hopping: {size: 60s, every: 20s}, by: all, compute: [p50], emit: {topic: extra}}", 1),
}

// Windows of every kind over several devices that the file leaves alone hold every
// reading once, whatever comes and goes beside them.
func TestKindsOfGroupsWhileFilesChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(1, 2).Draw(t, "partitions")
		fleet := drawFleet(t, partitions)
		w := newWorks(t, kindsPipeline, partitions)
		w.wall = scriptDay + 43_200_000
		last := w.wall
		for at := make([]int, partitions); ; {
			behind := slices.DeleteFunc([]int{0, 1}[:partitions], func(p int) bool { return at[p] == len(fleet[p]) })
			if len(behind) == 0 {
				break
			}
			p := rapid.SampledFrom(behind).Draw(t, "next")
			j := fleet[p][at[p]]
			at[p]++
			last = max(last, j.appended)
			w.wall += event.Time(rapid.SampledFrom([]int{0, 1_000, 30_000}).Draw(t, "wall"))
			w.fold(p, j.record())
			switch rapid.IntRange(0, 7).Draw(t, "then") {
			case 0:
				w.devices[p].restart()
			case 1, 2:
				w.succeed(rapid.SampledFrom(kindFiles).Draw(t, "file"))
			case 3, 4:
				w.deliver(rapid.IntRange(-1, 5).Draw(t, "deliver"))
			}
		}
		for _, p := range w.devices {
			w.advance(p, last+200_000)
		}
		w.wall += 1_000
		w.deliver(-1)
		w.succeed(kindsPipeline)
		require.Zero(t, w.total(w.groups).Open)
		for _, p := range w.groups {
			require.Empty(t, p.task.groups.ahead)
		}
		said := slices.DeleteFunc(w.said, func(s said) bool { return s.topic == "extra" })
		sameResults(t, naiveKinds(fleet), finals(t, unmerged(said)))
		newest(t, fleet, said)
	})
}
