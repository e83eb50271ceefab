// Package event holds the words every other package speaks: time in Unix
// milliseconds, a reading, a place in the source. It holds nothing else.
package event

import "math"

// Time is a point in time, or a span, in Unix milliseconds. The zero value is
// the epoch; times before it are refused by the decoders.
type Time int64

// Never is later than every event: the deadline of nothing.
const Never = Time(math.MaxInt64)

// Kind says which of a Value's fields holds it.
type Kind uint8

// The kinds of value a reading can carry.
const (
	Number Kind = iota
	Bool        // held in Num as 0 or 1
	String
)

// Value is what a sensor said. Num is finite for Number and 0 or 1 for Bool;
// Str is borrowed from the decoded message and valid as long as that is.
type Value struct {
	Num  float64
	Str  []byte
	Kind Kind
}

// Reading is one value of one metric of one device. Device is borrowed from the
// decoded message (or the decoder's scratch) and valid until the next decode.
type Reading struct {
	Device []byte
	Value  Value
	Time   Time  // event time; meaningless unless HasTime
	Seq    int64 // the device's own number of this reading, >= 0; meaningless unless HasSeq
	Metric int32 // index into the pipeline's declared metrics; Undeclared where no window or rule uses it
	Sample int32 // readings of one object of one message share it, counting from 0
	// HasTime is false where the message carries no time; the append time of
	// the record stands in for it.
	HasTime bool
	HasSeq  bool
	Bad     Reason // why the reading cannot be used; empty where it can
}

// Undeclared is the Metric of a reading that no window and no rule asks for.
const Undeclared = int32(-1)

// Reason names why a reading went to quarantine: a short stable token that
// dashboards and consumers may match on.
type Reason string

// The reasons of quarantine.
const (
	Malformed      Reason = "malformed"       // not a document of the declared format
	NoDevice       Reason = "no_device"       // the device field is missing, empty, too long or not UTF-8
	NoMetric       Reason = "no_metric"       // the metric field is missing or not a string
	NoValue        Reason = "no_value"        // the value field is missing or null
	ValueType      Reason = "value_type"      // the value is of a kind the windows and rules cannot use
	ValueRange     Reason = "value_range"     // the number does not fit a finite 64-bit float
	TimeFormat     Reason = "time_format"     // the time is neither RFC 3339 nor a number of the declared unit
	TimeRange      Reason = "time_range"      // the time lies before 1970 or after 2200
	SeqFormat      Reason = "seq_format"      // the sequence number is not an integer in [0, 2^63)
	Expression     Reason = "expression"      // the condition on readings cannot be worked out for it
	Late           Reason = "late"            // every window that could hold it has closed for good
	Future         Reason = "future"          // further ahead of its append time than max_future_skew
	WrongPartition Reason = "wrong_partition" // the device's hash does not belong to the partition it came from
)

// MaxDevice is the length in bytes of the longest accepted device name.
const MaxDevice = 512
