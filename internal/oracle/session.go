package oracle

import (
	"cmp"
	"slices"

	"github.com/weirstream/weir/event"
)

// takers are the session windows that are kept at a clock and take a reading at t,
// by their start.
func (t *task) takers(d *device, index int, at, clock event.Time) (takers []*window) {
	gap := t.p.Windows[index].Gap
	for _, w := range d.windows[index] {
		if w.end > t.gone(clock) && w.start-gap < at && at < w.end {
			takers = append(takers, w)
		}
	}
	return takers
}

// addToSessions adds a reading to the session it belongs to; it may join two, or
// begin one.
func (t *task) addToSessions(d *device, index int, s sample, a addition) {
	end := s.time + t.p.Windows[index].Gap
	takers := t.takers(d, index, s.time, a.before)
	if len(takers) == 0 && end <= t.gone(a.before) {
		return
	}
	swallowed := takers
	var w *window
	if len(takers) > 0 && takers[0].start <= s.time {
		w, swallowed = takers[0], takers[1:]
	} else {
		w = &window{start: s.time}
		at, _ := slices.BinarySearchFunc(d.windows[index], s.time, func(o *window, at event.Time) int { return cmp.Compare(o.start, at) })
		d.windows[index] = slices.Insert(d.windows[index], at, w)
	}
	w.end = max(w.end, end)
	for _, other := range swallowed {
		w.end = max(w.end, other.end)
		w.samples = append(w.samples, other.samples...)
		t.merge(d, index, other, w.start)
		d.windows[index] = slices.DeleteFunc(d.windows[index], func(o *window) bool { return o == other })
	}
	w.samples = append(w.samples, s)
	slices.SortStableFunc(w.samples, func(a, b sample) int { return cmp.Compare(a.order, b.order) })
	t.grown(d, index, w, a)
	t.lookNow(d, index, s, a.cause)
}

// merge says that a session is part of another one now, if it ever spoke.
func (t *task) merge(d *device, index int, w *window, into event.Time) {
	c := &t.p.Windows[index]
	if !w.spoken || c.Emit.On == "never" {
		return
	}
	revision := w.revision + 1
	if c.Emit.On != "change" {
		revision = min(revision, mostRevisions)
	}
	t.want(&want{topic: c.Emit.Topic, device: d.name, lane: c.Name, loose: true, aggregate: &aggregate{
		window: index, start: w.start, end: w.spokenEnd, revision: revision, final: true, resets: d.resets, merged: true, into: into,
	}})
}
