package replay

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/weirstream/weir/event"
)

// Alert is one event of a rule, read back from the record that consumers would
// get.
type Alert struct {
	ID       string // of the episode
	Rule     string
	Device   string   // or the group, where By is set
	By       string   // of a window over several devices: all or labels.NAME
	State    string   // pending, firing, recovering, resolved or ok
	Level    string   // empty: none
	Value    *float64 // nil: no number that JSON can hold
	At       event.Time
	StartsAt event.Time
	Number   int    // of the event in its episode, from 1
	Reason   string // why, where no reading caused it
	Kind     string // of an anomaly; else empty
	marks
}

// alertRecord is the part of the record that is looked at.
type alertRecord struct {
	ID       string
	Rule     string
	Device   string
	Group    string
	By       string
	State    string
	Level    *string
	Value    *float64
	At       time.Time
	StartsAt time.Time
	Episode  struct{ Event int }
	Cause    struct{ Reason string }
	Anomaly  struct{ Kind string }

	SuppressedBy []string        `json:"suppressed_by"`
	Acked        json.RawMessage // null or absent: it is not
	Flapping     bool
	Error        bool
	Repeat       int64
	Escalation   int64
	Labels       map[string]string
}

func parseAlert(value []byte) (Alert, error) {
	var r alertRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return Alert{}, err
	}
	a := Alert{
		ID: r.ID, Rule: r.Rule, Device: r.Device, State: r.State, Value: r.Value,
		At: event.Time(r.At.UnixMilli()), StartsAt: event.Time(r.StartsAt.UnixMilli()), Number: r.Episode.Event, Reason: r.Cause.Reason, Kind: r.Anomaly.Kind,
	}
	if r.Level != nil {
		a.Level = *r.Level
	}
	if r.By != "" {
		a.Device, a.By = r.Group, r.By
	}
	a.marks = marks{
		SuppressedBy: r.SuppressedBy, Acked: len(r.Acked) > 0, Flapping: r.Flapping, Error: r.Error,
		Repeat: r.Repeat, Escalation: r.Escalation, Severity: r.Labels["severity"],
	}
	return a, nil
}

// Aggregate is one record of a window, read back.
type Aggregate struct {
	Window     string
	Device     string // or the group
	Metric     string
	Start, End event.Time
	Revision   int64
	Final      bool
	Merged     bool                // another session has swallowed this one
	Values     map[string]*float64 // by result; nil: no number that JSON can hold
}

func parseAggregate(value []byte) (Aggregate, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(value, &fields); err != nil {
		return Aggregate{}, err
	}
	var a Aggregate
	if group, ok := fields["group"]; ok {
		fields["device"] = group
	}
	var start, end time.Time
	for name, into := range map[string]any{ // unordered: each has its own place
		"window": &a.Window, "device": &a.Device, "metric": &a.Metric, "start": &start, "end": &end, "revision": &a.Revision, "final": &a.Final,
	} {
		if err := json.Unmarshal(fields[name], into); err != nil {
			return Aggregate{}, fmt.Errorf("%s: %w", name, err)
		}
		delete(fields, name)
	}
	a.Start, a.End = event.Time(start.UnixMilli()), event.Time(end.UnixMilli())
	_, a.Merged = fields["merged_into"]
	a.Values = map[string]*float64{}
	for name, raw := range fields { // unordered: each has its own place
		switch name {
		case "pipeline", "corrects_alert", "resets", "merged_into", "group", "by":
			continue
		}
		var v *float64
		if err := json.Unmarshal(raw, &v); err != nil {
			return Aggregate{}, fmt.Errorf("%s: %w", name, err)
		}
		a.Values[name] = v
	}
	return a, nil
}
