package outlets

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Schema is the schema of the alert records that outlets understand.
const Schema = "weir.alert/1"

// errNoAlert is told of records in the alerts topic that are something else.
var errNoAlert = errors.New("the record is no alert")

// Alert is one record of the alerts topic. docs/RECORDS.md describes the fields that come from it. It is read only.
type Alert struct {
	Partition int32  `json:"-"`
	Offset    int64  `json:"-"`
	Record    []byte `json:"-"` // the JSON as it stands in the topic
	Seq       uint64 `json:"-"` // header weir-seq, 0 where it is missing

	Schema   string `json:"schema"`
	ID       string `json:"id"` // of the episode
	Pipeline string `json:"pipeline"`
	Rule     string `json:"rule"`
	Device   string `json:"device"` // empty: of a group
	Group    string `json:"group"`  // of a window over several devices
	By       string `json:"by"`     // likewise: what they have in common; empty: of a device
	Status   string `json:"status"` // pending, firing, resolved or inactive
	Level    string `json:"level"`  // empty: none

	At          time.Time         `json:"at"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"` // zero while it has not ended
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`

	SuppressedBy []string `json:"suppressed_by"` // what suppresses it; empty: nothing
}

// OfGroup reports whether it is the alert of a window over several devices. Their state, and so their numbers, are apart from those
// of devices, in the same partitions.
func (a *Alert) OfGroup() bool { return a.By != "" }

// Of is the device, or the group, that it is of.
func (a *Alert) Of() string {
	if a.OfGroup() {
		return a.Group
	}
	return a.Device
}

// readAlert reads a record. Where it is no alert, the error is errNoAlert and the schema says what it is, if it says.
func readAlert(r *kgo.Record) (*Alert, error) {
	a := &Alert{}
	if err := json.Unmarshal(r.Value, a); err != nil {
		return a, fmt.Errorf("%w: %w", errNoAlert, err)
	}
	if a.Schema != Schema {
		return a, fmt.Errorf("%w: its schema is %q", errNoAlert, a.Schema)
	}
	a.Partition, a.Offset, a.Record = r.Partition, r.Offset, r.Value
	for _, h := range r.Headers {
		if h.Key == "weir-seq" {
			a.Seq, _ = strconv.ParseUint(string(h.Value), 10, 64) // 0 where somebody else wrote it
		}
	}
	return a, nil
}
