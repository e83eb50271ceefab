package oracle

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// names returns the name of an expected output, and what is left of it where one
// part of it is wrong.
func (w *want) names(in *Input) (exact, rough identity) {
	p := in.Pipeline
	switch {
	case w.aggregate != nil:
		exact = w.aggregate.names(in, w.device)
		rough = exact
		rough.number, rough.resets = "", ""
	case w.alert != nil:
		a := w.alert
		exact = identity{'l', w.lane, w.device, written(a.began), "", strconv.Itoa(a.number), resetsText(a.resets)}
		rough = identity{'l', w.lane, w.device, written(a.at), a.state, "", ""}
	case w.restart != nil:
		exact = identity{kind: 'r', device: w.device, first: strconv.FormatInt(w.restart.record.Offset, 10), resets: resetsText(w.restart.resets)}
		rough = exact
		rough.device, rough.resets = "", ""
	case w.rejected != nil:
		exact = identity{kind: 'q', lane: string(w.rejected.reason), first: strconv.FormatInt(w.rejected.parcel.record.Offset, 10)}
		if w.rejected.reason != event.Late {
			exact.second = "0" // the sample, of which a record has one where it is none of weir's
		}
		rough = exact
		rough.lane = ""
	default:
		r := w.refusal
		exact = identity{'q', string(r.reason), "", strconv.FormatInt(r.record.Offset, 10), strconv.Itoa(r.reading.sample), "", ""}
		if !r.unusable() {
			exact.number = p.Metrics[r.reading.metric]
		}
		rough = exact
		rough.lane, rough.number = "", ""
	}
	return exact, rough
}

// names returns the name of an emission. The end of a session is no part of it: it
// may grow.
func (a *aggregate) names(in *Input, device string) identity {
	c := &in.Pipeline.Windows[a.window]
	id := identity{'a', c.Name, device, written(a.start), written(a.end), strconv.Itoa(a.revision), resetsText(a.resets)}
	if in.isSession(c.Name) {
		id.second = ""
	}
	return id
}

// aggregateNames returns the name of an emission as its record has it.
func aggregateNames(in *Input, body *node) identity {
	id := identity{
		'a', text(body.field("window")), owner(body), text(body.field("start")), text(body.field("end")),
		text(body.field("revision")), text(body.field("resets")),
	}
	if in.isSession(id.lane) {
		id.second = ""
	}
	return id
}

// resetsText is the number of resets in a name; a record does not have it for 0.
func resetsText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// unusable reports whether the message itself is at fault; its record holds it.
func (r *refusal) unusable() bool { return r.reason != event.Late && r.reason != event.Future }

// describe says which output is meant.
func (w *want) describe(p *configs.Pipeline) string {
	switch {
	case w.aggregate != nil:
		a := w.aggregate
		if a.merged {
			return fmt.Sprintf("window %s [%s, %s) revision %d, merged into %s", w.lane, written(a.start), written(a.end), a.revision, written(a.into))
		}
		var results []string
		for i, name := range p.Windows[a.window].Compute {
			results = append(results, name+" "+number(a.results[i].value))
		}
		word := "provisional"
		if a.final {
			word = "final"
		}
		return fmt.Sprintf("window %s [%s, %s) revision %d, %s, %s", w.lane, written(a.start), written(a.end), a.revision, word, strings.Join(results, ", "))
	case w.alert != nil:
		a := w.alert
		return fmt.Sprintf("rule %s %s at %s, value %s, event %d of the episode of %s", w.lane, a.state, written(a.at), number(a.value.value), a.number, written(a.began))
	case w.restart != nil:
		return fmt.Sprintf("clock reset %d, from %s to %s", w.restart.resets, written(w.restart.from), written(w.restart.to))
	case w.rejected != nil:
		return w.rejected.describe()
	default:
		return fmt.Sprintf("%s reading, sample %d", w.refusal.reason, w.refusal.reading.sample)
	}
}

// number writes a number as JSON does.
func number(v float64) string {
	format := byte('f')
	if size := math.Abs(v); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	s := strconv.FormatFloat(v, format, -1, 64)
	if n := len(s); n >= 4 && format == 'e' && s[n-4:n-1] == "e-0" {
		s = s[:n-2] + s[n-1:]
	}
	return s
}

