package window_test

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

// model does what rings do without panes, cells or words: every window is a list
// of readings.
type model struct {
	specs  []window.Spec
	time   window.Time
	clock  event.Time
	open   map[instance]*content
	digest func(line string) uint8
	said   []string
	days   naiveDays
}

type instance struct {
	spec int
	end  event.Time
}

type content struct {
	readings []sample
	touched  bool
	revision int
	digest   uint8
}

type sample struct {
	time  event.Time
	value float64
}

func newModel(specs []window.Spec, t window.Time) *model {
	return &model{specs: specs, time: t, open: map[instance]*content{}, days: naiveDays{}}
}

// ends lists the ends of the windows of a spec that contain t.
func (m *model) ends(s window.Spec, t event.Time) []event.Time {
	if s.Location != nil {
		return []event.Time{m.days.of(s, t)[1]}
	}
	var out []event.Time
	end := s.Offset - 1000*s.Every // before any t of these tests less a size
	if t > end {
		end += (t - end) / s.Every * s.Every
	}
	for ; end <= t; end += s.Every {
	}
	for ; end-s.Size <= t; end += s.Every {
		out = append(out, end)
	}
	return out
}

// starts is the start of the window of a spec that ends at end.
func (m *model) starts(s window.Spec, end event.Time) event.Time {
	if s.Location != nil {
		return m.days.of(s, end-1)[0]
	}
	return end - s.Size
}

func (m *model) reading(a operators.Arrival, v float64) {
	if a.Event > a.Append+m.time.MaxFutureSkew {
		m.said = append(m.said, "future")
		return
	}
	var takers []instance
	for i, s := range m.specs {
		for _, end := range m.ends(s, a.Event) {
			if end+m.time.WaitForLate+m.time.Backfill > m.clock {
				takers = append(takers, instance{i, end})
			}
		}
	}
	if len(takers) == 0 {
		m.said = append(m.said, "late")
		return
	}
	from := m.clock
	m.clock = max(m.clock, min(a.Event, a.Append))
	m.emit(true, func(w instance, c *content) bool {
		due := w.end + m.time.WaitForLate
		return from < due && due <= m.clock
	})
	var revised []instance
	for _, w := range takers {
		c := m.open[w]
		if c == nil {
			c = &content{}
			m.open[w] = c
		}
		c.readings = append(c.readings, sample{a.Event, v})
		c.touched = true
		if w.end+m.time.WaitForLate <= m.clock {
			revised = append(revised, w)
		}
	}
	m.emit(true, func(w instance, _ *content) bool { return slices.Contains(revised, w) })
}

func (m *model) silent() {
	m.emit(false, func(w instance, c *content) bool {
		return c.touched && w.end+m.time.WaitForLate > m.clock
	})
}

func (m *model) forget() {
	m.emit(true, func(w instance, _ *content) bool { return w.end+m.time.WaitForLate > m.clock })
	clear(m.open)
	m.clock = 0
}

func (m *model) emit(final bool, wanted func(instance, *content) bool) {
	var speak []instance
	for w, c := range m.open {
		if wanted(w, c) {
			speak = append(speak, w)
		}
	}
	sortInstances(speak)
	for _, w := range speak {
		c := m.open[w]
		c.revision = min(c.revision+1, 255)
		c.touched = false
		line := m.describe(w, c, final)
		m.said = append(m.said, line)
		c.digest = m.digest(line)
	}
}

func (m *model) describe(w instance, c *content, final bool) string {
	s := m.specs[w.spec]
	r := window.Result{
		Start: m.starts(s, w.end), End: w.end, Count: uint64(len(c.readings)),
		Revision: c.revision, Final: final, Digest: c.digest,
	}
	for _, name := range s.Compute {
		r.Values = append(r.Values, naive(name, c.readings))
	}
	return describe(s.Name, s.Compute, &r)
}

// present lists the open windows that contain t, in order.
func (m *model) present(t event.Time) []instance {
	var out []instance
	for w := range m.open {
		if w.end > t && m.starts(m.specs[w.spec], w.end) <= t && w.end+m.time.WaitForLate > m.clock {
			out = append(out, w)
		}
	}
	sortInstances(out)
	return out
}

func sortInstances(s []instance) {
	slices.SortFunc(s, func(a, b instance) int {
		return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.spec, b.spec))
	})
}

func (m *model) nextDue() event.Time {
	due := event.Never
	for w := range m.open {
		if at := w.end + m.time.WaitForLate; at > m.clock {
			due = min(due, at)
		}
	}
	return due
}

// naive computes one aggregate over readings in order of arrival.
func naive(name string, readings []sample) float64 {
	sum, least, greatest, newest := 0.0, readings[0].value, readings[0].value, readings[0]
	for _, r := range readings {
		sum += r.value
		least, greatest = min(least, r.value), max(greatest, r.value)
		if r.time >= newest.time {
			newest = r
		}
	}
	switch name {
	case "count":
		return float64(len(readings))
	case "sum":
		return sum
	case "min":
		return least
	case "max":
		return greatest
	case "mean":
		return sum / float64(len(readings))
	case "last":
		return newest.value
	}
	panic(fmt.Sprintf("no such aggregate: %s", name))
}
