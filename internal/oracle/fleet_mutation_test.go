package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// In a fleet in which all is well there is nothing to say, and no reading is lost.
func TestFleetsAreVerified(t *testing.T) {
	p := fleetPipeline(t)
	var sum Sent
	late, provisional, revised, merged, ended := 0, 0, 0, 0, 0
	for seed := range uint64(40) {
		h := newFleetHistory(p, seed, 120)
		for i, r := range h.check() {
			require.Empty(t, r.Differences, "seed %d, report %d\n%s", seed, i, r)
			require.Equal(t, r.Sent.Gathered, r.Sent.InPartials+r.Sent.Ungrouped+r.Sent.Unsent)
			sum.Ungrouped += r.Sent.Ungrouped
			sum.Unsent += r.Sent.Unsent
			late += r.Sent.Late
		}
		for _, g := range h.groups {
			for _, w := range g.model.wants {
				if w.aggregate != nil && !w.aggregate.final {
					provisional++
				}
				if w.aggregate != nil && w.aggregate.final && w.aggregate.revision > 2 {
					revised++
				}
				if w.aggregate != nil && w.aggregate.merged {
					merged++
				}
				if w.alert != nil && w.alert.cause.reason == "forgotten" {
					ended++
				}
			}
		}
	}
	for _, n := range []int{sum.Ungrouped, late, provisional, revised, merged, ended} {
		assert.Positive(t, n)
	}
}

// broken is what was done to a fleet and what must be said about it.
type broken struct {
	kind   string
	others []string
}

// fleetMutation breaks a fleet; ok is false where it finds nothing to break.
type fleetMutation func(h *fleetHistory) (b broken, ok bool)

// afterwards are the differences that follow from a partial that is not what it was.
func afterwards(more ...string) []string {
	return append(more, Missing, Unexpected, Value, Order, Repeated, Conservation, Sequence, ID, Watermark, Journal)
}

// pick finds a record of the topic of partials.
func (h *fleetHistory) pick(kind byte) (q, i int) {
	for range 1000 {
		q = h.IntN(partitionsOfFleet)
		if len(h.logs[q]) == 0 {
			continue
		}
		if i = h.IntN(len(h.logs[q])); h.parcel(q, i).kind == kind {
			return q, i
		}
	}
	panic("none in the topic")
}

func (h *fleetHistory) parcel(q, i int) *parcel {
	one := parcelOf(h.logs[q][i], NewFleet(h.p, partitionsOfFleet).named)
	if one.kind == isPartial {
		one.timed(&h.p.Windows[windowOf(h.p, one.window)])
	}
	return one
}

// forward puts a record in front of earlier ones, each of which takes the place
// behind it. Places keep their offsets and append times.
func (h *fleetHistory) forward(q, from, to int) {
	log := h.logs[q]
	for i := from; i > to; i-- {
		log[i].Key, log[i-1].Key = log[i-1].Key, log[i].Key
		log[i].Value, log[i-1].Value = log[i-1].Value, log[i].Value
	}
}

func (h *fleetHistory) rewrite(q, i int, edit func(*parcel)) {
	one := h.parcel(q, i)
	edit(one)
	r := &h.logs[q][i]
	if one.kind == isWatermark {
		r.Value = appendWatermark(one.upstream, one.partitions, one.mark)
		return
	}
	r.Key = []byte(one.group)
	r.Value = appendPartial(&h.p.Windows[windowOf(h.p, one.window)], one)
}

func onPartials(kind string, edit func(h *fleetHistory, one *parcel)) fleetMutation {
	return func(h *fleetHistory) (broken, bool) {
		q, i := h.pick(isPartial)
		h.rewrite(q, i, func(one *parcel) { edit(h, one) })
		return broken{kind, afterwards()}, true
	}
}

// ofGroups picks an output of groups.
func (h *fleetHistory) ofGroups(about func(*want) bool) (topic string, r *OutputRecord, ok bool) {
	type at struct {
		q, i  int
		topic string
	}
	var all []at
	for q, g := range h.groups {
		counts := map[string]int{}
		for topic, records := range render(&h.tasks[q].in, h.tasks[q].model.wants) {
			counts[topic] = len(records)
		}
		for _, w := range g.model.wants {
			if about(w) {
				all = append(all, at{q, counts[w.topic], w.topic})
			}
			counts[w.topic]++
		}
	}
	if len(all) == 0 {
		return "", nil, false
	}
	one := all[h.IntN(len(all))]
	return one.topic, &h.groups[one.q].in.Outputs[one.topic][one.i], true
}

