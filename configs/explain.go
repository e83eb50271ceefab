package configs

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weirstream/weir/event"
)

// ExplainOptions says how much Explain tells.
type ExplainOptions struct {
	Full bool // every setting with its value, and whether that is the default
}

// Explain tells what the pipeline does, each window and rule as one sentence.
// It shows no secret, and nothing that came from ${...} other than names and
// thresholds.
func (p *Pipeline) Explain(o ExplainOptions) string {
	var b strings.Builder
	p.explainWay(&b)
	for i := range p.Windows {
		fmt.Fprintf(&b, "\nWindow %s: %s\n", p.Windows[i].Name, p.sayWindow(&p.Windows[i]))
	}
	for i := range p.Rules {
		fmt.Fprintf(&b, "\nRule %s: %s\n", p.Rules[i].Name, p.sayRule(&p.Rules[i]))
	}
	p.explainInhibits(&b)
	if o.Full {
		p.explainSeries(&b)
		p.explainSettings(&b)
	}
	return b.String()
}

// explainWay tells where readings come from and what they go through before
// windows and rules.
func (p *Pipeline) explainWay(b *strings.Builder) {
	fmt.Fprintf(b, "Pipeline %s\n\n", p.Name)
	brokers := "Kafka at " + strings.TrimSuffix(strings.TrimPrefix(p.shown("kafka.brokers"), "["), "]")
	if p.Kafka.Embedded != nil {
		brokers = "a Kafka broker inside the process, kept in " + p.shown("kafka.embedded.dir")
	}
	fmt.Fprintf(b, "Reads topic %s of %s, in the consumer group %s.\n", p.Source.Topic, brokers, p.Group)
	p.explainAccess(b)
	fmt.Fprintf(b, "%s\n", p.sayMessages())
	if p.MQTT != nil {
		fmt.Fprintf(b, "%s\n", p.sayMQTT())
	}
	p.explainExpressions(b)
	fmt.Fprintf(b, "%s\n", p.sayDedupe())
	if p.Roster != nil {
		fmt.Fprintf(b, "%s\n", p.sayRoster())
	}
	fmt.Fprintf(b, "Each device has its own clock, the greatest event time it has sent. %s\n", p.sayLate())
	if reset := p.Time.ResetClockAfter; reset > 0 {
		fmt.Fprintf(b, "A device whose readings have all been late for %s begins anew with its clock as it is now, and what it had open ends.\n", saySpan(reset))
	}
	fmt.Fprintf(b, "A reading more than %s ahead of its append time goes to quarantine.\n", saySpan(p.Time.MaxFutureSkew))
	fmt.Fprintf(b, "A device silent for %s has its open windows emitted as provisional; after %s it is forgotten.\n",
		saySpan(p.Time.IdleAfter), saySpan(p.State.ForgetAfter))
	b.WriteString(p.sayGroups())
	fmt.Fprintf(b, "What cannot be used goes to %s with the reason.\n", p.QuarantineTopic)
	if len(p.Rules) > 0 {
		fmt.Fprintf(b, "Alerts go to topic %s.\n", p.Alerts.Topic)
		p.explainOutlets(b)
	}
}

func (p *Pipeline) sayMessages() string {
	r := &p.Source.Reading
	clock := "in " + r.Time + " as RFC 3339"
	switch {
	case r.Time == "":
		clock = "taken from the append time"
	case r.Unit != "":
		clock = "in " + r.Time + " as " + r.Unit + " since 1970"
	}
	seq := ""
	if r.Seq != "" {
		seq = ", its sequence number in " + r.Seq
	}
	if len(r.Metrics) > 0 {
		return fmt.Sprintf("A message is a JSON object, or an array of them, with the values of %s: its device is in %s, its time %s%s.",
			andList(r.Metrics), r.Device, clock, seq)
	}
	return fmt.Sprintf("A message is a JSON object, or an array of them: its device is in %s, its metric in %s, its value in %s, its time %s%s.",
		r.Device, r.Metric, r.Value, clock, seq)
}

