package oracle

import (
	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
)

// want is one output the pipeline must have written. Exactly one of aggregate,
// alert, refusal, restart and rejected is set.
type want struct {
	topic  string
	device string // or group
	// step counts causes: outputs of one device are in the order of their steps.
	step int
	// lane is the window or the rule; within one step the order is promised only
	// within a lane.
	lane string
	// instance is that of the window where only those of one instance have an order
	// within the lane; empty elsewhere.
	instance string
	// loose outputs have no order among those of their lane and step.
	loose  bool
	in     *Input // with the pipeline that it is by
	source int64  // offset of the record that caused it, or of the first record after the moment that did

	aggregate *aggregate
	alert     *alert
	refusal   *refusal
	restart   *restart
	rejected  *rejected
}

// aggregate is one emission of a window.
type aggregate struct {
	window     int
	start, end event.Time
	revision   int
	final      bool
	corrects   bool
	resets     int       // of the device's clock
	results    []measure // in the order of the window's compute
	merged     bool      // a session that another one has swallowed: there are no results
	into       event.Time
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
	unlabelled      bool  // by which of two rosters its labels are, the journal does not tell
	again           bool  // nothing has changed, and
	repeat          int   // for the how manieth time that is said; 0: for another reason
	flapping        bool
	failing         bool          // the expression cannot be worked out
	anomaly         *finding      // nil: the rule is none on anomalies
	suppressed      []string      // by what
	acked           *commands.Ack // nil: it is not
	escalation      int           // steps taken
	clocks          clocks
	cause           cause
	resets          int
	labels          labels // the device's, of the roster
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
	reason string // such as silence or forgotten; empty: a reading
}

// restart is a clock of a device that began anew.
type restart struct {
	record    SourceRecord
	from, to  event.Time // the clock before, the time of the reading that did it
	lateSince event.Time
	resets    int
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

	or     *measure // another that will do
	vague  bool     // the tolerance is so wide that a rule may see the one or the other side of a threshold
	hinted bool
	likely float64   // where hinted: what is most likely said in place of value
	among  []float64 // further values that are as right
}

// sample is one reading in a window.
type sample struct {
	time  event.Time
	value float64
	order int64  // of its arrival at the task
	of    string // the device, in a window over several; order tells only among those of one
	part  int    // in a window over several: the number of the partial it came in
}
