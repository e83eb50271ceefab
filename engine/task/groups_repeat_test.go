package task

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

const groupRepeatPipeline = `
dedupe: {by: off}
time: {wait_for_late: 1s, idle_after: 20s, max_future_skew: 10s}
windows:
- {name: all, metric: temperature, tumbling: 10s, by: all, compute: [max], emit: {topic: aggregates}}
- {name: visits, metric: temperature, session: 5s, by: all, compute: [count], emit: {topic: aggregates}}
rules:
- {name: hot, when: all.max, levels: {alarm: {above: 10}}, repeat_every: 1m}
- {name: long, when: visits.count, levels: {alarm: {above: 1}}, repeat_every: 1m}
`

// An alert of a group is repeated, and nothing else comes of that: the group does not
// fall silent as a device would that was not heard, for its head has no such time.
func TestRepeatsOfGroupsSilenceNobody(t *testing.T) {
	w := newWorks(t, groupRepeatPipeline, 1)
	noon := scriptDay + 43_200_000
	for i := range 200 {
		w.wall = noon + event.Time(1_000*i)
		w.fold(0, reading{device: "h-0", metric: "temperature", at: w.wall, appended: w.wall, value: "20", seq: -1}.record())
		w.deliver(-1)
		if i == 100 {
			w.groups[0].restart()
		}
	}
	at := regexp.MustCompile(`"at":"([^"]*)"`)
	var alerts []string
	for _, o := range w.said {
		require.NotContains(t, o.value, `"final":false`, "its clock never stood still")
		if isAlert(o) {
			alerts = append(alerts, at.FindStringSubmatch(o.value)[1])
			require.Equal(t, len(alerts) > 1, strings.Contains(o.value, fmt.Sprintf(`"repeat":%d,`, len(alerts)-1)), o.value)
		}
	}
	require.Equal(t, []string{stamp(noon + 10_000), stamp(noon + 71_000), stamp(noon + 131_000), stamp(noon + 191_000)}, alerts)
}
