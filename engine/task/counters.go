package task

// The task's own words: counters and clocks that are journaled whole with every
// commit, so that what is exported never counts a replayed reading twice.
const (
	wordIn = iota
	wordProcessed
	wordFiltered
	wordLate
	wordFuture
	wordBad
	wordDuplicate
	wordWindows      // window results produced, emitted to a topic or not
	wordAlerts       // alert events produced
	wordCorrections  // revisions that would have changed an alert
	wordForgotten    // devices dropped after forget_after
	wordClock        // the task's clock: the greatest append or wall time acted on
	wordAlertSeq     // last weir-seq on the alerts topic
	wordAggregateSeq // last sequence on the aggregates topics
	wordRecords      // source records folded, control records not among them
	wordFiring       // rules of devices that fire now
	wordOpen         // windows that hold readings and have not closed
	wordUngrouped    // readings that no group got, for their device has not the label: once for each window over several devices
	wordWatermark    // of a device task: the one sent last; of a group task: the clock of all groups
	wordForemost     // of a device task: the greatest device clock of those that feed groups
	wordStill        // of a group task: its clock when that of the groups moved last, or idle_after later, as often as that has passed
	wordExpressions  // expressions that could not be worked out
	wordResets       // device clocks restarted after reset_clock_after
	wordRuleErrors   // expressions of rules that could not be worked out
	taskWords
)

// Counters are the totals of a task since its first start. They obey the
// conservation law: In = Processed + Filtered + Late + Future + Bad + Duplicate.
// (Retained messages are dropped by the MQTT bridge, before Kafka.)
type Counters struct {
	In, Processed, Filtered, Late, Future, Bad, Duplicate uint64
	Windows, Alerts, Corrections, Forgotten, Records      uint64
	// Ungrouped is how many readings no group got, for their device has not the
	// label: once for each window over several devices.
	Ungrouped uint64
	// Resets is how often a device's clock was restarted.
	Resets uint64
	// Firing and Open are no totals but present numbers: alerts that fire, and
	// windows that hold readings and have not closed for good.
	Firing, Open uint64
	// Expressions is how often where or derive could not be worked out for a reading.
	Expressions uint64
	// RuleErrors is how often the expression of a rule could not be worked out.
	RuleErrors uint64
}

// countersOf reads the counters out of the task's words.
func countersOf(w []uint64) Counters {
	return Counters{
		In: w[wordIn], Processed: w[wordProcessed], Filtered: w[wordFiltered], Late: w[wordLate],
		Future: w[wordFuture], Bad: w[wordBad], Duplicate: w[wordDuplicate], Windows: w[wordWindows],
		Alerts: w[wordAlerts], Corrections: w[wordCorrections], Forgotten: w[wordForgotten], Records: w[wordRecords],
		Firing: w[wordFiring], Open: w[wordOpen], Expressions: w[wordExpressions], Resets: w[wordResets], Ungrouped: w[wordUngrouped],
		RuleErrors: w[wordRuleErrors],
	}
}

// Conserved reports whether every reading is in exactly one class.
func (c Counters) Conserved() bool {
	return c.In == c.Processed+c.Filtered+c.Late+c.Future+c.Bad+c.Duplicate
}

// Add returns the sum of two tasks' counters.
func (c Counters) Add(o Counters) Counters {
	return Counters{
		In: c.In + o.In, Processed: c.Processed + o.Processed, Filtered: c.Filtered + o.Filtered, Late: c.Late + o.Late,
		Future: c.Future + o.Future, Bad: c.Bad + o.Bad, Duplicate: c.Duplicate + o.Duplicate, Windows: c.Windows + o.Windows,
		Alerts: c.Alerts + o.Alerts, Corrections: c.Corrections + o.Corrections, Forgotten: c.Forgotten + o.Forgotten, Records: c.Records + o.Records,
		Firing: c.Firing + o.Firing, Open: c.Open + o.Open, Expressions: c.Expressions + o.Expressions, Resets: c.Resets + o.Resets,
		Ungrouped: c.Ungrouped + o.Ungrouped, RuleErrors: c.RuleErrors + o.RuleErrors,
	}
}
