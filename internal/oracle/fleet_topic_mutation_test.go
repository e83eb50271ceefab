package oracle

import (
	"slices"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// topicMutations break the topic of partials as a whole, and the journal of groups.
func topicMutations() map[string]fleetMutation {
	return map[string]fleetMutation{
		"a partial is missing": func(h *fleetHistory) (broken, bool) {
			q, i := h.pick(isPartial)
			h.logs[q] = slices.Delete(h.logs[q], i, i+1)
			return broken{Missing, afterwards()}, true
		},
		"a partial is there twice": func(h *fleetHistory) (broken, bool) {
			q, i := h.pick(isPartial)
			again := h.logs[q][i]
			again.Offset++ // between two
			h.logs[q] = slices.Insert(h.logs[q], i+1, again)
			return broken{Unexpected, afterwards()}, true
		},
		"half a partial": func(h *fleetHistory) (broken, bool) {
			q, i := h.pick(isPartial)
			r := &h.logs[q][i]
			r.Value = r.Value[:len(r.Value)-5]
			return broken{Missing, afterwards()}, true
		},
		"partials of a device in another order": func(h *fleetHistory) (broken, bool) {
			q, i := h.pick(isPartial)
			a := h.parcel(q, i)
			for j := i + 1; j < len(h.logs[q]); j++ {
				if b := h.parcel(q, j); b.kind == isPartial && b.device == a.device && b.window == a.window && b.start > a.start+60_000 {
					h.forward(q, j, i)
					return broken{Order, afterwards()}, true
				}
			}
			return broken{}, false
		},
		"a watermark falls": func(h *fleetHistory) (broken, bool) {
			q, i := h.pick(isWatermark)
			if h.parcel(q, i).mark < h.wall-400_000 {
				return broken{}, false
			}
			h.rewrite(q, i, func(one *parcel) { one.mark -= 1_000_000 })
			before := slices.ContainsFunc(h.logs[q][:i], func(r SourceRecord) bool {
				one := parcelOf(r, NewFleet(h.p, partitionsOfFleet).named)
				return one.kind == isWatermark && one.upstream == h.parcel(q, i).upstream
			})
			return broken{Watermark, afterwards()}, before
		},
		"a watermark runs ahead": func(h *fleetHistory) (broken, bool) {
			q, i := h.pick(isWatermark)
			h.rewrite(q, i, func(one *parcel) { one.mark += 10_000_000 })
			return broken{Watermark, afterwards()}, true
		},
		"a watermark of another number of partitions": func(h *fleetHistory) (broken, bool) {
			q, i := h.pick(isWatermark)
			h.rewrite(q, i, func(one *parcel) { one.partitions++ })
			return broken{Watermark, afterwards()}, true
		},
		"one partition does not hear a watermark": func(h *fleetHistory) (broken, bool) {
			q, i := h.pick(isWatermark)
			h.logs[q] = slices.Delete(h.logs[q], i, i+1)
			return broken{Watermark, afterwards()}, true
		},
		"the last watermarks are missing": func(h *fleetHistory) (broken, bool) {
			marks := h.tasks[0].model.parts.marks
			until := marks[len(marks)-1].time - 2_000
			for q := range h.logs {
				h.logs[q] = slices.DeleteFunc(h.logs[q], func(r SourceRecord) bool {
					one := parcelOf(r, NewFleet(h.p, partitionsOfFleet).named)
					return one.kind == isWatermark && one.upstream == 0 && one.mark > until
				})
			}
			return broken{Watermark, afterwards()}, true
		},
		"a watermark overtakes a partial": func(h *fleetHistory) (broken, bool) {
			q, i := h.pick(isPartial)
			a := h.parcel(q, i)
			end := h.tasks[0].model.pane(windowOf(h.p, a.window), a.start).end
			for j := i + 1; j < len(h.logs[q]); j++ {
				if b := h.parcel(q, j); b.kind == isWatermark && b.upstream == a.upstream && b.mark >= end && !h.passed(q, i, end) {
					h.forward(q, j, i)
					return broken{Watermark, afterwards()}, true
				}
			}
			return broken{}, false
		},
		"wall time of groups": func(h *fleetHistory) (broken, bool) {
			for _, g := range h.groups {
				for i := range g.entries {
					if facts := g.entries[i].facts; len(facts) > 0 && facts[len(facts)-1].wall == g.entries[i].wall && h.IntN(2) == 0 {
						g.entries[i].facts = nil
						return broken{Journal, afterwards()}, true
					}
				}
			}
			return broken{}, false
		},
		"a group is forgotten": func(h *fleetHistory) (broken, bool) {
			for _, g := range h.groups {
				for i := range g.entries {
					if facts := g.entries[i].facts; len(facts) > 0 {
						facts[0].forgotten = []string{"all"}
						return broken{Fact, nil}, true
					}
				}
			}
			return broken{}, false
		},
		"a gap in the journal of groups": func(h *fleetHistory) (broken, bool) {
			g := h.groups[h.IntN(partitionsOfFleet)]
			if len(g.entries) < 4 {
				return broken{}, false
			}
			g.entries = slices.Delete(g.entries, 1, 2)
			return broken{Journal, afterwards()}, true
		},
		"the topic was trimmed": func(h *fleetHistory) (broken, bool) {
			q, _ := h.pick(isPartial)
			h.groups[q].in.Earliest = 7
			return broken{kind: Source}, true
		},
	}
}

// passed reports whether a watermark before a record says that a pane was sent.
func (h *fleetHistory) passed(q, i int, end event.Time) bool {
	of := h.parcel(q, i).upstream
	return slices.ContainsFunc(h.logs[q][:i], func(r SourceRecord) bool {
		one := parcelOf(r, NewFleet(h.p, partitionsOfFleet).named)
		return one.kind == isWatermark && one.upstream == of && one.mark >= end
	})
}

// sessionMutations break what a partial for a session window tells beside its readings.
func sessionMutations() map[string]fleetMutation {
	on := func(edit func(one *parcel)) fleetMutation {
		return func(h *fleetHistory) (broken, bool) {
			for range 100 {
				if q, i := h.pick(isPartial); h.p.Windows[windowOf(h.p, h.parcel(q, i).window)].Kind == configs.Session {
					h.rewrite(q, i, edit)
					return broken{Value, afterwards()}, true
				}
			}
			return broken{}, false
		}
	}
	return map[string]fleetMutation{
		"another first time": on(func(one *parcel) { one.first-- }),
		"another last time":  on(func(one *parcel) { one.last++ }),
	}
}
