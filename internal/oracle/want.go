package oracle

import "github.com/weirstream/weir/event"

// want is one output the pipeline must have written. Exactly one of aggregate,
// alert and refusal is set.
type want struct {
	topic  string
	device string
	// step counts causes: outputs of one device are in the order of their steps.
	step int
	// lane is the window or the rule; within one step the order is promised only
	// within a lane.
	lane   string
	source int64 // offset of the record that caused it, or of the first record after the moment that did

	aggregate *aggregate
	alert     *alert
	refusal   *refusal
}

// aggregate is one emission of a window.
type aggregate struct {
	window     int
	start, end event.Time
	revision   int
	final      bool
	corrects   bool
	results    []measure // in the order of the window's compute
}

// alert is one event of a rule.
type alert struct {
	rule            int
	state           string
	level, previous int // none where there is none
	threshold       float64
	value           measure
	at, began       event.Time
	window          *span // nil for a rule on a metric
	number          int   // of the event in its episode, from 1
	cause           cause
}

// none stands for no level.
const none = -1

// span is the window that a rule looked at.
type span struct {
	window     int
	start, end event.Time
}

// cause is what made a rule speak: the reading at the source offset, or what
// reason says.
type cause struct {
	offset int64
	reason string // silence or forgotten; empty: a reading
}

// refusal is one reading sent to quarantine.
type refusal struct {
	reason  event.Reason
	record  SourceRecord
	reading reading
}

// measure is a number that was computed, and how far another correct way to
// compute it may be away.
type measure struct {
	value, tolerance float64
	huge             bool // the true sum does not fit a float64
}

// sample is one reading in a window.
type sample struct {
	time  event.Time
	value float64
}
