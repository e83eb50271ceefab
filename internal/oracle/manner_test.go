package oracle

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// manners is a pipeline whose rules differ in when they look and how alerts end.
const manners = `
name: history
source: {topic: readings}
time: {wait_for_late: 5s, idle_after: 5s, max_future_skew: 1m}
windows:
  - {name: ten, metric: temp, tumbling: 10s, compute: [mean, count], emit: {topic: out}}
  - {name: hop, metric: temp, hopping: {size: 20s, every: 5s}, compute: [max]}
  - {name: visit, metric: hum, session: {gap: 10s}, compute: [max], emit: {topic: live}}
rules:
  - {name: mean, when: ten.mean, levels: {warm: {above: 12, clear_below: 10}, hot: {above: 16, hold: 20s}}, keep_firing: 20s, on_gap: reset}
  - {name: soon, when: ten.mean, evaluate: change, levels: {warm: {above: 8, hold: 1s}, hot: {above: 10, hold: 2s}}, keep_firing: 3s, on_gap: reset}
  - {name: hop, when: hop.max, evaluate: change, levels: {warm: {above: 12, hold: 3s}}, on_gap: hold}
  - {name: newest, when: temp, levels: {low: {below: 8, hold: 3s}, lower: {below: 2}}, keep_firing: 5s, on_gap: reset}
  - {name: visit, when: visit.max, evaluate: change, levels: {high: {above: 14}}, keep_firing: 4s}
state: {forget_after: 2m}
`

func TestPipelinesThatCannotBeVerified(t *testing.T) {
	for rule, want := range map[string]string{
		"{name: r, when: temp, levels: {x: {above: 1}}}":                                               "",
		"{name: r, when: w.max, evaluate: change, levels: {x: {above: 1}}}":                            "",
		"{name: r, no_data: 15m}":                                                                      "",
		"{name: r, when: temp, levels: {x: {above: 1}}, repeat_every: 1h}":                             "",
		"{name: r, when: temp, levels: {x: {above: 1}}, flapping: {changes: 2, within: 1h}}":           "",
		"{name: r, when: w.p99, evaluate: change, levels: {x: {above: 1}}}":                            "rule r looks at every reading (evaluate: change) at p99, which may come out in more than one way",
		"{name: r, when: w.p99, levels: {x: {above: 1}}, keep_firing: 1m}":                             "",
		"{name: r, when: n.p99, levels: {x: {above: 1, hold: 1m}}, on_gap: reset, evaluate: change}\n": "",
	} {
		p := pipelineOf(t, `
name: unknown
source: {topic: readings}
windows:
  - {name: w, metric: temp, tumbling: 1m, compute: [max, p99], emit: {topic: out}}
  - {name: n, metric: temp, count: 4, compute: [p99], emit: {topic: out}}
rules:
  - `+rule)
		require.Equal(t, want, Unknown(p))
		report := Check(Input{Pipeline: p})
		if want == "" {
			require.Empty(t, report.Differences, rule)
			continue
		}
		require.Len(t, report.Differences, 1)
		require.Equal(t, "verify cannot check this pipeline yet: "+want, report.Differences[0].Text)
	}
}
