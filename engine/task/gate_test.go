package task

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

// crowded is a pipeline with the given ones of many rules on one metric, one window
// that closes and one that does not.
func crowded(rules ...int) string {
	var b strings.Builder
	b.WriteString(`
dedupe: {by: off}
time: {wait_for_late: 5s, idle_after: 1m, late: update, allow_backfill: 2m}
windows:
- {name: t, metric: temperature, tumbling: 30s, compute: [mean, max], emit: {topic: aggregates}}
- {name: n, metric: temperature, count: 3, compute: [mean], emit: {topic: counted}}
rules:
`)
	for _, k := range rules {
		when := []string{"temperature", "t.mean", "t.max", "n.mean"}[k%4]
		level := fmt.Sprintf("alarm: {above: %d, hold: %ds}", k-20, k%3*20)
		if k%5 == 0 {
			level = fmt.Sprintf("alarm: {below: %d, clear_above: %d}", k-30, k-20)
		}
		fmt.Fprintf(&b, "- {name: r%d, when: %s, levels: {%s}}\n", k, when, level)
	}
	return b.String()
}

// Each of many rules on one thing says what it says where it is the only one.
func TestManyRulesAreAsEachAlone(t *testing.T) {
	const many = 48 // more than fewRules on each of four things
	all := make([]int, many)
	for k := range all {
		all[k] = k
	}
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(0, many-1).Draw(t, "alone")
		together, alone := newPlant(t, crowded(all...), plantOptions{}), newPlant(t, crowded(k), plantOptions{})
		at := scriptDay
		for range rapid.IntRange(1, 60).Draw(t, "readings") {
			at += event.Time(rapid.IntRange(0, 20_000).Draw(t, "passed"))
			r := reading{
				device: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "device"), metric: "temperature",
				at: at - event.Time(rapid.IntRange(0, 60_000).Draw(t, "lag")), appended: at, value: strconv.Itoa(rapid.IntRange(-40, 60).Draw(t, "value")), seq: -1,
			}
			require.NoError(t, together.fold(r.record()))
			require.NoError(t, alone.fold(r.record()))
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				together.restart()
				alone.restart()
			}
		}
		require.Equal(t, alertsOf(alone, k), alertsOf(together, k))
	})
}

// alertsOf are the events of one rule.
func alertsOf(p *plant, rule int) []string {
	var all []string
	for _, o := range p.taken() {
		if strings.Contains(o.value, fmt.Sprintf(`"rule":"r%d",`, rule)) {
			all = append(all, o.value)
		}
	}
	return all
}
