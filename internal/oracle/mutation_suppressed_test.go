package oracle

import (
	"slices"
	"strconv"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
)

// suppressed is a pipeline whose alerts are suppressed, acknowledged and escalate, and
// some of whose rules look at expressions.
const suppressed = `
name: history
source: {topic: readings}
time: {wait_for_late: 2s, idle_after: 20s, max_future_skew: 1m}
windows:
  - {name: ten, metric: temp, tumbling: 10s, compute: [max], emit: {topic: out}}
rules:
  - {name: high, when: ten.max, levels: {warm: {above: 12}, hot: {above: 16}}, keep_firing: 20s, repeat_every: 1m}
  - {name: newest, when: temp, levels: {low: {below: 8}}, schedule: {days: sun, from: "12:00", to: "12:01", timezone: UTC}}
  - {name: quiet, no_data: 10s, escalate: [{after: 5s, severity: page}, {after: 60s, unless: never, severity: boss}]}
  - {name: reckoned, when: "100 / (int(temp) - 7) + hum * 0.01", levels: {high: {above: 12.3}, more: {above: 40}}}
inhibit:
  - {source: {rule: newest}, target: {rule: high}, equal: device}
  - {source: {rule: quiet}, target: {rule: reckoned}, equal: device}
state: {forget_after: 2m}
`

// obey writes what tasks write into the topic of commands, and lets an operator write
// now and then.
func (h *history) obey() {
	if len(h.in.Pipeline.Inhibit) == 0 {
		return
	}
	for _, o := range h.model.orders[h.ordered:] {
		h.ordered++
		var value []byte
		if o.value != "" {
			value = []byte(o.value)
		}
		h.command(o.key, value)
	}
	switch h.IntN(12) {
	case 0:
		s := &commands.Silence{Kind: commands.KindSilence, Name: "s" + strconv.Itoa(h.IntN(3)), At: h.wall, Start: h.wall, End: h.wall + 1 + event.Time(h.IntN(30_000))}
		m, err := commands.NewMatcher("level", "=~", []string{"l.*", "h.*"}[h.IntN(2)])
		if err != nil {
			panic(err)
		}
		s.Matchers = []commands.Matcher{m}
		h.command(s.Key(), s.AppendValue(nil))
	case 1, 2:
		var all []*want
		for _, w := range h.model.wants {
			if w.alert != nil {
				all = append(all, w)
			}
		}
		if len(all) == 0 {
			return
		}
		w := all[max(0, len(all)-1-h.IntN(4))]
		ack := commands.Ack{ID: w.episodeID(h.in.Pipeline), Rule: w.lane, Whose: commands.Whose{Device: w.device}, Author: "ada", Reason: "known", At: h.wall}
		h.command(ack.Key(), ack.AppendValue(nil))
	default:
		return
	}
	f := fact{position: h.in.Committed, isCommands: true, version: h.commands.Offset(), entry: &entry{to: h.in.Committed}}
	h.model.versions = map[int64]*commands.Version{f.version: h.commands.Version()}
	h.model.enter(f, newWitness(nil))
	e := &h.entries[len(h.entries)-1]
	e.facts = append(e.facts, f)
}

func (h *history) command(key string, value []byte) {
	offset := int64(len(h.in.Commands))
	h.in.Commands = append(h.in.Commands, CommandRecord{Offset: offset, Key: []byte(key), Value: value})
	_ = h.commands.Apply(offset, []byte(key), value)
}

// renderMore writes what an alert says beside itself.
func renderMore(o object, a *alert) {
	if len(a.suppressed) > 0 {
		o["suppressed_by"] = a.suppressed
	}
	if a.acked != nil {
		o["acked"] = object{"author": a.acked.Author, "reason": a.acked.Reason, "at": written(a.acked.At)}
	}
	if a.escalation > 0 {
		o["escalation"] = a.escalation
	}
	if a.failing {
		o["error"] = true
	}
	o["clock"] = object{"device": written(a.clocks.device), "task": written(a.clocks.most)}
}

// suppressedMutations break what only suppressed has.
func suppressedMutations() map[string]mutation {
	alerts := func(about func(*alert) bool) func(*want) bool {
		return func(w *want) bool { return w.alert != nil && about(w.alert) }
	}
	because := func(reason string) func(*want) bool {
		return alerts(func(a *alert) bool { return a.cause.reason == reason })
	}
	said := func(reason string) func(object) {
		return func(o object) { o["cause"].(object)["reason"] = reason }
	}
	return map[string]mutation{
		"suppressed by nothing":  edited(alerts(func(a *alert) bool { return len(a.suppressed) > 0 }), func(o object) { delete(o, "suppressed_by") }),
		"suppressed by another":  edited(alerts(func(a *alert) bool { return len(a.suppressed) > 0 }), func(o object) { o["suppressed_by"] = []string{"silence/other"} }),
		"suppressed all at once": edited(because("suppressed"), said("unsuppressed")),
		"acknowledged by none":   edited(alerts(func(a *alert) bool { return a.acked != nil }), func(o object) { delete(o, "acked") }),
		"acknowledged by two":    edited(alerts(func(a *alert) bool { return a.acked != nil }), func(o object) { o["acked"].(object)["author"] = "eve" }),
		"acknowledged unasked":   edited(because("acked"), said("unacked")),
		"a step too far":         edited(because("escalated"), func(o object) { o["escalation"] = o["escalation"].(float64) + 1 }),
		"a step unheard":         edited(because("escalated"), func(o object) { o["labels"].(object)["severity"] = "critical" }),
		"an error unsaid":        edited(alerts(func(a *alert) bool { return a.failing }), func(o object) { delete(o, "error") }),
		"an error that was none": edited(alerts(func(a *alert) bool { return !a.failing }), func(o object) { o["error"] = true }),
		"another clock":          edited(alerts(func(*alert) bool { return true }), func(o object) { o["clock"].(object)["device"] = "2026-01-01T00:00:00.000Z" }),
		"an acknowledgement left": func(h *history) (fault, bool) {
			for i, r := range h.in.Commands {
				if r.Value != nil || h.IntN(2) == 0 {
					continue
				}
				at := slices.IndexFunc(h.model.orders, func(o order) bool { return o.key == string(r.Key) })
				if n := 0; at >= 0 {
					for _, other := range h.in.Commands {
						if string(other.Key) == string(r.Key) && other.Value == nil {
							n++
						}
					}
					if n > 1 {
						continue
					}
					h.in.Commands[i].Key = []byte("nonsense") // its offset stays
					return fault{Commands, h.model.orders[at].source, []string{Commands}}, true
				}
			}
			return fault{}, false
		},
	}
}
