package task

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
)

// field is a field of a JSON object, in the order of the document.
type field struct {
	name  string
	value json.RawMessage
}

func fieldsOf(t require.TestingT, object string) []field {
	d := json.NewDecoder(strings.NewReader(object))
	open, err := d.Token()
	require.NoError(t, err, object)
	require.Equal(t, json.Delim('{'), open)
	var fields []field
	for d.More() {
		name, err := d.Token()
		require.NoError(t, err, object)
		f := field{name: name.(string)}
		require.NoError(t, d.Decode(&f.value), object)
		fields = append(fields, f)
	}
	_, err = d.Token()
	require.NoError(t, err, object)
	require.Equal(t, int64(len(object)), d.InputOffset(), "something follows the object: %s", object)
	return fields
}

// sayOutput is an output as one line.
func sayOutput(t require.TestingT, o said) string {
	if strings.HasSuffix(o.topic, ".commands") {
		return sayCommand(t, o)
	}
	var head struct {
		Schema string `json:"schema"`
	}
	require.NoError(t, json.Unmarshal([]byte(o.value), &head), o.value)
	switch head.Schema {
	case alertSchema:
		asDescribed(t, o.value)
		return sayAlert(t, o)
	case quarantineSchema:
		return sayQuarantine(t, o)
	case eventSchema:
		return sayEvent(t, o)
	}
	return sayAggregate(t, o)
}

// sayCommand is a record of the topic of commands as one line.
func sayCommand(t require.TestingT, o said) string {
	if o.value == "" {
		return "command " + o.key + " is taken back"
	}
	c, err := commands.Parse(o.key, []byte(o.value))
	require.NoError(t, err)
	return "command " + o.key + " " + c.Inhibit.Level
}

func sayAggregate(t require.TestingT, o said) string {
	var r struct {
		Pipeline, Window, Device, Metric string
		Start, End                       time.Time
		Revision                         int
		Final                            bool
		Corrects                         bool       `json:"corrects_alert"`
		Into                             *time.Time `json:"merged_into"`
		Resets                           uint64
	}
	require.NoError(t, json.Unmarshal([]byte(o.value), &r), o.value)
	require.Equal(t, r.Device, o.key)
	require.Empty(t, o.id)
	var b strings.Builder
	fmt.Fprintf(&b, "aggregate %s %s [%s,%s)", r.Window, r.Device, clockOf(r.Start), clockOf(r.End))
	if o.topic != "aggregates" {
		fmt.Fprintf(&b, " to=%s", o.topic)
	}
	if r.Final {
		b.WriteString(" final")
	}
	fmt.Fprintf(&b, " rev=%d", r.Revision)
	if r.Corrects {
		b.WriteString(" corrects_alert")
	}
	if r.Into != nil {
		fmt.Fprintf(&b, " merged into %s", clockOf(*r.Into))
	}
	if r.Resets > 0 {
		fmt.Fprintf(&b, " resets=%d", r.Resets)
	}
	for _, f := range fieldsOf(t, o.value) {
		switch f.name {
		case "pipeline", "window", "device", "metric", "start", "end", "revision", "final", "corrects_alert", "merged_into", "resets":
		default:
			fmt.Fprintf(&b, " %s=%s", f.name, f.value)
		}
	}
	return b.String()
}

// alertRecord is an alert as consumers read it.
type alertRecord struct {
	Schema, ID, Pipeline, Rule, Device, State, Status string
	Level, Previous                                   *string
	Value, Threshold                                  json.RawMessage
	At, StartsAt                                      time.Time
	EndsAt                                            *time.Time
	Window                                            *struct {
		Name       string
		Start, End time.Time
	}
	Resets   uint64
	Repeat   int
	Flapping bool
	Error    bool
	Anomaly  *struct {
		Kind                  string
		Expected, Band, Score float64
	}

	SuppressedBy []string `json:"suppressed_by"`
	Acked        *struct {
		Author, Reason string
		At             time.Time
	}
	Escalation int
	Clock      *struct{ Device, Groups, Task *time.Time }

	Episode struct {
		Start time.Time
		Event int
	}
	Labels      map[string]string
	Annotations map[string]string
	Cause       struct {
		Topic     string
		Partition int
		Offset    *int64
		Reason    string
		Trace     string `json:"traceparent"`
	}
}

func decodeStrictly(t require.TestingT, text string, into any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(into), text)
}

