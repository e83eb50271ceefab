package configs

import (
	"time"

	"github.com/weirstream/weir/event"
)

// Schedule is the time in which alerts of a rule count; outside of it they are
// suppressed. It begins on each of Days when the clocks of Location show From, and ends
// when they next show To: on the same day, or where To is not later than From on the next.
type Schedule struct {
	Days     Weekdays
	From, To event.Time // milliseconds from midnight, less than a day; both 0 for whole days
	Location *time.Location
}

// Escalation is a step that an alert takes when it has fired for some time.
type Escalation struct {
	After    event.Time // milliseconds after the episode fired first; from step to step it rises
	Never    bool       // the step is taken although the alert is acknowledged
	Severity string     // the label severity from then on
}

// Inhibit has alerts of one rule suppress those of another.
type Inhibit struct {
	Source, Target InhibitEnd
	// Label is the label, by its name without labels., in which both have the same text;
	// empty: both are of the same device, or group.
	Label string
}

// InhibitEnd is one side of an Inhibit.
type InhibitEnd struct {
	Rule  string
	Level string // of the source the lowest that counts, of the target the highest; empty: all count
}

// MostEscalations is the greatest number of steps of a rule's escalation.
const MostEscalations = 15
