package task

import (
	"math"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// DeviceState is one device's state, for people to look at.
type DeviceState struct {
	Device   string        `json:"device"`
	Slot     uint32        `json:"slot"`
	Clock    string        `json:"clock"`     // greatest event time seen, RFC 3339
	LastSeen string        `json:"last_seen"` // append time of the last reading
	Silent   bool          `json:"silent"`    // silent for idle_after
	Windows  []WindowState `json:"windows,omitempty"`
	Rules    []RuleState   `json:"rules,omitempty"`
	Last     []LastValue   `json:"last,omitempty"`

	// LateSince is the append time of the first late reading since the last processed
	// one; empty where there is none or time.reset_clock_after is 0.
	LateSince string `json:"late_since,omitempty"`
	Resets    uint64 `json:"resets,omitempty"` // how often the device's clock was restarted

	Labels map[string]string `json:"labels,omitempty"` // Describe leaves them out
}

// WindowState is the running value of the window that holds the device's clock; of
// a session window, that of the open session that ends last.
type WindowState struct {
	Window string            `json:"window"`
	Start  string            `json:"start"`
	End    string            `json:"end"`
	Count  uint64            `json:"count"`
	Values map[string]Number `json:"values"`
	// Past are windows that have closed for good, oldest first, as far as their panes are still held; Describe leaves
	// them out.
	Past []PastWindow `json:"past,omitempty"`
}

// RuleState is where a rule stands.
type RuleState struct {
	Rule  string `json:"rule"`
	State string `json:"state"`
	Level string `json:"level,omitempty"`
	Since string `json:"since,omitempty"` // start of the episode
	// Learned is of a rule on anomalies; else nil.
	Learned *LearnedState `json:"learned,omitempty"`
	// Error is set while the rule's expression cannot be worked out.
	Error bool `json:"error,omitempty"`

	// What the last event of the episode said of it.
	Suppressed bool `json:"suppressed,omitempty"`
	Acked      bool `json:"acked,omitempty"`
	Escalation int  `json:"escalation,omitempty"` // steps taken

	// What the rule looks at now, nil where that is nothing, and its thresholds; Describe leaves them out.
	Value      *Number          `json:"value,omitempty"`
	Thresholds []ThresholdState `json:"thresholds,omitempty"`
}

// LastValue is the newest value of a metric that a rule looks at.
type LastValue struct {
	Metric string `json:"metric"`
	Time   string `json:"time"`
	Value  Number `json:"value"`
}

// Describe reads the state of a device out of a table.
func (c *Plan) Describe(table *statestore.Table, slot statestore.Slot) DeviceState {
	head := table.Row(headCol, slot)
	clock := event.Time(head[headClock])
	d := DeviceState{
		Device: string(table.Name(slot)), Slot: uint32(slot), Clock: stamp(clock), LastSeen: stamp(event.Time(head[headSeen])),
		Silent: head[headFlags]&flagIdle != 0, Resets: head[headResets],
	}
	if head[headSeen] == 0 { // the roster names it, and it was never heard
		d.Clock, d.LastSeen = "", ""
	}
	if late := head[headLate]; late != 0 {
		d.LateSince = stamp(event.Time(late - 1))
	}
	d.Windows = c.windowStates(table, slot, clock)
	for i := range c.rules {
		d.Rules = append(d.Rules, c.ruleState(table, slot, i))
	}
	for i := range c.metrics {
		if m := &c.metrics[i]; m.last >= 0 {
			if cell := table.Cell(c.lastCol, m.last, slot); cell[0] != 0 {
				d.Last = append(d.Last, LastValue{Metric: m.name, Time: stamp(event.Time(cell[0] - 1)), Value: Number(math.Float64frombits(cell[1]))})
			}
		}
	}
	return d
}

// windowStates are the running values of the windows of a device or group.
func (c *Plan) windowStates(table *statestore.Table, slot statestore.Slot, clock event.Time) (list []WindowState) {
	for i := range c.rings {
		r := &c.rings[i]
		for k, w := range r.windows {
			res, ok := r.Running(table.Row(r.col, slot), k, clock)
			if ok {
				list = append(list, c.windowState(w, res.Start, res.End, res.Count, res.Values))
			}
		}
	}
	for i := range c.sessions {
		s := &c.sessions[i]
		if res, ok := s.Running(table.Row(s.col, slot), clock); ok {
			list = append(list, c.windowState(s.windows[0], res.Start, res.End, res.Count, res.Values))
		}
	}
	for i := range c.followers {
		f := &c.followers[i]
		if res, speaks := f.Result(table.Row(f.col, slot)); speaks {
			list = append(list, c.windowState(f.window, res.Start, res.End, res.Count, res.Values))
		}
	}
	return list
}

// ruleState is where a rule of a device or group stands.
func (c *Plan) ruleState(table *statestore.Table, slot statestore.Slot, i int) RuleState {
	view := c.rules[i].View(table.Row(c.rules[i].col, slot))
	s := RuleState{Rule: c.rules[i].spec.Name, State: view.State.String()}
	marks := alerts.Marks(table.Row(c.rules[i].col, slot))
	s.Suppressed, s.Acked, s.Escalation = marks&markSuppressed != 0, marks&markAcked != 0, stepOf(marks)
	if view.Level >= 0 {
		s.Level = c.rules[i].spec.Levels[view.Level].Name
	}
	if view.EpisodeStart > 0 && s.State != "ok" {
		s.Since = stamp(view.EpisodeStart)
	}
	s.Learned = c.learnedState(table, slot, &c.rules[i])
	if f := c.rules[i].formula; f != nil {
		s.Error = table.Cell(f.col, f.state, slot)[formulaError] != 0
	}
	return s
}

func (c *Plan) windowState(w int, start, end event.Time, count uint64, values []float64) WindowState {
	spec := &c.Pipeline.Windows[w]
	s := WindowState{Window: spec.Name, Start: stamp(start), End: stamp(end), Count: count, Values: map[string]Number{}}
	for i, name := range spec.Compute[:min(len(values), len(spec.Compute))] {
		s.Values[name] = Number(values[i])
	}
	return s
}

func stamp(t event.Time) string {
	var s stamps
	return string(trimQuotes(s.append(nil, t)))
}
