package task

import (
	"fmt"
	"math"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// inlet is where partials of one window over several devices go in a group plan,
// to one of three kinds of windows.
type inlet struct {
	ring     *ring
	session  *session
	follower *follower // a count window

	// panes are those in which partials come, and in which they wait that are too far
	// ahead, in the column ahead; nil for count windows, to which each comes at once.
	panes *window.Ring
	ahead int

	shape  uint64     // what its partials have to have
	words  int        // how many they have
	kept   event.Time // how long a group is kept after the end of the last pane that came for it
	by     string
	window *configs.Window
}

// planInlets gives each window of a group plan its inlet, once they have their
// columns.
func (c *Plan) planInlets() error {
	for i := range c.Pipeline.Windows {
		w := &c.Pipeline.Windows[i]
		in := inlet{shape: shapeOf(w), kept: c.keptFor(w.By), by: w.By, window: w}
		switch w.Kind {
		case configs.Count:
			in.follower, in.words = &c.followers[c.metrics[i].followers[0]], 1
		case configs.Session:
			in.session = &c.sessions[c.metrics[i].sessions[0]]
			if err := c.planAhead(&in); err != nil {
				return err
			}
		default:
			in.ring = &c.rings[c.metrics[i].rings[0]]
			in.panes, in.ahead, in.words = in.ring.Ring, in.ring.col, in.ring.PartialWords()
		}
		c.inlets = append(c.inlets, in)
	}
	return nil
}

// rowAhead is how many panes of sessions a row of panes too far ahead holds; fewer
// where the gap is years long.
const rowAhead = 64

// planAhead gives a session window the panes in which its partials come.
func (c *Plan) planAhead(in *inlet) error {
	spec := paneSpec(in.window)
	spec.Parts = true
	rings, _, err := window.PlanRings([]window.Spec{spec}, window.Time{MaxFutureSkew: min((rowAhead-1)*spec.Size, maxPartialTime/2)})
	if err != nil {
		return fmt.Errorf("plan panes of window %q: %w", in.window.Name, err)
	}
	in.panes, in.words = rings[0], rings[0].PartialWords()
	name := fmt.Sprintf("ahead %s %s/%d/%s%s", in.window.Metric, in.window.Name, spec.Size, strings.Join(in.window.Compute, ","), byName(in.window))
	in.ahead = c.column(name, rings[0].Cells(), rings[0].Words())
	return nil
}

// sessionTime are the rules of time of a session window. A session of a group
// closes once every pane that could make it longer has been sent: a pane later than
// it ends.
func (c *Plan) sessionTime(w *configs.Window) window.Time {
	t := window.Time{WaitForLate: c.wait, MaxFutureSkew: c.skew, Backfill: c.Pipeline.Time.AllowBackfill}
	if c.grouped {
		t.WaitForLate, t.MaxFutureSkew = w.GroupPane(), c.skew+w.GroupPane()
	}
	return t
}

// keptFor is how long groups of a kind are kept after the end of the last pane that
// came for them: nothing of them is open by then, and nothing they could still get
// is not late.
func (c *Plan) keptFor(by string) event.Time {
	longest := event.Time(0)
	for i := range c.Pipeline.Windows {
		switch w := &c.Pipeline.Windows[i]; {
		case w.By != by:
		case w.Kind == configs.Session:
			longest = max(longest, w.Gap+w.GroupPane())
		default:
			longest = max(longest, w.Size)
		}
	}
	return longest + c.Pipeline.Time.AllowBackfill + c.forget
}

// fits reports whether a partial, whose pane is [Start, End), is one that the inlet
// can take.
func (in *inlet) fits(p *window.Partial, shape uint64) bool {
	if shape != in.shape || len(p.Words) != in.words {
		return false
	}
	switch {
	case in.follower != nil:
		v := math.Float64frombits(p.Words[0])
		return p.Count == 1 && !math.IsNaN(v) && !math.IsInf(v, 0)
	case in.session != nil:
		return p.Whole()
	}
	return true
}

// keeps reports whether a group of that name is one of the window's.
func (in *inlet) keeps(name []byte) bool {
	return len(name) > len(in.by) && name[len(in.by)] == 0 && string(name[:len(in.by)]) == in.by
}

// pane is the pane of a time.
func (in *inlet) pane(t event.Time) (start, end event.Time) {
	if in.panes == nil {
		return t, t + 1
	}
	return in.panes.Pane(t)
}

// lateFor reports whether a partial has come for a group when all its windows had
// closed for good.
func (t *Task) lateFor(k int, group []byte, p window.Partial) bool {
	in, now := &t.plan.inlets[k], t.watermark()
	switch {
	case in.ring != nil:
		return in.ring.Late(p.Start, now)
	case in.session == nil:
		return false
	case !in.session.LatePiece(nil, p.Piece(), now):
		return false
	}
	t.groups.name = t.appendGroup(t.groups.name[:0], k, group)
	slot, known := t.table.Lookup(t.groups.name)
	return !known || in.session.LatePiece(t.table.Row(in.session.col, slot), p.Piece(), now)
}

// absorb merges a partial into the group at work.
func (t *Task) absorb(k int, p window.Partial, now event.Time) {
	switch in := &t.plan.inlets[k]; {
	case in.ring != nil:
		t.absorbPane(in.ring, p, now)
	case in.session != nil:
		t.absorbPiece(in.session, p.Piece(), now)
	default:
		t.insert(in.follower, p.Start, math.Float64frombits(p.Words[0]))
	}
}

func (t *Task) absorbPane(r *ring, p window.Partial, now event.Time) {
	t.use(&r.outlet)
	fresh, opened := r.Absorb(&t.row, p, now)
	if fresh {
		t.table.Task()[wordOpen] += uint64(opened)
		t.dueBy(r.Due(p.Start, now))
	}
	if t.plan.Pipeline.Time.AllowBackfill > 0 {
		r.ReviseWith(&t.row, p, now, t.emit)
	}
	if r.onChange {
		r.Change(&t.row, p.Start, now, t.changed)
	}
}

// absorbPiece is joinSession for a partial.
func (t *Task) absorbPiece(s *session, p window.Piece, now event.Time) {
	t.use(&s.outlet)
	folded := s.Absorb(&t.row, p, now, t.emit)
	t.table.Task()[wordOpen] += uint64(folded.Opened)
	t.dueBy(folded.Due)
	s.Revise(&t.row, folded.Cell, now, t.emit)
	if s.onChange {
		s.Change(&t.row, folded.Cell, now, t.changed)
	}
}

// closeInlet closes the windows of the group at work that end with a move of the
// clock to due, and returns when the next one is due.
func (t *Task) closeInlet(k int, due event.Time) event.Time {
	clock := window.Span{From: due - 1, To: due}
	switch in := &t.plan.inlets[k]; {
	case in.ring != nil:
		t.use(&in.ring.outlet)
		in.ring.Close(&t.row, clock, t.emit)
		return in.ring.NextDue(t.row.Words(), due)
	case in.session != nil:
		t.use(&in.session.outlet)
		in.session.Close(&t.row, clock, t.emit)
		return in.session.NextDue(t.row.Words(), due)
	}
	return event.Never
}

// sayInlet emits what is open of the group at work as provisional.
func (t *Task) sayInlet(k int) {
	switch in := &t.plan.inlets[k]; {
	case in.ring != nil:
		t.use(&in.ring.outlet)
		in.ring.Provisional(&t.row, t.watermark(), t.emit)
	case in.session != nil:
		t.use(&in.session.outlet)
		in.session.Provisional(&t.row, t.watermark(), t.emit)
	}
}