// agreement collects what a record says otherwise than it should; the first is kept.
type agreement struct {
	problem string
	within  string // the object whose fields are compared, and a dot; empty: the record itself
}

func (a *agreement) differ(name, expected, found string) {
	if a.problem == "" {
		a.problem = fmt.Sprintf("expected %s%s %s, found %s", a.within, name, expected, found)
	}
}

// show is a value of a record for a message.
func show(n *node) string {
	switch {
	case n == nil:
		return "none"
	case n.kind == '"':
		return strconv.Quote(n.text)
	case n.kind == '0':
		return n.text
	case n.kind == 't':
		return "true"
	case n.kind == 'f':
		return "false"
	case n.kind == 'n':
		return "null"
	default:
		return "an array or object"
	}
}

// text compares a field that must be a string.
func (a *agreement) text(object *node, name, expected string) {
	if n := sub(object, name); n == nil || n.kind != '"' || n.text != expected {
		a.differ(name, strconv.Quote(expected), show(n))
	}
}

// whole compares a field that must be an integer.
func (a *agreement) whole(object *node, name string, expected int64) {
	if n := sub(object, name); n == nil || n.kind != '0' || n.text != strconv.FormatInt(expected, 10) {
		a.differ(name, strconv.FormatInt(expected, 10), show(n))
	}
}

// truth compares a field that is true or false; absent is false.
func (a *agreement) truth(object *node, name string, expected bool) {
	n := sub(object, name)
	if n != nil && n.kind != 't' && n.kind != 'f' || expected != (n != nil && n.kind == 't') {
		a.differ(name, strconv.FormatBool(expected), show(n))
	}
}

// resets compares how often a clock began anew, which is absent for never.
func (a *agreement) resets(object *node, expected int) {
	if expected == 0 {
		a.absent(object, "resets")
	} else {
		a.whole(object, "resets", int64(expected))
	}
}

// absent compares a field that must not be there.
func (a *agreement) absent(object *node, name string) {
	if n := sub(object, name); n != nil {
		a.differ(name, "none", show(n))
	}
}

// measure compares a number that was computed, and returns the one found.
func (a *agreement) measure(object *node, name string, expected measure) float64 {
	n := sub(object, name)
	if expected.huge && n != nil && n.kind == 'n' {
		return expected.value
	}
	if n != nil && n.kind == '0' {
		v, err := strconv.ParseFloat(n.text, 64)
		if err == nil && expected.takes(v) {
			return v
		}
	}
	a.differ(name, number(expected.value), show(n))
	return expected.value
}

// mismatch says in what the content of a record is not as expected; empty: in
// nothing.
func (w *want) mismatch(in *Input, f found) string {
	a := &agreement{}
	p := in.Pipeline
	if w.refusal == nil && w.rejected == nil {
		if string(f.record.Key) != w.device {
			a.differ("key", strconv.Quote(w.device), strconv.Quote(string(f.record.Key)))
		}
		a.text(&f.body, "pipeline", p.Name)
		w.agreeOwner(p, a, &f.body)
	}
	switch {
	case w.aggregate != nil:
		w.agreeAggregate(p, a, &f.body)
	case w.alert != nil:
		w.agreeAlert(in, a, &f.body)
	case w.restart != nil:
		w.agreeRestart(in, a, &f.body)
	case w.rejected != nil:
		w.rejected.agree(in, a, f)
	default:
		w.agreeRefusal(in, a, f)
	}
	return a.problem
}

func (w *want) agreeAggregate(p *configs.Pipeline, a *agreement, n *node) {
	c := &p.Windows[w.aggregate.window]
	a.text(n, "window", c.Name)
	a.text(n, "metric", c.Metric)
	a.text(n, "start", written(w.aggregate.start))
	a.text(n, "end", written(w.aggregate.end))
	a.whole(n, "revision", int64(w.aggregate.revision))
	a.truth(n, "final", w.aggregate.final)
	a.truth(n, "corrects_alert", w.aggregate.corrects)
	a.resets(n, w.aggregate.resets)
	if w.aggregate.merged {
		a.text(n, "merged_into", written(w.aggregate.into))
		for _, name := range c.Compute {
			a.absent(n, name)
		}
		return
	}
	a.absent(n, "merged_into")
	for i, name := range c.Compute {
		a.measure(n, name, w.aggregate.results[i])
	}
}
