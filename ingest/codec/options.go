package codec

import (
	"fmt"

	"github.com/weirstream/weir/event"
)

// MaxDepth is how many arrays and objects may be open at once; a document that
// nests deeper is malformed. RFC 8259 section 9 leaves the limit to the reader.
const MaxDepth = 512

// Options say where a reading is in a message. The zero value of a field name
// means that the message does not carry the field.
type Options struct {
	Device string // if empty, readings have no device and the caller knows it; never NoDevice
	Metric string // required of a narrow message, ignored for a wide one
	Time   string // if empty, no reading has a time
	Unit   string // of a time that is a number: s, ms, us or ns; if empty, such a time is refused
	Value  string // required of a narrow message, ignored for a wide one
	Seq    string // if empty, no reading has a sequence number

	Wide    []string // names of the fields of a wide message that are metrics; empty: the message is narrow
	Metrics []string // declared metrics: the index here is event.Reading.Metric
}

// A Decoder appends the readings of one payload to b.Readings. It does not
// reset b, so that one batch can hold the readings of many messages. Devices
// and string values borrow from payload and from b: they are valid until either
// is reused.
type Decoder interface {
	Decode(payload []byte, b *Batch)
}

// The fields of a message, in the order in which they are judged; the fields of
// a wide message follow from firstWide on.
const (
	deviceField = iota
	metricField
	valueField
	timeField
	seqField
	firstWide
)

// roles returns the name of each field by its number; unused ones are empty.
func (o *Options) roles() []string {
	names := make([]string, firstWide, firstWide+len(o.Wide))
	names[deviceField], names[timeField], names[seqField] = o.Device, o.Time, o.Seq
	if len(o.Wide) == 0 {
		names[metricField], names[valueField] = o.Metric, o.Value
	}
	return append(names, o.Wide...)
}

// check returns an error that names the first option that cannot work.
func (o *Options) check() error {
	if len(o.Wide) == 0 && o.Metric == "" {
		return fmt.Errorf("metric: a narrow message needs the name of its metric field")
	}
	if len(o.Wide) == 0 && o.Value == "" {
		return fmt.Errorf("value: a narrow message needs the name of its value field")
	}
	switch o.Unit {
	case "", "s", "ms", "us", "ns":
	default:
		return fmt.Errorf("unit %q must be s, ms, us or ns", o.Unit)
	}
	if err := distinct("wide field", o.Wide); err != nil {
		return err
	}
	if err := distinct("metric", o.Metrics); err != nil {
		return err
	}
	roles := o.roles()
	for i, name := range roles {
		for j := range i {
			if name != "" && roles[j] == name {
				return fmt.Errorf("field %q is declared for two purposes", name)
			}
		}
	}
	return nil
}

// distinct refuses empty and repeated names; what is the word for one of them.
func distinct(what string, names []string) error {
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		if name == "" {
			return fmt.Errorf("%s %d has no name", what, i)
		}
		if seen[name] {
			return fmt.Errorf("%s %q is declared twice", what, name)
		}
		seen[name] = true
	}
	return nil
}

// wideMetrics returns the declared index of each wide field, or Undeclared.
func (o *Options) wideMetrics() []int32 {
	index := make(map[string]int32, len(o.Metrics))
	for i, name := range o.Metrics {
		index[name] = int32(i)
	}
	metrics := make([]int32, len(o.Wide))
	for k, name := range o.Wide {
		metrics[k] = event.Undeclared
		if i, ok := index[name]; ok {
			metrics[k] = i
		}
	}
	return metrics
}
