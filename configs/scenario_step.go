package configs

import "github.com/weirstream/weir/event"

// ScenarioStep is what somebody does in a test, behind all that arrives at its time.
type ScenarioStep struct {
	At   event.Time
	Kind StepKind
	// Name is that of the silence or maintenance, also where it is taken back.
	Name string
	// Matchers, Start and End are those of a silence or maintenance; the times count from
	// the test's.
	Matchers   []ScenarioMatcher
	Start, End event.Time
	// Rule and Device say which alert is acknowledged: the one that is open at At. Device
	// is the group where the rule is on a window over several devices.
	Rule, Device string
	Author       string
	Reason       string
}

// StepKind is what is done in a step.
type StepKind uint8

// What can be done. A restart loses the tasks and recovers them from their journals.
const (
	StepRestart StepKind = iota
	StepSilence
	StepMaintenance
	StepUnsilence     // takes a silence back
	StepUnmaintenance // takes a maintenance back
	StepAck
	StepUnack
)

// ScenarioMatcher is a condition on the alerts that are silenced: Name is rule, device,
// group, level or labels.NAME, Op is =, !=, =~ or !~.
type ScenarioMatcher struct{ Name, Op, Value string }

// ExpectedMarks are what an event says beside state, level and value. The zero value of
// each but Reason means that it is not looked at.
type ExpectedMarks struct {
	Suppressed   *bool
	SuppressedBy []string // sorted; nil: not looked at
	Acked        *bool
	Flapping     *bool
	Error        *bool
	Repeat       *int64 // 0: it is none
	Escalation   *int64
	Severity     string
	Reason       string // why, where no reading caused it; empty: not looked at
}
