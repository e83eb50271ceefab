package task

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// windowRef is the window that an alert event looked at.
type windowRef struct {
	name       string
	start, end event.Time
}

// The schemas of the output records, versioned; docs/RECORDS.md describes them.
const (
	alertSchema      = "weir.alert/1"
	quarantineSchema = "weir.quarantine/1"
	eventSchema      = "weir.event/1"
)

// maxPayload is how much of a bad message the quarantine record carries.
const maxPayload = 64 << 10

// aggregate emits a window's result; corrects says that it is a revision which would have changed an alert.
func (t *Task) aggregate(e *emit, r *window.Result, corrects bool) {
	device := t.subject()
	words := t.table.Task()
	words[wordAggregateSeq]++
	t.out.begin(e.topic, device)
	b := append(t.out.arena, e.head...)
	b = appendString(b, device)
	b = append(b, e.metric...)
	b = t.stamps.append(b, r.Start)
	b = append(b, `,"end":`...)
	b = t.stamps.append(b, r.End)
	b = append(b, `,"revision":`...)
	b = strconv.AppendInt(b, int64(r.Revision), 10)
	if r.Final {
		b = append(b, `,"final":true`...)
	} else {
		b = append(b, `,"final":false`...)
	}
	if corrects {
		b = append(b, `,"corrects_alert":true`...)
	}
	b = appendResets(b, t.resets())
	fields := e.fields
	if r.Merged {
		b = append(b, `,"merged_into":`...)
		b = t.stamps.append(b, r.MergedInto)
		fields = nil
	}
	for i, field := range fields {
		b = append(b, field...)
		b = appendNumber(b, r.Values[i])
	}
	t.out.arena = append(b, '}')
	t.out.end(words[wordAggregateSeq], "")
}

// alert emits an event of a rule. reason tells why where no sample caused it.
func (t *Task) alert(r *rule, e *alerts.Event, ref *windowRef, reason string) {
	p := t.plan.Pipeline
	t.mark(r, e)
	e.Error = t.hasError(r)
	device := t.subject()
	id := alerts.EpisodeID(p.Name, r.spec.Name, string(device), e.EpisodeStart, t.resets())
	before := e.Marks
	t.judgeStanding(r, e, id)
	t.tallyEvent(r, e, before)
	words := t.table.Task()
	words[wordAlerts]++
	words[wordAlertSeq]++
	t.out.AlertChanged = true
	switch {
	case e.State == alerts.EventFiring && e.Previous < 0:
		words[wordFiring]++
	case e.State == alerts.EventResolved:
		words[wordFiring]--
	}
	if t.record != nil {
		t.out.Oldest = min(t.out.Oldest, t.record.Append)
	}
	t.out.begin(AlertsTopic, device)
	b := append(t.out.arena, `{"schema":"`+alertSchema+`","id":"`...)
	b = append(b, id...)
	b = append(b, `","pipeline":`...)
	b = appendString(b, p.Name)
	b = append(b, `,"rule":`...)
	b = appendString(b, r.spec.Name)
	b = t.appendSubject(b, r.spec)
	b = append(b, `,"state":"`...)
	b = append(b, e.State.String()...)
	b = append(b, `","status":"`...)
	b = append(b, status(e.State)...)
	b = append(b, `","level":`...)
	b = appendLevel(b, r.spec, e.Level)
	b = append(b, `,"previous":`...)
	b = appendLevel(b, r.spec, e.Previous)
	b = append(b, `,"value":`...)
	b = appendNumber(b, e.Value)
	b = append(b, `,"threshold":`...)
	b = appendNumber(b, e.Threshold)
	b = append(b, `,"at":`...)
	b = t.stamps.append(b, e.Time)
	b = append(b, `,"startsAt":`...)
	b = t.stamps.append(b, e.EpisodeStart)
	if e.State == alerts.EventResolved || e.State == alerts.EventOK {
		b = append(b, `,"endsAt":`...)
		b = t.stamps.append(b, e.Time)
	}
	if ref != nil {
		b = append(b, `,"window":{"name":`...)
		b = appendString(b, ref.name)
		b = append(b, `,"start":`...)
		b = t.stamps.append(b, ref.start)
		b = append(b, `,"end":`...)
		b = t.stamps.append(b, ref.end)
		b = append(b, '}')
	}
	b = appendResets(b, t.resets())
	b = t.appendAnomaly(t.appendStanding(appendManner(b, e), e), r)
	b = append(b, `,"episode":{"start":`...)
	b = t.stamps.append(b, e.EpisodeStart)
	b = append(b, `,"event":`...)
	b = strconv.AppendInt(b, int64(e.Number), 10)
	b = append(b, `},"labels":{"alertname":`...)
	b = appendString(b, r.spec.Name)
	b = t.appendSubjectLabel(b, r.spec)
	b = append(b, `,"pipeline":`...)
	b = appendString(b, p.Name)
	b = t.appendLabels(t.appendSeverity(b, r, e))
	b = append(b, `},"annotations":{"summary":`...)
	b = appendString(b, t.message(r, e, ref, device))
	b = append(b, `},"cause":`...)
	b = t.appendCause(b, reason)
	t.out.arena = append(b, '}')
	t.out.end(words[wordAlertSeq], id+"-"+strconv.Itoa(e.Number))
	t.follow(r, e, id)
}