func (p *Pipeline) sayMQTT() string {
	m := p.MQTT
	from := "the MQTT broker at " + p.shown("mqtt.broker")
	if m.Embedded {
		from = "an MQTT broker inside the process"
	}
	filters := make([]string, len(m.Subscribe))
	for i := range m.Subscribe {
		filters[i] = p.shown(fmt.Sprintf("mqtt.subscribe[%d].filter", i))
	}
	device := "the field " + m.Device
	if m.DeviceParts != nil {
		device = "the topic as " + p.shown("mqtt.device")
	}
	retained := "dropped"
	if m.Retained == "keep" {
		retained = "kept"
	}
	return fmt.Sprintf("Messages of %s on %s are bridged into that topic; their device is taken from %s, retained ones are %s.",
		from, andList(filters), device, retained)
}

func (p *Pipeline) sayDedupe() string {
	if p.Dedupe.By == "off" {
		return "Repeated readings are not recognised: each counts."
	}
	if p.Dedupe.By == identityWord {
		return fmt.Sprintf("A repeat has the event time of one of the 63 latest readings of its device and metric, at most %s old, and counts once; a reading without a time of its own is never one.",
			saySpan(p.Dedupe.Remember))
	}
	return fmt.Sprintf("A repeat has the sequence number and event time of an earlier reading of its device, at most %s old, and counts once.",
		saySpan(p.Dedupe.Remember))
}

func (p *Pipeline) sayLate() string {
	late := "a reading for a window that has closed goes to quarantine."
	if p.Time.Late == "update" {
		late = fmt.Sprintf("a reading for a window that closed up to %s ago emits it again, older ones go to quarantine.", saySpan(p.Time.AllowBackfill))
	}
	return fmt.Sprintf("A window closes for good %s past its end on that clock; %s", saySpan(p.Time.WaitForLate), late)
}

// sayWindow is a window as one sentence.
func (p *Pipeline) sayWindow(w *Window) string {
	what := "the " + andList(w.sayCompute()) + " of " + w.Metric
	emit := "only rules see it"
	switch w.Emit.On {
	case "close":
		emit = "sent to topic " + w.Emit.Topic + " when the window closes"
	case "change":
		emit = "sent to topic " + w.Emit.Topic + " " + w.sayChange()
	}
	span := ""
	switch w.Kind {
	case Tumbling:
		span = "over every " + eachSpan(w.Size) + ", " + placedAt(w)
	case Hopping:
		span = "over " + saySpan(w.Size) + ", beginning anew every " + saySpan(w.Every)
		if w.Offset > 0 {
			span += ", " + placedAt(w)
		}
		if w.stepped {
			span = w.sayStepped()
		}
	case Session:
		span = "over each session, the readings between two pauses of at least " + saySpan(w.Gap)
	case Rolling:
		span = "over the " + eachSpan(w.Size) + " up to its newest reading, in steps of " + saySpan(w.Every)
	case Count:
		span = "over its newest " + plural(int64(w.Count), "reading") + ", once it has sent that many"
		if w.Count == 1 {
			span = "over its newest reading"
		}
		if w.Grouped() {
			span = w.sayNewest()
		}
	}
	return sayBy(w) + ", " + what + " " + span + "; " + emit + "."
}

func eachSpan(t event.Time) string {
	s := saySpan(t)
	return strings.TrimPrefix(s, "1 ")
}

func sayLevel(l *Level) string {
	direction, at, back, clear := "above", l.sayThreshold("above", l.Above), "below", l.sayThreshold("clear_below", l.ClearBelow)
	if at == "" {
		direction, at, back, clear = "below", l.sayThreshold("below", l.Below), "above", l.sayThreshold("clear_above", l.ClearAbove)
	}
	s := l.Name + " once it is " + direction + " " + at
	if l.Hold > 0 {
		s += " for " + saySpan(l.Hold)
	}
	if clear == "" {
		return s + ", until it no longer is"
	}
	return s + ", until it is " + back + " " + clear
}

func sayNumber(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// shown is a setting as written in the file, with ${...} as it stands there.
func (p *Pipeline) shown(path string) string {
	for _, s := range p.settings {
		if s.path == path {
			return s.value
		}
	}
	return ""
}

func (p *Pipeline) explainSettings(b *strings.Builder) {
	b.WriteString("\nSettings (* marks a default)\n")
	width := 0
	for _, s := range p.settings {
		width = max(width, len(s.path))
	}
	for _, s := range p.settings {
		mark := " "
		if s.isDefault {
			mark = "*"
		}
		fmt.Fprintf(b, "%s %-*s  %s\n", mark, width, s.path, s.value)
	}
}
