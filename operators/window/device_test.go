package window_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

// device is one series of one device, driven the way a task drives it.
type device struct {
	specs  []window.Spec
	rings  []*window.Ring
	member [][]int
	rows   []*movingRow
	due    []event.Time // when each ring's next window closes
	clock  event.Time
	skew   event.Time
	digest func(line string) uint8 // what emissions return
	said   []string
}

func newDevice(specs []window.Spec, t window.Time) (*device, error) {
	rings, member, err := window.PlanRings(specs, t)
	if err != nil {
		return nil, err
	}
	d := &device{specs: specs, rings: rings, member: member, skew: t.MaxFutureSkew}
	for _, r := range rings {
		d.rows = append(d.rows, newMovingRow(r.Cells(), r.Words()))
		d.due = append(d.due, event.Never)
	}
	return d, nil
}

func (d *device) reading(a operators.Arrival, v float64) {
	if a.Future(d.skew) {
		d.say("future")
		return
	}
	late := true
	for _, r := range d.rings {
		late = late && r.Late(a.Event, d.clock)
	}
	if late {
		d.say("late")
		return
	}
	from := d.clock
	d.clock = operators.Advance(d.clock, a)
	for k, r := range d.rings {
		if d.clock >= d.due[k] {
			r.Close(d.rows[k], window.Span{From: from, To: d.clock}, d.emit(k))
			d.due[k] = r.NextDue(d.rows[k].words, d.clock)
		}
	}
	for k, r := range d.rings {
		if r.Late(a.Event, from) {
			continue
		}
		r.Fold(d.rows[k], a.Event, v)
		d.due[k] = min(d.due[k], r.Due(a.Event, d.clock))
		r.Revise(d.rows[k], a.Event, d.clock, d.emit(k))
	}
}

func (d *device) silent() {
	for k, r := range d.rings {
		r.Provisional(d.rows[k], d.clock, d.emit(k))
	}
}

func (d *device) forget() {
	for k, r := range d.rings {
		r.Flush(d.rows[k], d.clock, d.emit(k))
		clear(d.rows[k].words)
		d.due[k] = event.Never
	}
	d.clock = 0
}

func (d *device) emit(ring int) window.Emit {
	return func(r *window.Result) uint8 {
		line := d.line(d.member[ring][r.Window], r)
		d.say(line)
		if d.digest == nil {
			return 0
		}
		return d.digest(line)
	}
}

func (d *device) say(line string) { d.said = append(d.said, line) }

// of picks the lines of a ring's windows.
func (d *device) of(ring int, lines []string) []string {
	var out []string
	for _, line := range lines {
		for _, spec := range d.member[ring] {
			if strings.HasPrefix(line, d.specs[spec].Name+" ") {
				out = append(out, line)
			}
		}
	}
	return out
}

func (d *device) line(spec int, r *window.Result) string {
	return describe(d.specs[spec].Name, d.specs[spec].Compute, r)
}

// describe writes a result as a line of a golden file.
func describe(name string, compute []string, r *window.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s [%s, %s) n=%d", name, span(r.Start), span(r.End), r.Count)
	for i, c := range compute {
		fmt.Fprintf(&b, " %s=%v", c, r.Values[i])
	}
	fmt.Fprintf(&b, " revision=%d", r.Revision)
	if r.Final {
		b.WriteString(" final")
	}
	if r.Digest != 0 {
		fmt.Fprintf(&b, " digest=%d", r.Digest)
	}
	return b.String()
}

func span(t event.Time) string { return (time.Duration(t) * time.Millisecond).String() }
