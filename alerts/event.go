package alerts

import "github.com/weirstream/weir/event"

// State is where the alert of one (rule, device) stands. The zero value is OK.
type State uint8

// The states of an alert.
const (
	OK         State = iota // no condition holds and no level is latched
	Pending                 // a condition holds, no hold is over yet
	Firing                  // at least one level is latched
	Recovering              // every level has cleared, keep_firing is not over
)

// String returns the state's name as it stands in records: ok, pending, firing
// or recovering.
func (s State) String() string {
	switch s {
	case OK:
		return "ok"
	case Pending:
		return "pending"
	case Firing:
		return "firing"
	case Recovering:
		return "recovering"
	}
	return "unknown"
}

// EventState says what an event tells.
type EventState uint8

// What an event tells. EventOK ends an episode that has not fired, EventResolved
// one that has.
const (
	EventPending EventState = iota + 1
	EventFiring
	EventRecovering
	EventResolved
	EventOK
)

// String returns the name as it stands in records: pending, firing, recovering,
// resolved or ok.
func (s EventState) String() string {
	switch s {
	case EventPending:
		return "pending"
	case EventFiring:
		return "firing"
	case EventRecovering:
		return "recovering"
	case EventResolved:
		return "resolved"
	case EventOK:
		return "ok"
	}
	return "unknown"
}

// Sample is one value that a rule looks at. Time is the event time of the value
// (of a window: one chosen by the caller that grows from window to window).
type Sample struct {
	Time  event.Time
	Value float64
}

// Event is a change of state or level of one (rule, device).
type Event struct {
	State EventState
	// Level is an index into the rule's levels: for pending the highest level
	// that waits, for firing the level that is on now, for recovering and
	// resolved the last one that was; -1 for ok.
	Level int
	// Previous is the level that was on before this event, -1 where none was.
	Previous int
	// Value is the sample's; for an event of Forget, the newest sample's.
	Value float64
	// Threshold is the one that enters Level, as written; for ok, the one of the
	// highest level that had waited.
	Threshold    float64
	Time         event.Time // the sample's
	EpisodeStart event.Time // time of the first sample of the episode
	Number       int        // of this event in its episode, from 1
	// Marks are those of the episode before the event: see Marks.
	Marks uint8
	// Repeat is set by callers that let Rule.Again speak: how often the alert was
	// said again since it fired, this time included; 0 for any other event.
	Repeat int
	// Again is set where nothing has changed: Rule.Again says once more what there is.
	Again bool
	// Flapping is set by callers that keep a ring of events: see the type Flapping.
	Flapping bool
	// Error is set by callers that cannot tell at present what the rule looks at.
	Error bool
}

// Events is what one step emits, in order: List[:N]. It is a plain value, so
// that a step allocates nothing.
type Events struct {
	List [2]Event
	N    int
}

// All returns the events; the slice points into e.
func (e *Events) All() []Event { return e.List[:e.N] }

func (e *Events) add(ev Event) {
	e.List[e.N] = ev
	e.N++
}