func onOutputs(kind string, about func(*want) bool, edit func(o object)) fleetMutation {
	return func(h *fleetHistory) (broken, bool) {
		_, r, ok := h.ofGroups(about)
		if !ok {
			return broken{}, false
		}
		var o object
		if err := json.Unmarshal(r.Value, &o); err != nil {
			panic(err)
		}
		edit(o)
		r.Value = encode(o)
		return broken{kind: kind}, true
	}
}

func fleetMutations() map[string]fleetMutation {
	window := func(name string) func(*want) bool {
		return func(w *want) bool { return w.aggregate != nil && w.lane == name }
	}
	alerted := func(w *want) bool { return w.alert != nil && w.lane == "fleet" }
	late := func(w *want) bool { return w.rejected != nil }
	merged := func(w *want) bool { return w.aggregate != nil && w.aggregate.merged }
	forgotten := func(w *want) bool { return w.alert != nil && w.alert.cause.reason == "forgotten" }
	area := func(v any) any {
		if v == nil {
			return 1
		}
		return v.(float64) + 0.01
	}
	all := map[string]fleetMutation{
		"a reading more":     onPartials(Value, func(_ *fleetHistory, one *parcel) { one.readings++ }),
		"another start":      onPartials(Unexpected, func(_ *fleetHistory, one *parcel) { one.start -= 3_600_000 }),
		"another device":     onPartials(Unexpected, func(_ *fleetHistory, one *parcel) { one.device = "stranger" }),
		"another group":      onPartials(Value, func(_ *fleetHistory, one *parcel) { one.group = "elsewhere" }),
		"another upstream":   onPartials(Missing, func(_ *fleetHistory, one *parcel) { one.upstream = 1 - one.upstream }),
		"another window":     onPartials(Unexpected, func(h *fleetHistory, one *parcel) { one.window = h.p.Windows[windowOf(h.p, one.window)%3+1].Name }),
		"a wrong area":       onOutputs(Value, window("visit"), func(o object) { o["integral"] = area(o["integral"]) }),
		"a wrong mean":       onOutputs(Value, window("glide"), func(o object) { o["time_weighted_mean"] = o["time_weighted_mean"].(float64) + 0.01 }),
		"not counted":        onOutputs(Value, window("each"), func(o object) { o["count"] = o["count"].(float64) - 1 }),
		"of other readings":  onOutputs(Value, window("newest"), func(o object) { o["mean"] = o["mean"].(float64) + 1 }),
		"merged elsewhere":   onOutputs(Value, merged, func(o object) { o["merged_into"] = o["end"] }),
		"forgotten later":    onOutputs(Value, forgotten, func(o object) { o["endsAt"] = "2026-03-01T18:00:00.000Z" }),
		"a wrong value":      onOutputs(Value, window("fleet"), func(o object) { o["sum"] = o["sum"].(float64) + 0.1 }),
		"a wrong delta":      onOutputs(Value, window("site"), func(o object) { o["delta"] = o["delta"].(float64) + 1000 }),
		"a wrong ewma":       onOutputs(Value, window("fleet"), func(o object) { o["ewma"] = o["ewma"].(float64) + 0.01 }),
		"a wrong revision":   onOutputs(Value, window("fleet"), func(o object) { o["revision"] = 99 }),
		"final or not":       onOutputs(Value, window("site"), func(o object) { o["final"] = !o["final"].(bool) }),
		"by something else":  onOutputs(Value, window("site"), func(o object) { o["by"] = "all" }),
		"a device, too":      onOutputs(Value, window("site"), func(o object) { o["device"] = "d1" }),
		"a label too many":   onOutputs(Value, alerted, func(o object) { o["labels"].(object)["site"] = "hall" }),
		"another cause":      onOutputs(Value, alerted, func(o object) { o["cause"].(object)["topic"] = "readings" }),
		"another id":         onOutputs(ID, alerted, func(o object) { o["id"] = "xx" + o["id"].(string)[2:] }),
		"late: fewer":        onOutputs(Value, late, func(o object) { o["readings"] = 77 }),
		"late: of another":   onOutputs(Value, late, func(o object) { o["device"] = "d7" }),
		"late: another pane": onOutputs(Value, late, func(o object) { o["end"] = o["start"] }),
		"another key": func(h *fleetHistory) (broken, bool) {
			_, r, ok := h.ofGroups(window("fleet"))
			if ok {
				r.Key = []byte("hall")
			}
			return broken{kind: Value}, ok
		},
		"a number left out": func(h *fleetHistory) (broken, bool) {
			_, r, ok := h.ofGroups(func(w *want) bool { return w.alert != nil })
			if ok {
				n, _ := strconv.Atoi(r.Seq)
				r.Seq = strconv.Itoa(n + 1)
			}
			return broken{kind: Sequence}, ok
		},
	}
	for name, about := range map[string]func(*want) bool{
		"result": window("fleet"), "late one": late, "alert": alerted, "change": window("told"), "count": window("newest"), "merger": merged, "last word": forgotten,
	} {
		all["a "+name+" is missing"] = func(h *fleetHistory) (broken, bool) {
			topic, r, ok := h.ofGroups(about)
			if !ok {
				return broken{}, false
			}
			for _, g := range h.groups {
				g.in.Outputs[topic] = slices.DeleteFunc(g.in.Outputs[topic], func(o OutputRecord) bool { return &o == r || string(o.Value) == string(r.Value) })
			}
			return broken{Missing, []string{Sequence}}, true
		}
		all["a "+name+" is there twice"] = func(h *fleetHistory) (broken, bool) {
			topic, r, ok := h.ofGroups(about)
			if !ok {
				return broken{}, false
			}
			for _, g := range h.groups {
				if slices.ContainsFunc(g.in.Outputs[topic], func(o OutputRecord) bool { return string(o.Value) == string(r.Value) }) {
					g.in.Outputs[topic] = append(g.in.Outputs[topic], *r)
					break
				}
			}
			return broken{Repeated, []string{Sequence}}, true
		}
	}
	maps.Copy(all, topicMutations())
	maps.Copy(all, sessionMutations())
	return all
}

