package oracle

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// undeclared is the metric of a reading that no window, rule or expression asks for.
const undeclared = -1

// reading is one value of one metric of one device.
type reading struct {
	device  string // empty: unknown
	metric  int    // index into the declared metrics
	sample  int    // which object of the message, from 0
	time    event.Time
	hasTime bool
	value   float64
	isBool  bool
	seq     int64
	hasSeq  bool
	bad     event.Reason // empty: usable
	object  *node        // of the message
}

// at is the event time of a reading; without one the append time stands in.
func (r *reading) at(appended event.Time) event.Time {
	if r.hasTime {
		return r.time
	}
	return appended
}

// readings takes a message apart.
func readings(p *configs.Pipeline, r SourceRecord) []reading {
	document, ok := parseJSON(r.Value)
	if !ok || document.kind != '{' && document.kind != '[' {
		return []reading{{metric: undeclared, bad: event.Malformed}}
	}
	objects := []node{document}
	if document.kind == '[' {
		objects = document.items
	}
	var all []reading
	for i := range objects {
		m := message{pipeline: p, object: &objects[i], header: r.Device}
		for _, one := range m.readings() {
			one.sample = i
			all = append(all, one)
		}
	}
	return all
}

// message is one object and where its readings are in it.
type message struct {
	pipeline *configs.Pipeline
	object   *node
	header   []byte // the device, where not nil
}

func (m message) readings() []reading {
	if m.object.kind != '{' {
		return []reading{{metric: undeclared, bad: event.Malformed}}
	}
	fields := m.pipeline.Source.Reading
	if len(fields.Metrics) == 0 {
		return []reading{m.narrow(fields)}
	}
	var all []reading
	for _, name := range fields.Metrics {
		if value := m.object.field(name); value.there() {
			all = append(all, m.reading(slices.Index(m.pipeline.Metrics, name), value))
		}
	}
	if len(all) == 0 {
		all = append(all, m.reading(undeclared, nil))
	}
	return all
}

// narrow reads an object with one metric, whose name is in it.
func (m message) narrow(fields configs.Reading) reading {
	name := m.object.field(fields.Metric)
	if name != nil && name.kind == '"' {
		return m.reading(slices.Index(m.pipeline.Metrics, name.text), m.object.field(fields.Value))
	}
	r := reading{metric: undeclared, bad: event.NoMetric}
	if device, ok := m.device(); ok {
		r.device = device
	} else if m.header == nil {
		r.bad = event.NoDevice
	}
	return r
}

// reading reads one value; the first fault counts. A device that the payload
// names is looked at first, one that the header names after the payload.
func (m message) reading(metric int, value *node) reading {
	r := reading{metric: metric, object: m.object}
	device, named := m.device()
	if named {
		r.device = device
	} else if m.header == nil {
		r.bad = event.NoDevice
		return r
	}
	if r.bad = m.payload(&r, value); r.bad != "" {
		return r
	}
	switch {
	case !named:
		r.bad = event.NoDevice
	case metric != undeclared && value.kind == '"':
		r.bad = event.ValueType
	}
	return r
}

// payload reads value, time and number. A value that is a string is no fault of
// the payload: no window and no rule can use it yet.
func (m message) payload(r *reading, value *node) (bad event.Reason) {
	if r.metric != undeclared {
		if bad = r.readValue(value); bad != "" {
			return bad
		}
	}
	fields := m.pipeline.Source.Reading
	if at := m.object.field(fields.Time); at.there() {
		if r.time, bad = instant(at, fields.Unit); bad != "" {
			return bad
		}
		r.hasTime = true
	}
	if seq := m.object.field(fields.Seq); seq.there() {
		if r.seq, r.hasSeq = sequence(seq); !r.hasSeq {
			return event.SeqFormat
		}
	}
	return ""
}

// device reads the name of the device.
func (m message) device() (string, bool) {
	name := string(m.header)
	if m.header == nil {
		n := m.object.field(m.pipeline.Source.Reading.Device)
		if n == nil || n.kind != '"' && (n.kind != '0' || strings.ContainsAny(n.text, ".eE")) {
			return "", false
		}
		name = n.text
	}
	return name, name != "" && len(name) <= event.MaxDevice && utf8.ValidString(name)
}

func (r *reading) readValue(n *node) event.Reason {
	if !n.there() {
		return event.NoValue
	}
	switch n.kind {
	case 't', 'f':
		r.isBool = true
		if n.kind == 't' {
			r.value = 1
		}
	case '0':
		// ParseFloat complains of numbers that are too large, not of too small ones.
		v, err := strconv.ParseFloat(n.text, 64)
		if err != nil || math.IsInf(v, 0) {
			return event.ValueRange
		}
		r.value = v
	case '[', '{':
		return event.ValueType
	}
	return ""
}

// sequence reads an integer that is written as one.
func sequence(n *node) (int64, bool) {
	if n.kind != '0' || strings.ContainsAny(n.text, "-.eE") {
		return 0, false
	}
	v, err := strconv.ParseInt(n.text, 10, 64)
	return v, err == nil
}
