package task

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// session is a session window and its column of state: one window, of which each
// device has as many instances as it has sessions.
type session struct {
	*window.Session
	outlet
}

func (c *Plan) planSession(i int) error {
	w := c.Pipeline.Windows[i]
	onChange := w.Emit.On == "change"
	s, err := window.NewSession(
		window.SessionSpec{Name: w.Name, Gap: w.Gap, Compute: w.Compute, Change: onChange, Parts: c.grouped},
		c.sessionTime(&w),
	)
	if err != nil {
		return fmt.Errorf("plan window %q: %w", w.Name, err)
	}
	m := &c.metrics[w.MetricIndex]
	col := c.column(fmt.Sprintf("sessions %s %s/%d/%s%s", m.name, w.Name, w.Gap, strings.Join(w.Compute, ","), byName(&w)), s.Cells(), s.Words())
	m.sessions = append(m.sessions, len(c.sessions))
	c.sessions = append(c.sessions, session{Session: s, outlet: outlet{
		col: col, metric: w.MetricIndex, windows: []int{i}, rules: make([][]ruleInput, 1), outcomes: make([]int, 1), live: make([][]ruleInput, 1), onChange: onChange,
	}})
	return nil
}

// joinSession folds a reading into a session window, while the device's clock goes
// the given way, and returns when its session will be due.
func (t *Task) joinSession(s *session, at event.Time, v float64, clock window.Span) event.Time {
	t.use(&s.outlet)
	if s.Late(t.row.Words(), at, clock.From) {
		return event.Never
	}
	folded := s.Fold(&t.row, at, v, clock.To, t.emit)
	t.table.Task()[wordOpen] += uint64(folded.Opened)
	s.Revise(&t.row, folded.Cell, clock.To, t.emit)
	if s.onChange {
		s.Change(&t.row, folded.Cell, clock.To, t.changed)
	}
	if s.lively {
		if r, open := s.Open(t.row.Words(), folded.Cell, clock.To); open {
			t.lookAt(&r, s.live[0], at)
		}
	}
	return folded.Due
}

// closeSessions is closeDue for session windows.
func (t *Task) closeSessions(clock window.Span) event.Time {
	due := event.Never
	for i := range t.plan.sessions {
		s := &t.plan.sessions[i]
		t.use(&s.outlet)
		s.Close(&t.row, clock, t.emit)
		due = min(due, s.NextDue(t.row.Words(), clock.To))
	}
	return due
}

// silenceSessions is fallSilent for session windows.
func (t *Task) silenceSessions(clock event.Time) {
	for i := range t.plan.sessions {
		s := &t.plan.sessions[i]
		t.use(&s.outlet)
		s.Provisional(&t.row, clock, t.emit)
	}
}

// flushSessions is forgetDevice for session windows.
func (t *Task) flushSessions(clock event.Time) {
	for i := range t.plan.sessions {
		s := &t.plan.sessions[i]
		t.use(&s.outlet)
		s.Flush(&t.row, clock, t.emit)
	}
}

// merged says that a session has become part of another. Rules do not look at it.
func (t *Task) merged(r *window.Result) {
	t.table.Task()[wordWindows]++
	if e := &t.plan.emits[t.outlet.windows[r.Window]]; e.ok {
		t.aggregate(e, r, false)
	}
}
