package task

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A revision that would have changed any one of the alerts says so, with as many
// rules as a window can have.
func TestEveryRuleOfAWindowCorrects(t *testing.T) {
	const rules = 8
	for odd := range rules {
		var b strings.Builder
		b.WriteString("time: {wait_for_late: 5s, late: update, allow_backfill: 10m, idle_after: 1h}\nwindows: [{name: t, metric: temperature, tumbling: 1m, compute: [max], emit: {topic: x}}]\nrules:\n")
		for i := range rules {
			above := 1000
			if i == odd {
				above = 50
			}
			fmt.Fprintf(&b, "- {name: r%d, when: t.max, levels: {alarm: {above: %d}}}\n", i, above)
		}
		p := mustPlant(t, b.String())
		for _, r := range []reading{
			{at: at(0), appended: at(0), value: "10"}, {at: at(200), appended: at(200), value: "10"}, {at: at(1), appended: at(200), value: "70"},
		} {
			r.device, r.metric, r.seq = "a", "temperature", -1
			require.NoError(t, p.fold(r.record()))
		}
		said := p.taken()
		require.Len(t, said, 2)
		require.Contains(t, said[1].value, `"corrects_alert":true`, "rule %d of %d", odd, rules)
	}
}