// appendManner appends whether an event is a repeat, and whether it is flapping.
func appendManner(b []byte, e *alerts.Event) []byte {
	if e.Repeat > 0 {
		b = strconv.AppendInt(append(b, `,"repeat":`...), int64(e.Repeat), 10)
	}
	if e.Flapping {
		b = append(b, `,"flapping":true`...)
	}
	if e.Error {
		b = append(b, `,"error":true`...)
	}
	return b
}

// status is the field that Alertmanager has, with Prometheus's words for the rest.
func status(s alerts.EventState) string {
	switch s {
	case alerts.EventPending:
		return "pending"
	case alerts.EventFiring, alerts.EventRecovering:
		return "firing"
	case alerts.EventResolved:
		return "resolved"
	default:
		return "inactive"
	}
}

func appendLevel(b []byte, spec *configs.Rule, level int) []byte {
	if level < 0 {
		return append(b, "null"...)
	}
	return appendString(b, spec.Levels[level].Name)
}

// appendCause appends what made the event: the reading's place in the source,
// or the silence that no reading stands for.
func (t *Task) appendCause(b []byte, reason string) []byte {
	b = append(b, `{"topic":`...)
	b = appendString(b, t.plan.Pipeline.Source.Topic)
	b = append(b, `,"partition":`...)
	b = strconv.AppendInt(b, int64(t.o.Partition), 10)
	switch {
	case t.record != nil:
		b = append(b, `,"offset":`...)
		b = strconv.AppendInt(b, t.record.Offset, 10)
		b = t.appendTrace(b)
	case reason != "":
		b = append(b, `,"reason":`...)
		b = appendString(b, reason)
	default:
		b = append(b, `,"reason":"silence"`...)
	}
	return append(b, '}')
}

// message renders the rule's message. Alerts are rare, so it may allocate.
func (t *Task) message(r *rule, e *alerts.Event, ref *windowRef, device []byte) string {
	var b []byte
	spec := r.spec
	for _, part := range spec.Template {
		switch part.Field {
		case "":
			b = append(b, part.Literal...)
		case "device", "group":
			b = append(b, device...)
		case "value":
			b = appendFormatted(b, part.Format, e.Value)
		case "threshold":
			b = appendFormatted(b, part.Format, e.Threshold)
		case "level":
			if e.Level >= 0 {
				b = append(b, spec.Levels[e.Level].Name...)
			} else {
				b = append(b, "ok"...)
			}
		case "state":
			b = append(b, e.State.String()...)
		case "rule":
			b = append(b, spec.Name...)
		case "kind":
			b = append(b, t.verdictOf(r).Kind.String()...)
		case "expected":
			b = appendFormatted(b, part.Format, t.verdictOf(r).Expected)
		case "metric":
			b = append(b, t.metricOf(spec)...)
		case "active_for":
			b = append(b, (time.Duration(e.Time-e.EpisodeStart) * time.Millisecond).String()...)
		case "window.start":
			if ref != nil {
				b = append(b, trimQuotes(t.stamps.append(nil, ref.start))...)
			}
		case "window.end":
			if ref != nil {
				b = append(b, trimQuotes(t.stamps.append(nil, ref.end))...)
			}
		default:
			if name, ok := strings.CutPrefix(part.Field, labelField); ok {
				b = append(b, t.labels(t.slot).Text(t.plan.label(name))...)
			}
		}
	}
	return string(b)
}

