package board

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/weirstream/weir/alerts/commands"
)

// Schema is the schema of the records that are alerts.
const Schema = "weir.alert/1"

// Place is where a record stands in the alerts topic.
type Place struct {
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Seq       uint64 `json:"-"` // header weir-seq; 0 where it is missing
}

// Event is one record of the alerts topic; docs/RECORDS.md describes the fields.
type Event struct {
	Place Place `json:"place"`

	Schema    string    `json:"-"`
	ID        string    `json:"id"`
	Pipeline  string    `json:"-"`
	Rule      string    `json:"rule"`
	Device    string    `json:"device,omitempty"`
	Group     string    `json:"group,omitempty"`
	By        string    `json:"by,omitempty"`
	State     string    `json:"state"`
	Level     string    `json:"level,omitempty"` // empty: none
	Previous  string    `json:"previous,omitempty"`
	Value     *float64  `json:"value"`
	Threshold *float64  `json:"threshold"`
	At        time.Time `json:"at"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt,omitzero"`
	Window    *Window   `json:"window,omitempty"`
	Resets    uint64    `json:"resets,omitempty"`

	Repeat       int      `json:"repeat,omitempty"`
	Flapping     bool     `json:"flapping,omitempty"`
	Error        bool     `json:"error,omitempty"`
	SuppressedBy []string `json:"suppressed_by,omitempty"`
	Acked        *Acked   `json:"acked,omitempty"`
	Escalation   int      `json:"escalation,omitempty"`

	Clock       map[string]time.Time `json:"clock,omitempty"` // device or groups, and task
	Episode     Number               `json:"episode"`
	Labels      map[string]string    `json:"labels"`
	Annotations map[string]string    `json:"annotations"`
	Cause       Cause                `json:"cause"`
}

// Window is the window that an event looked at.
type Window struct {
	Name  string    `json:"name"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Number places an event in its episode.
type Number struct {
	Start time.Time `json:"start"`
	Event int       `json:"event"` // from 1
}

// Cause is what made an event: a record, or a reason.
type Cause struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    *int64 `json:"offset,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Trace     string `json:"traceparent,omitempty"` // of the reading, where it has one
}

// Acked is the acknowledgement in force.
type Acked struct {
	Author string    `json:"author"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Parse reads a record of the alerts topic. What is no alert is an error.
func Parse(at Place, record []byte) (Event, error) {
	var raw struct {
		Schema   string `json:"schema"`
		Pipeline string `json:"pipeline"`
		Event
	}
	if err := json.Unmarshal(record, &raw); err != nil {
		return Event{}, fmt.Errorf("the record is no alert: %w", err)
	}
	e := raw.Event
	e.Place, e.Schema, e.Pipeline = at, raw.Schema, raw.Pipeline
	if e.Schema != Schema {
		return Event{}, fmt.Errorf("the record is no alert: its schema is %.60q", e.Schema)
	}
	return e, nil
}

// Ended reports whether the event ends its episode.
func (e *Event) Ended() bool {
	h := headFrom(e)
	return h.ended()
}

// Of is the device, or the group.
func (e *Event) Of() string { return e.Device + e.Group }

// Subject is the alert as silences see it.
func (e *Event) Subject() commands.Subject {
	return commands.Subject{Rule: e.Rule, Device: e.Device, Group: e.Group, Level: e.Level, Label: e.label}
}

// label is the text of a label of the roster: what weir itself has put among the labels
// is none.
func (e *Event) label(name string) string {
	switch name {
	case "alertname", "device", "pipeline", "severity":
		return ""
	}
	return e.Labels[name]
}
