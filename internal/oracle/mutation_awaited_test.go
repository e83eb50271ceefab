package oracle

// awaited is a pipeline whose alerts wait for the task's clock: rules on silence, and
// alerts that are said again. They flap, too.
const awaited = `
name: history
source: {topic: readings}
time: {wait_for_late: 2s, idle_after: 20s, max_future_skew: 1m}
windows:
  - {name: ten, metric: temp, tumbling: 10s, compute: [max], emit: {topic: out}}
rules:
  - {name: high, when: ten.max, levels: {warm: {above: 12}, hot: {above: 16}}, keep_firing: 20s, repeat_every: 1m}
  - {name: newest, when: temp, levels: {low: {below: 8}}, repeat_every: 70s, flapping: {changes: 3, within: 30s}}
  - {name: quiet, no_data: 10s, repeat_every: 1m}
  - {name: missing, no_data: {after: 20s, severity: gone}, flapping: {changes: 2, within: 1m}, repeat_every: 90s}
state: {forget_after: 2m}
+ rule missing expect roster
+ reset_clock_after 15s
+ labels limit:number site:text
`

// awaitedMutations break what only awaited has.
func awaitedMutations() map[string]mutation {
	alerts := func(about func(*alert) bool) func(*want) bool {
		return func(w *want) bool { return w.alert != nil && about(w.alert) }
	}
	repeated := alerts(func(a *alert) bool { return a.repeat > 0 })
	flapping := alerts(func(a *alert) bool { return a.flapping })
	silent := func(w *want) bool { return w.alert != nil && (w.lane == "quiet" || w.lane == "missing") }
	struck := alerts(func(a *alert) bool { return a.cause.reason == "struck" })
	because := func(reason string) func(object) {
		return func(o object) { o["cause"].(object)["reason"] = reason }
	}
	return map[string]mutation{
		"how often it was repeated": edited(repeated, func(o object) { o["repeat"] = o["repeat"].(float64) + 1 }),
		"a repeat as the first":     edited(repeated, func(o object) { delete(o, "repeat") }),
		"the first as a repeat":     edited(alerts(func(a *alert) bool { return a.repeat == 0 }), func(o object) { o["repeat"] = 1 }),
		"repeated for a silence":    edited(repeated, because("silence")),
		"flapping unsaid":           edited(flapping, func(o object) { delete(o, "flapping") }),
		"not flapping":              edited(alerts(func(a *alert) bool { return !a.flapping }), func(o object) { o["flapping"] = true }),
		"silent for longer":         edited(silent, func(o object) { o["value"] = o["value"].(float64) + 0.001 }),
		"missing after longer":      edited(silent, func(o object) { o["threshold"] = o["threshold"].(float64) * 2 }),
		"struck as forgotten":       edited(struck, because("forgotten")),
		"struck with its labels":    edited(struck, func(o object) { o["labels"].(object)["site"] = "attic" }),
		"heard as struck": edited(alerts(func(a *alert) bool { return a.state == "resolved" && a.cause.reason == "" }), func(o object) {
			delete(o["cause"].(object), "offset")
			because("struck")(o)
		}),
	}
}
