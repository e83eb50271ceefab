package commands

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/weirstream/weir/event"
)

// Schema is the schema of the records of commands.
const Schema = "weir.command/1"

// What a set takes.
const (
	MaxRecord   = 64 << 10 // bytes of a value
	MaxKey      = 8 << 10  // bytes of a key
	MaxSilences = 10_000   // silences and maintenances in force; of more, those with the least keys count
	MaxMatchers = 100      // of one silence
	MaxName     = 100      // bytes of a silence's name
)

// Kind is what a command is.
type Kind uint8

// The kinds of commands.
const (
	KindAck Kind = iota + 1
	KindSilence
	KindMaintenance
	KindInhibit
)

// String returns the word that stands in records and begins keys; empty for the zero
// value.
func (k Kind) String() string {
	switch k {
	case KindAck:
		return "ack"
	case KindSilence:
		return "silence"
	case KindMaintenance:
		return "maintenance"
	case KindInhibit:
		return "inhibit"
	}
	return ""
}

// Command is a record that was understood: the field of its kind is set.
type Command struct {
	Kind    Kind
	Ack     Ack
	Silence Silence // of both kinds of them
	Inhibit Inhibit
}

// Whose says of which alert a command speaks: of a device's, or of that of the devices
// that share a label. Device is empty where Group is not.
type Whose struct {
	Device string
	Group  string
	By     string // labels.NAME or all; of a group only
}

// Name returns the device, or the group.
func (w Whose) Name() string { return w.Device + w.Group }

// record is the value of a command as it stands in the topic.
type record struct {
	Schema   string    `json:"schema"`
	Kind     string    `json:"kind"`
	ID       string    `json:"id,omitempty"`
	Rule     string    `json:"rule,omitempty"`
	Level    string    `json:"level,omitempty"`
	Label    string    `json:"label,omitempty"`
	Text     string    `json:"text,omitempty"`
	Device   string    `json:"device,omitempty"`
	Group    string    `json:"group,omitempty"`
	By       string    `json:"by,omitempty"`
	Matchers []matcher `json:"matchers,omitempty"`
	Start    string    `json:"start,omitempty"`
	End      string    `json:"end,omitempty"`
	Author   string    `json:"author,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	At       string    `json:"at,omitempty"`
}

type matcher struct {
	Name  string `json:"name"`
	Op    string `json:"op"`
	Value string `json:"value"`
}

// Parse reads a record of the topic of commands. The value is not nil: a record without
// one is no command, but takes one back. The error names the key, the field and its
// value. Fields that are not known are passed over.
func Parse(key string, value []byte) (Command, error) {
	c, err := parse(key, value)
	if err != nil {
		return Command{}, fmt.Errorf("command %.200q: %w", key, err)
	}
	return c, nil
}

func parse(key string, value []byte) (Command, error) {
	if len(key) > MaxKey {
		return Command{}, fmt.Errorf("the key has %d bytes, at most %d", len(key), MaxKey)
	}
	if len(value) > MaxRecord {
		return Command{}, fmt.Errorf("the record has %d bytes, at most %d", len(value), MaxRecord)
	}
	word, name, _ := strings.Cut(key, "/")
	kind := kindOf(word)
	if kind == 0 || name == "" {
		return Command{}, errors.New("the key must be ack/ID, silence/NAME, maintenance/NAME or inhibit/RULE/LABEL/TEXT/DEVICE")
	}
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return Command{}, err
	}
	if r.Schema != Schema {
		return Command{}, fmt.Errorf("schema %.40q must be %s", r.Schema, Schema)
	}
	if r.Kind != word {
		return Command{}, fmt.Errorf("kind %.40q does not fit the key", r.Kind)
	}
	c := Command{Kind: kind}
	var err error
	switch kind {
	case KindAck:
		c.Ack, err = parseAck(name, &r)
	case KindInhibit:
		c.Inhibit, err = parseInhibit(key, &r)
	default:
		c.Silence, err = parseSilence(kind, name, &r)
	}
	return c, err
}

func kindOf(word string) Kind {
	for k := KindAck; k <= KindInhibit; k++ {
		if k.String() == word {
			return k
		}
	}
	return 0
}

// whose reads the alert that a command is about.
func (r *record) whose() (Whose, error) {
	w := Whose{Device: r.Device, Group: r.Group, By: r.By}
	switch {
	case w.Device != "" && (w.Group != "" || w.By != ""):
		return w, errors.New("device and group exclude each other")
	case w.Device == "" && w.Group == "":
		return w, errors.New("device, or group and by, is missing")
	case w.Group != "" && w.By == "":
		return w, errors.New("by is missing: what the group is by")
	}
	return w, nil
}

// instant reads a time of a command. Fractions of a millisecond are cut off.
func instant(field, text string) (event.Time, error) {
	if text == "" {
		return 0, fmt.Errorf("%s is missing", field)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("%s %.60q must be a time such as 2026-03-01T12:00:00Z", field, text)
	}
	if t.Year() < 1970 || t.UnixMilli() < 0 {
		return 0, fmt.Errorf("%s %s must not be before 1970", field, text)
	}
	return event.Time(t.UnixMilli()), nil
}

// stamp writes a time as instant reads it: UTC, with milliseconds.
func stamp(t event.Time) string {
	return time.UnixMilli(int64(t)).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// append appends the value of a command. It is the same for the same command.
func (r *record) append(b []byte) []byte {
	r.Schema = Schema
	value, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("commands: a record of texts cannot be written: %v", err))
	}
	return append(b, value...)
}