// Whatever is wrong with a fleet is found.
func TestFleetMutationsAreFound(t *testing.T) {
	p := fleetPipeline(t)
	all := fleetMutations()
	names := slices.Sorted(maps.Keys(all))
	times := map[string]int{}
	for seed := uint64(0); len(names) > 0; seed++ {
		require.Less(t, seed, uint64(400), "nothing to break for %v", names)
		whole := newFleetHistory(p, seed, 120)
		for _, name := range names {
			h := whole.copied(seed)
			b, ok := all[name](h)
			if !ok {
				continue
			}
			times[name]++
			h.journals()
			var kinds []string
			text := ""
			for _, r := range h.check() {
				for _, d := range r.Differences {
					kinds = append(kinds, d.Kind)
				}
				text += r.String()
			}
			require.Contains(t, kinds, b.kind, "%s, seed %d:\n%s", name, seed, text)
			for _, kind := range kinds {
				require.Contains(t, append(b.others, b.kind), kind, "%s, seed %d:\n%s", name, seed, text)
			}
		}
		names = slices.DeleteFunc(names, func(name string) bool { return times[name] == 8 })
	}
}

// A difference of a group names the group.
func TestDifferencesNameGroups(t *testing.T) {
	d := Difference{Kind: Missing, Group: "hall", Source: 3, Output: -1, Text: "none"}
	assert.Equal(t, `partition 0: missing, source offset 3, group "hall": none`, fmt.Sprint(d))
}

// A silence that a recovered task noticed late may be overtaken only where the device
// had got too far behind to be waited for by then.
func TestLateSilenceIsOvertakenOnlyFarBehind(t *testing.T) {
	const end = event.Time(1_772_366_405_000)
	for _, c := range []struct {
		silence bool
		newest  event.Time
		found   int
	}{{true, end + farBehind, 0}, {true, end + farBehind - 1, 1}, {false, end + 2*farBehind, 1}} {
		h := newFleetHistory(fleetPipeline(t), 1, 1)
		d := h.tasks[0].model
		d.report, d.whole = &Report{}, true
		d.parts.newest, d.parts.marks = c.newest, []mark{{9, end + 100}}
		is := &partial{window: &h.p.Windows[1], end: end, device: "d0", start: end - 5_000, silence: c.silence, step: 5, last: end - 1}
		m := &matching{Fleet: h.fleet(), t: d, found: map[int32][]event.Time{}}
		m.watermarks([]*parcel{
			{kind: isWatermark, partitions: partitionsOfFleet, mark: end + 1},
			{kind: isPartial, window: h.p.Windows[1].Name, device: "d0", start: end - 5_000, is: is},
		})
		overtaken := slices.DeleteFunc(d.report.Differences, func(f Difference) bool { return f.Device == "" })
		require.Len(t, overtaken, c.found, "%+v: %v", c, d.report)
	}
}