func sayAlert(t require.TestingT, o said) string {
	var a alertRecord
	decodeStrictly(t, o.value, &a)
	require.Equal(t, a.Device, o.key)
	require.Equal(t, fmt.Sprintf("%s-%d", a.ID, a.Episode.Event), o.id)
	require.Equal(t, alerts.EpisodeID(a.Pipeline, a.Rule, a.Device, event.Time(a.StartsAt.UnixMilli()), a.Resets), a.ID)
	require.Equal(t, a.StartsAt, a.Episode.Start)
	require.Equal(t, a.EndsAt != nil, a.State == "resolved" || a.State == "ok")
	if a.EndsAt != nil {
		require.Equal(t, a.At, *a.EndsAt)
	}
	require.False(t, a.At.Before(a.StartsAt), "an episode cannot end before it began: %s", o.value)
	require.Equal(t, a.Rule, a.Labels["alertname"])
	require.Equal(t, a.Device, a.Labels["device"])
	require.Equal(t, a.Pipeline, a.Labels["pipeline"])
	require.NotNil(t, a.Clock.Device)
	require.NotNil(t, a.Clock.Task)
	level := "-"
	if a.Level != nil {
		level = *a.Level
		if a.Escalation == 0 {
			require.Equal(t, level, a.Labels["severity"])
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "alert %s %s %s %s", a.Rule, a.Device, a.State, level)
	if a.Previous != nil && *a.Previous != level {
		fmt.Fprintf(&b, " after %s", *a.Previous)
	}
	fmt.Fprintf(&b, " value=%s threshold=%s at=%s since=%s #%d", a.Value, a.Threshold, clockOf(a.At), clockOf(a.StartsAt), a.Episode.Event)
	if a.Resets > 0 {
		fmt.Fprintf(&b, " resets=%d", a.Resets)
	}
	if a.Repeat > 0 {
		fmt.Fprintf(&b, " repeat=%d", a.Repeat)
	}
	if a.SuppressedBy != nil {
		fmt.Fprintf(&b, " suppressed_by=%s", strings.Join(a.SuppressedBy, ","))
	}
	if a.Acked != nil {
		fmt.Fprintf(&b, " acked=%s(%s)", a.Acked.Author, a.Acked.Reason)
	}
	if a.Escalation > 0 {
		fmt.Fprintf(&b, " escalation=%d severity=%s", a.Escalation, a.Labels["severity"])
	}
	if a.Flapping {
		b.WriteString(" flapping")
	}
	if a.Error {
		b.WriteString(" error")
	}
	if y := a.Anomaly; y != nil {
		fmt.Fprintf(&b, " %s=%.3f+-%.3f:%.3f", y.Kind, y.Expected, y.Band, y.Score)
	}
	if w := a.Window; w != nil {
		fmt.Fprintf(&b, " window=%s[%s,%s)", w.Name, clockOf(w.Start), clockOf(w.End))
	}
	if a.Cause.Offset != nil {
		fmt.Fprintf(&b, " cause=%d", *a.Cause.Offset)
	} else {
		fmt.Fprintf(&b, " cause=%s", a.Cause.Reason)
	}
	require.Equal(t, a.Cause.Trace, o.trace, "header traceparent")
	if a.Cause.Trace != "" {
		fmt.Fprintf(&b, " trace=%s", a.Cause.Trace)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		switch name {
		case "alertname", "device", "pipeline", "severity":
		default:
			fmt.Fprintf(&b, " %s=%q", name, a.Labels[name])
		}
	}
	if text := a.Annotations["summary"]; text != "" {
		fmt.Fprintf(&b, " %q", text)
	}
	return b.String()
}

func sayQuarantine(t require.TestingT, o said) string {
	var q struct {
		Schema, Pipeline, Reason string
		Source                   struct {
			Topic     string
			Partition int
			Offset    int64
		}
		Sample    int
		Appended  time.Time
		Device    string
		Metric    string
		Time      time.Time
		Value     json.RawMessage
		Seq       *int64
		Truncated bool
		Size      int
		Detail    string
		Payload   *string
		Base64    []byte `json:"payload_base64"`
	}
	decodeStrictly(t, o.value, &q)
	require.Equal(t, q.Device, strings.ToValidUTF8(o.key, "\ufffd"))
	require.Empty(t, o.id)
	var b strings.Builder
	fmt.Fprintf(&b, "quarantine %s", q.Reason)
	if q.Device != "" {
		fmt.Fprintf(&b, " %s", q.Device)
	}
	if q.Metric != "" {
		fmt.Fprintf(&b, " %s %s %s", clockOf(q.Time), q.Metric, q.Value)
	}
	if q.Seq != nil {
		fmt.Fprintf(&b, " seq=%d", *q.Seq)
	}
	fmt.Fprintf(&b, " from=%d/%d append=%s", q.Source.Offset, q.Sample, clockOf(q.Appended))
	if q.Detail != "" {
		fmt.Fprintf(&b, " (%s)", q.Detail)
	}
	if q.Truncated {
		fmt.Fprintf(&b, " size=%d", q.Size)
		require.Len(t, *q.Payload, maxPayload)
		return b.String() + " payload truncated"
	}
	if q.Payload != nil {
		fmt.Fprintf(&b, " payload=%s", *q.Payload)
	}
	if q.Base64 != nil {
		fmt.Fprintf(&b, " payload=hex:%x", q.Base64)
	}
	return b.String()
}

// eventRecord is what happened to a device's clock, as consumers read it.
type eventRecord struct {
	Schema, Pipeline, Event, Device string
	From, To                        time.Time
	LateSince                       time.Time `json:"late_since"`
	Resets                          uint64
	Source                          struct {
		Topic     string
		Partition int
		Offset    int64
	}
	Appended time.Time
}

func sayEvent(t require.TestingT, o said) string {
	var e eventRecord
	decodeStrictly(t, o.value, &e)
	require.Equal(t, e.Device, o.key)
	require.Empty(t, o.id)
	return fmt.Sprintf("event %s %s from=%s to=%s late_since=%s resets=%d cause=%d append=%s", e.Event, e.Device, clockOf(e.From), clockOf(e.To),
		clockOf(e.LateSince), e.Resets, e.Source.Offset, clockOf(e.Appended))
}

func clockOf(t time.Time) string { return clock(event.Time(t.UnixMilli())) }

func sayCounters(c Counters) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "counters in=%d processed=%d", c.In, c.Processed)
	for _, f := range [...]struct {
		name string
		n    uint64
	}{
		{"filtered", c.Filtered}, {"late", c.Late}, {"future", c.Future}, {"bad", c.Bad}, {"duplicate", c.Duplicate},
		{"windows", c.Windows}, {"alerts", c.Alerts}, {"corrections", c.Corrections}, {"forgotten", c.Forgotten},
		{"resets", c.Resets}, {"firing", c.Firing}, {"open", c.Open}, {"expressions", c.Expressions},
		{"rule_errors", c.RuleErrors},
	} {
		if f.n > 0 {
			fmt.Fprintf(&b, " %s=%d", f.name, f.n)
		}
	}
	return b.String()
}

