package window_test

import (
	"fmt"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

// sessionDevice is one series with a session window, driven the way a task does.
type sessionDevice struct {
	*window.Session
	spec   window.SessionSpec
	row    *movingRow
	clock  event.Time
	due    event.Time // no session closes before it
	open   int        // sessions that are open, as counted on the way
	skew   event.Time
	digest func(line string) uint8
	said   []string
}

func newSessionDevice(spec window.SessionSpec, t window.Time) (*sessionDevice, error) {
	s, err := window.NewSession(spec, t)
	if err != nil {
		return nil, err
	}
	return &sessionDevice{Session: s, spec: spec, row: newMovingRow(s.Cells(), s.Words()), due: event.Never, skew: t.MaxFutureSkew}, nil
}

// reading folds a reading and returns what came of it, false where it was refused.
func (d *sessionDevice) reading(a operators.Arrival, v float64) (window.Folded, bool) {
	if a.Future(d.skew) {
		d.said = append(d.said, "future")
		return window.Folded{}, false
	}
	if d.Late(d.row.words, a.Event, d.clock) {
		d.said = append(d.said, "late")
		return window.Folded{}, false
	}
	from := d.clock
	d.clock = operators.Advance(d.clock, a)
	if d.clock >= d.due {
		said := len(d.said)
		d.Close(d.row, window.Span{From: from, To: d.clock}, d.emit)
		d.open -= len(d.said) - said
		d.due = d.NextDue(d.row.words, d.clock)
	}
	f := d.Fold(d.row, a.Event, v, d.clock, d.emit)
	d.open += f.Opened
	d.due = min(d.due, f.Due)
	d.Revise(d.row, f.Cell, d.clock, d.emit)
	return f, true
}

func (d *sessionDevice) silent() { d.Provisional(d.row, d.clock, d.emit) }

func (d *sessionDevice) forget() {
	d.Flush(d.row, d.clock, d.emit)
	clear(d.row.words)
	d.clock, d.due, d.open = 0, event.Never, 0
}

func (d *sessionDevice) emit(r *window.Result) uint8 {
	line := sessionLine(d.spec, r)
	d.said = append(d.said, line)
	if d.digest == nil || r.Merged {
		return 0
	}
	return d.digest(line)
}

// sessionLine writes a result as a line of a golden file.
func sessionLine(spec window.SessionSpec, r *window.Result) string {
	if r.Merged {
		return fmt.Sprintf("%s [%s, %s) n=%d revision=%d merged into %s", spec.Name, span(r.Start), span(r.End), r.Count, r.Revision, span(r.MergedInto))
	}
	line := describe(spec.Name, spec.Compute, r)
	if r.Reopened > 0 {
		line += fmt.Sprintf(" reopened=%d", r.Reopened)
	}
	return line
}
