package oracle

import (
	"cmp"
	"slices"

	"github.com/weirstream/weir/event"
)

// takers are the session windows that are kept at a clock and take what arrived,
// by their start.
func (t *task) takers(d *device, index int, r arrival, clock event.Time) (takers []*window) {
	gap := t.p.Windows[index].Gap
	for _, w := range d.windows[index] {
		if w.end > t.gone(index, clock) && w.start-gap < r.last && r.first < w.end {
			takers = append(takers, w)
		}
	}
	return takers
}

// goneForSessions reports whether no session can take what arrived any more.
func (t *task) goneForSessions(d *device, index int, r arrival, clock event.Time) bool {
	return r.last+t.p.Windows[index].Gap <= t.gone(index, clock) && len(t.takers(d, index, r, clock)) == 0
}

// addToSessions adds what arrived to the session it belongs to; it may join some, or
// begin one.
func (t *task) addToSessions(d *device, index int, r arrival, a addition) {
	if t.goneForSessions(d, index, r, a.before) {
		return
	}
	takers := t.takers(d, index, r, a.before)
	swallowed := takers
	var w *window
	if len(takers) > 0 && takers[0].start <= r.first {
		w, swallowed = takers[0], takers[1:]
	} else {
		w = &window{start: r.first}
		at, _ := slices.BinarySearchFunc(d.windows[index], r.first, func(o *window, at event.Time) int { return cmp.Compare(o.start, at) })
		d.windows[index] = slices.Insert(d.windows[index], at, w)
	}
	w.end = max(w.end, r.last+t.p.Windows[index].Gap)
	for _, other := range swallowed {
		w.end = max(w.end, other.end)
		w.samples = append(w.samples, other.samples...)
		t.merge(d, index, other, w.start)
		d.windows[index] = slices.DeleteFunc(d.windows[index], func(o *window) bool { return o == other })
	}
	w.samples = append(w.samples, r.samples...)
	slices.SortStableFunc(w.samples, func(a, b sample) int { return cmp.Compare(a.order, b.order) })
	t.grown(d, index, w, a)
	t.lookNow(d, index, r.samples[0], a.cause)
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
