package oracle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// status is what Alertmanager calls a state.
func status(state string) string {
	switch state {
	case "ok":
		return "inactive"
	case "recovering":
		return "firing"
	}
	return state
}

func (w *want) agreeAlert(in *Input, a *agreement, n *node) {
	p, e := in.Pipeline, w.alert
	rule := &p.Rules[e.rule]
	a.text(n, "rule", rule.Name)
	a.text(n, "state", e.state)
	a.text(n, "status", status(e.state))
	a.level(n, "level", levelName(rule, e.level))
	a.level(n, "previous", levelName(rule, e.previous))
	value := a.measure(n, "value", e.value)
	switch {
	case e.unlabelled:
	case math.IsNaN(e.threshold): // a label that the device does not have
		a.level(n, "threshold", "")
	default:
		a.measure(n, "threshold", measure{value: e.threshold})
	}
	a.resets(n, e.resets)
	if e.repeat == 0 {
		a.absent(n, "repeat")
	} else {
		a.whole(n, "repeat", int64(e.repeat))
	}
	a.truth(n, "flapping", e.flapping)
	a.truth(n, "error", e.failing)
	e.anomaly.agree(a, n)
	e.agreeSuppression(a, n)
	w.agreeClocks(a, sub(n, "clock"))
	a.text(n, "at", written(e.at))
	a.text(n, "startsAt", written(e.began))
	if e.state == "resolved" || e.state == "ok" {
		a.text(n, "endsAt", written(e.at))
	} else {
		a.absent(n, "endsAt")
	}
	if e.window == nil {
		a.absent(n, "window")
	} else {
		window := sub(n, "window")
		a.text(window, "name", p.Windows[e.window.window].Name)
		a.text(window, "start", written(e.window.start))
		a.text(window, "end", written(e.window.end))
	}
	a.text(sub(n, "episode"), "start", written(e.began))
	a.whole(sub(n, "episode"), "event", int64(e.number))
	if !e.unlabelled {
		w.agreeLabels(p, a, sub(n, "labels"))
		a.text(sub(n, "annotations"), "summary", w.summary(p, value))
	}
	w.agreeCause(in, a, sub(n, "cause"))
}

// level compares a field that holds the name of a level, or null.
func (a *agreement) level(object *node, name, expected string) {
	if expected != "" {
		a.text(object, name, expected)
	} else if n := sub(object, name); n == nil || n.kind != 'n' {
		a.differ(name, "null", show(n))
	}
}

func levelName(rule *configs.Rule, level int) string {
	if level == none {
		return ""
	}
	return rule.Levels[level].Name
}

func (w *want) agreeLabels(p *configs.Pipeline, a *agreement, labels *node) {
	rule := &p.Rules[w.alert.rule]
	a.text(labels, "alertname", rule.Name)
	if w.by(p) == "" {
		a.text(labels, "device", w.device)
	} else {
		a.absent(labels, "device")
	}
	a.text(labels, "pipeline", p.Name)
	if n := w.alert.escalation; n > 0 && len(rule.Escalate) > 0 {
		a.text(labels, "severity", rule.Escalate[n-1].Severity)
	} else if level := levelName(rule, w.alert.level); level != "" {
		a.text(labels, "severity", level)
	} else {
		a.absent(labels, "severity")
	}
	own := []string{"alertname", "device", "pipeline", "severity"}
	for _, name := range slices.Sorted(maps.Keys(w.alert.labels)) {
		if !slices.Contains(own, name) {
			a.text(labels, name, w.alert.labels[name])
		}
	}
	if labels == nil {
		return
	}
	for i, name := range labels.fields {
		// A cell that is empty may be a label without text, or none.
		if _, ours := w.alert.labels[name]; !ours && !slices.Contains(own, name) && text(&labels.items[i]) != "" {
			a.absent(labels, name)
		}
	}
}

func (w *want) agreeCause(in *Input, a *agreement, n *node) {
	a.within = "cause."
	defer func() { a.within = "" }()
	a.text(n, "topic", in.Pipeline.Source.Topic)
	a.whole(n, "partition", int64(in.Partition))
	if w.alert.cause.reason != "" {
		a.text(n, "reason", w.alert.cause.reason)
		a.absent(n, "offset")
		return
	}
	a.whole(n, "offset", w.alert.cause.offset)
	a.absent(n, "reason")
}

// episodeID is the same for all events of one episode.
func (w *want) episodeID(p *configs.Pipeline) string {
	return episodeID(p, w.alert.rule, w.device, w.alert.began, w.alert.resets)
}

func episodeID(p *configs.Pipeline, rule int, device string, began event.Time, resets int) string {
	h := sha256.New()
	for _, s := range []string{p.Name, p.Rules[rule].Name, device} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(began)))
	if resets != 0 {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(resets)))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// wrongID says what is wrong with the ids of an alert; empty: nothing.
func (w *want) wrongID(in *Input, f found) string {
	if w.alert == nil {
		return ""
	}
	id := w.episodeID(in.Pipeline)
	a := &agreement{}
	a.text(&f.body, "id", id)
	if of := id + "-" + strconv.Itoa(w.alert.number); f.record.ID != of {
		a.differ("weir-id", strconv.Quote(of), strconv.Quote(f.record.ID))
	}
	return a.problem
}

// summary writes the message of the rule about the value that the record has.
func (w *want) summary(p *configs.Pipeline, value float64) string {
	var b strings.Builder
	for _, part := range p.Rules[w.alert.rule].Template {
		if part.Field == "" {
			b.WriteString(part.Literal)
		} else {
			b.WriteString(w.field(p, part, value))
		}
	}
	return b.String()
}

func (w *want) field(p *configs.Pipeline, part configs.Part, value float64) string {
	e := w.alert
	rule := &p.Rules[e.rule]
	if name, ok := strings.CutPrefix(part.Field, "labels."); ok {
		return e.labels[name]
	}
	switch part.Field {
	case "device", "group":
		return w.device
	case "state":
		return e.state
	case "rule":
		return rule.Name
	case "metric":
		return p.Metrics[rule.When.Metric]
	case "level":
		if e.level == none {
			return "ok"
		}
		return rule.Levels[e.level].Name
	case "active_for":
		return (time.Duration(e.at-e.began) * time.Millisecond).String()
	case "window.start", "window.end":
		switch {
		case e.window == nil:
			return ""
		case part.Field == "window.start":
			return written(e.window.start)
		default:
			return written(e.window.end)
		}
	case "threshold":
		value = e.threshold
	case "kind":
		return e.anomaly.kind
	case "expected":
		value = e.anomaly.expected
	}
	if part.Format != "" {
		return fmt.Sprintf(part.Format, value)
	}
	if math.IsNaN(value) {
		return "null" // as in JSON
	}
	return number(value)
}