func trimQuotes(b []byte) []byte { return b[1 : len(b)-1] }

func appendFormatted(b []byte, format string, v float64) []byte {
	if format == "" {
		return appendNumber(b, v)
	}
	return fmt.Appendf(b, format, v)
}

func (t *Task) metricOf(spec *configs.Rule) string {
	if spec.Formula != nil {
		return ""
	}
	if spec.When.Window >= 0 {
		return t.plan.Pipeline.Windows[spec.When.Window].Metric
	}
	return t.plan.metrics[spec.When.Metric].name
}

// quarantine puts a reading that cannot be used aside, with the reason and its
// place in the source. The payload goes along where it is the payload that is
// wrong, with the first such reading of a record only: a message of thousands of
// bad readings would multiply itself. A reading that is late or from the future
// is told by its fields. why is the error behind the reason, where there is one.
func (t *Task) quarantine(r *event.Reading, at event.Time, reason event.Reason, why error) {
	rec := t.record
	t.out.Counts.Quarantined[reason.Index()]++
	t.out.begin(QuarantineTopic, r.Device)
	b := append(t.out.arena, `{"schema":"`+quarantineSchema+`","pipeline":`...)
	b = appendString(b, t.plan.Pipeline.Name)
	b = append(b, `,"reason":`...)
	b = appendString(b, reason)
	b = append(b, `,"source":{"topic":`...)
	b = appendString(b, t.plan.Pipeline.Source.Topic)
	b = append(b, `,"partition":`...)
	b = strconv.AppendInt(b, int64(t.o.Partition), 10)
	b = append(b, `,"offset":`...)
	b = strconv.AppendInt(b, rec.Offset, 10)
	b = append(b, `},"sample":`...)
	b = strconv.AppendInt(b, int64(r.Sample), 10)
	b = append(b, `,"appended":`...)
	b = t.stamps.append(b, rec.Append)
	if len(r.Device) > 0 {
		b = append(b, `,"device":`...)
		b = appendString(b, r.Device)
	}
	if reason == event.Late || reason == event.Future {
		b = append(b, `,"metric":`...)
		b = appendString(b, t.plan.metrics[r.Metric].name)
		b = append(b, `,"time":`...)
		b = t.stamps.append(b, at)
		b = append(b, `,"value":`...)
		b = appendNumber(b, r.Value.Num)
		if r.HasSeq {
			b = append(b, `,"seq":`...)
			b = strconv.AppendInt(b, r.Seq, 10)
		}
	} else {
		if detail := t.detail(r, reason, why); detail != "" {
			b = append(b, `,"detail":`...)
			b = appendString(b, detail)
		}
		if !t.shown {
			b, t.shown = appendPayload(b, rec.Value), true
		}
	}
	t.out.arena = append(b, '}')
	t.out.end(0, "")
}

// appendPayload appends the message as text where it is text, and cuts what is
// too long: the source offset says where the whole of it is.
func appendPayload(b, payload []byte) []byte {
	cut := payload
	if len(cut) > maxPayload {
		cut = cut[:maxPayload]
		for n := 1; n < utf8.UTFMax && !utf8.RuneStart(payload[len(cut)]); n++ {
			cut = cut[:len(cut)-1] // not within a character, or the text would pass for bytes
		}
		b = append(b, `,"truncated":true,"size":`...)
		b = strconv.AppendInt(b, int64(len(payload)), 10)
	}
	if utf8.Valid(cut) {
		b = append(b, `,"payload":`...)
		return appendString(b, cut)
	}
	b = append(b, `,"payload_base64":"`...)
	b = base64.StdEncoding.AppendEncode(b, cut)
	return append(b, '"')
}
