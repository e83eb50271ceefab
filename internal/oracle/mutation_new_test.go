package oracle

// some picks one of the outputs that a mutation is about.
func (h *history) some(about func(*want) bool) (topic string, i int, found bool) {
	type at struct {
		topic string
		i     int
	}
	var all []at
	counts := map[string]int{}
	for _, w := range h.model.wants {
		if about(w) && h.alone(w.topic, counts[w.topic]) {
			all = append(all, at{w.topic, counts[w.topic]})
		}
		counts[w.topic]++
	}
	if len(all) == 0 {
		return "", 0, false
	}
	one := all[h.IntN(len(all))]
	return one.topic, one.i, true
}

// edited changes one record that a mutation is about, so that one value is wrong.
func edited(about func(*want) bool, edit func(object)) mutation {
	return func(h *history) (fault, bool) {
		topic, i, ok := h.some(about)
		if !ok {
			return fault{}, false
		}
		h.change(topic, i, edit)
		return fault{Value, h.cause(topic, i), nil}, true
	}
}

// newMutations break what only newKinds has.
func newMutations() map[string]mutation {
	merged := func(w *want) bool { return w.aggregate != nil && w.aggregate.merged }
	window := func(name string) func(*want) bool {
		return func(w *want) bool { return w.aggregate != nil && w.lane == name && !w.aggregate.merged }
	}
	restarted := func(w *want) bool { return w.restart != nil }
	all := map[string]mutation{
		"swallowed by another":   edited(merged, func(o object) { o["merged_into"] = o["end"] }),
		"swallowed with results": edited(merged, func(o object) { o["count"], o["last"] = 1, 1 }),
		"not swallowed":          edited(merged, func(o object) { delete(o, "merged_into") }),
		"end of a session":       edited(window("visit"), func(o object) { o["end"] = "2026-03-01T12:00:00.000Z" }),
		"start of a session": func(h *history) (fault, bool) {
			f, ok := edited(window("visit"), func(o object) { o["start"] = "2026-03-01T11:00:00.000Z" })(h)
			return fault{Missing, f.source, []string{Unexpected}}, ok
		},
		"late since":      edited(restarted, func(o object) { o["late_since"] = o["from"] }),
		"clock from":      edited(restarted, func(o object) { o["from"] = o["late_since"] }),
		"number of reset": edited(restarted, func(o object) { o["resets"] = 9 }),
		"a reset unsaid": func(h *history) (fault, bool) {
			return edited(func(w *want) bool {
				return w.aggregate != nil && w.aggregate.resets > 0 && w.lane != "roll" && !h.named(w, "")
			}, func(o object) { delete(o, "resets") })(h)
		},
		"a label too many": edited(func(w *want) bool { return w.alert != nil }, func(o object) { o["labels"].(object)["colour"] = "red" }),
		"another label": edited(func(w *want) bool { return w.alert != nil && w.alert.labels["site"] != "" }, func(o object) {
			o["labels"].(object)["site"] = "elsewhere"
		}),
		"another summary": edited(func(w *want) bool { return w.alert != nil && w.alert.labels["site"] != "" && w.lane == "newest" }, func(o object) {
			o["annotations"].(object)["summary"] = o["device"].(string) + " in "
		}),
		"a roster nobody has": func(h *history) (fault, bool) {
			for _, e := range h.entries[:len(h.entries)-1] {
				for i := range e.facts {
					if e.facts[i].isRoster {
						e.facts[i].roster++
						return fault{Roster, e.facts[i].position, nil}, true
					}
				}
			}
			return fault{}, false
		},
		"a roster outside of its record": func(h *history) (fault, bool) {
			e := &h.entries[len(h.entries)-2]
			e.facts = append(e.facts, fact{position: e.to + 1, isRoster: true, roster: fingerprint(h.in.Rosters[0])})
			return fault{Fact, e.to + 1, []string{Journal}}, true
		},
	}
	off := map[string]func(*want) bool{
		"median": window("visit"), "p99": window("visit"), "distinct": window("visit"), "mode": window("visit"), "stddev": window("visit"),
		"first": window("stay"), "delta": window("stay"), "rate": window("stay"), "range": window("stay"),
		"slope": window("roll"), "ewma": window("roll"), "integral": window("roll"), "variance": window("shifted"), "time_weighted_mean": window("shifted"),
	}
	for name, about := range off {
		all["wrong "+name] = edited(about, func(o object) { o[name] = o[name].(float64)*1.03 + 0.3 })
	}
	return all
}

// named reports whether an output has the name of another but for its resets.
func (h *history) named(other *want, resets string) bool {
	name, _ := other.names(&h.in)
	name.resets = resets
	for _, w := range h.model.wants {
		if of, _ := w.names(&h.in); of == name {
			return true
		}
	}
	return false
}
