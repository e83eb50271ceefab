package task

import (
	"errors"
	"fmt"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/codec"
)

const (
	// maxDetails is of how many readings of one record it is said what exactly is wrong, for which the message is taken apart anew each time.
	maxDetails = 8
	// maxDetailed is the longest message in bytes for which it is.
	maxDetailed = 64 << 10
)

// What is wrong with a record that group tasks cannot use.
var (
	errNoPartial = errors.New("the record is no partial: something else than weir writes the topic of partials")
	errNoWindow  = errors.New("no window over several devices of this file takes the partial: its file was another one")
)

// detail says in words what exactly is wrong with a reading; empty: the reason says all there is to say. Bad readings are rare, so it may
// allocate. why is the error behind the reason; nil: there is none.
func (t *Task) detail(r *event.Reading, reason event.Reason, why error) string {
	if !t.shown {
		t.details = 0
	}
	t.details++
	switch {
	case reason == event.Expression:
		return "where cannot be worked out for it: " + why.Error()
	case why != nil:
		return why.Error()
	case t.details > maxDetails || len(t.record.Value) > maxDetailed:
		return ""
	case reason == event.WrongPartition:
		return fmt.Sprintf("source.partitioner=%s puts this device in partition %d, and the key of its record is %q", t.plan.Pipeline.Source.Partitioner, t.o.PartitionOf(r.Device), cutKey(t.record.Key))
	case reason == event.NoDevice && t.record.Device != nil:
		return fmt.Sprintf("the header weir-device must hold a name of 1 to %d bytes of UTF-8, and holds %d bytes", event.MaxDevice, len(t.record.Device))
	}
	s := &t.plan.Pipeline.Source.Reading
	o := codec.Options{Device: s.Device, Metric: s.Metric, Time: s.Time, Unit: s.Unit, Value: s.Value, Seq: s.Seq, Wide: s.Metrics, Metrics: t.plan.Pipeline.Metrics}
	return o.Explain(t.record.Value, codec.Wrong{Reason: reason, Sample: r.Sample, Metric: r.Metric})
}

// cutKey is the beginning of a key.
func cutKey(key []byte) []byte { return key[:min(len(key), 60)] }
