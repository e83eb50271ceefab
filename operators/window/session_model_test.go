package window_test

import (
	"cmp"
	"slices"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

// sessionModel does what a Session does by sorting all readings that still count
// and cutting them where a pause is.
type sessionModel struct {
	spec     window.SessionSpec
	time     window.Time
	clock    event.Time
	readings []sample // in order of arrival
	known    map[event.Time]*spoken
	digest   func(line string) uint8
	said     []string
}

// spoken is what is known of a session beside its readings.
type spoken struct {
	touched  bool
	revision int
	digest   uint8
	reopened int
	end      event.Time // when it was last emitted
}

// cut is one session as the readings have it.
type cut struct {
	start, end event.Time
	readings   []sample // in order of arrival
}

func newSessionModel(spec window.SessionSpec, t window.Time) *sessionModel {
	return &sessionModel{spec: spec, time: t, known: map[event.Time]*spoken{}}
}

// cuts are the sessions of the readings, in order of time.
func (m *sessionModel) cuts() []cut {
	times := slices.Clone(m.readings)
	slices.SortFunc(times, func(a, b sample) int { return cmp.Compare(a.time, b.time) })
	var out []cut
	for _, r := range times {
		if len(out) == 0 || r.time-(out[len(out)-1].end-m.spec.Gap) >= m.spec.Gap {
			out = append(out, cut{start: r.time})
		}
		out[len(out)-1].end = r.time + m.spec.Gap
	}
	for i := range out {
		for _, r := range m.readings {
			if out[i].start <= r.time && r.time < out[i].end {
				out[i].readings = append(out[i].readings, r)
			}
		}
	}
	return out
}

func (m *sessionModel) open(c cut) bool { return c.end+m.time.WaitForLate > m.clock }

// gone drops the sessions that are no longer kept.
func (m *sessionModel) gone() {
	for _, c := range m.cuts() {
		if c.end+m.time.WaitForLate+m.time.Backfill <= m.clock {
			m.readings = slices.DeleteFunc(m.readings, func(r sample) bool { return c.start <= r.time && r.time < c.end })
			delete(m.known, c.start)
		}
	}
}

func (m *sessionModel) reading(a operators.Arrival, v float64) {
	if a.Event > a.Append+m.time.MaxFutureSkew {
		m.said = append(m.said, "future")
		return
	}
	m.gone()
	takes := a.Event+m.spec.Gap > m.clock-m.time.WaitForLate-m.time.Backfill
	for _, c := range m.cuts() {
		takes = takes || c.start-m.spec.Gap < a.Event && a.Event < c.end
	}
	if !takes {
		m.said = append(m.said, "late")
		return
	}
	from := m.clock
	m.clock = max(m.clock, min(a.Event, a.Append))
	for _, c := range m.cuts() {
		if due := c.end + m.time.WaitForLate; from < due && due <= m.clock {
			m.emit(c, true)
		}
	}
	before := m.cuts()
	m.readings = append(m.readings, sample{a.Event, v})
	for _, now := range m.cuts() {
		if a.Event < now.start || a.Event >= now.end {
			continue
		}
		m.became(before, now)
		m.known[now.start].touched = true
		if m.time.Backfill > 0 && !m.open(now) {
			m.emit(now, true)
		}
	}
}

// became says which sessions ended because they are part of this one now.
func (m *sessionModel) became(before []cut, now cut) {
	for _, old := range before {
		switch {
		case old.start < now.start || old.start >= now.end:
		case old.start == now.start:
			if k := m.known[old.start]; !m.open(old) && m.open(now) {
				k.reopened++
			}
		default:
			k := m.known[old.start]
			delete(m.known, old.start)
			r := window.Result{Start: old.start, End: k.end, Count: uint64(len(old.readings)), Revision: min(k.revision+1, 255), Final: true, Merged: true, MergedInto: now.start}
			if m.spec.Change {
				r.End, r.Revision = old.end, len(old.readings)+k.reopened+1
				if !m.open(old) {
					r.Revision++
				}
			}
			if m.spec.Change || k.revision > 0 {
				m.said = append(m.said, sessionLine(m.spec, &r))
			}
		}
	}
	if m.known[now.start] == nil {
		m.known[now.start] = &spoken{}
	}
}

func (m *sessionModel) silent() {
	for _, c := range m.cuts() {
		if m.open(c) && m.known[c.start].touched {
			m.emit(c, false)
			m.known[c.start].touched = false
		}
	}
}

func (m *sessionModel) forget() {
	for _, c := range m.cuts() {
		if m.open(c) {
			m.emit(c, true)
		}
	}
	m.clock, m.readings = 0, nil
	clear(m.known)
}

func (m *sessionModel) emit(c cut, final bool) {
	k := m.known[c.start]
	k.revision, k.end = min(k.revision+1, 255), c.end
	r := m.result(c)
	r.Final = final
	line := sessionLine(m.spec, &r)
	m.said = append(m.said, line)
	k.digest = m.digest(line)
}

func (m *sessionModel) result(c cut) window.Result {
	k := m.known[c.start]
	r := window.Result{Start: c.start, End: c.end, Count: uint64(len(c.readings)), Revision: k.revision, Digest: k.digest, Reopened: k.reopened}
	for _, name := range m.spec.Compute {
		r.Values = append(r.Values, naive(name, c.readings))
	}
	return r
}

// openCuts are the sessions that are open, in order of time.
func (m *sessionModel) openCuts() []cut {
	return slices.DeleteFunc(m.cuts(), func(c cut) bool { return !m.open(c) })
}