func sayState(d DeviceState) []string {
	short := func(stamp string) string {
		t, err := time.Parse(time.RFC3339, stamp)
		if err != nil {
			return stamp
		}
		return clockOf(t)
	}
	silent := ""
	if d.Silent {
		silent = " silent"
	}
	if d.LateSince != "" {
		silent += " late since " + short(d.LateSince)
	}
	if d.Resets > 0 {
		silent += fmt.Sprintf(" resets=%d", d.Resets)
	}
	lines := []string{fmt.Sprintf("%s slot=%d clock=%s seen=%s%s", d.Device, d.Slot, short(d.Clock), short(d.LastSeen), silent)}
	for _, w := range d.Windows {
		values, _ := json.Marshal(w.Values)
		lines = append(lines, fmt.Sprintf("  window %s [%s,%s) count=%d %s", w.Window, short(w.Start), short(w.End), w.Count, values))
	}
	for _, r := range d.Rules {
		line := fmt.Sprintf("  rule %s %s", r.Rule, r.State)
		if r.Level != "" {
			line += " " + r.Level
		}
		if r.Error {
			line += " error"
		}
		if r.Since != "" {
			line += " since " + short(r.Since)
		}
		if l := r.Learned; l != nil {
			line += strings.TrimRight(fmt.Sprintf(" learned=%d warm=%t %s", l.Readings, l.Warm, l.Kind), " ")
		}
		if r.Suppressed || r.Acked || r.Escalation > 0 {
			line += fmt.Sprintf(" suppressed=%v acked=%v escalation=%d", r.Suppressed, r.Acked, r.Escalation)
		}
		lines = append(lines, line)
	}
	for _, l := range d.Last {
		lines = append(lines, fmt.Sprintf("  last %s %v at %s", l.Metric, l.Value, short(l.Time)))
	}
	return lines
}
