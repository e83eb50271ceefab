package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// groups is what a task of groups knows beside its groups, which are its devices.
type groups struct {
	fleet *Fleet
	next  []*parcel            // those not folded yet
	marks map[int32]event.Time // the last watermark of each partition of the source
	clock event.Time           // the least of them; 0 until there is one of each
	still event.Time           // the task's clock when it moved last, or idle_after later, as often as that has passed
	late  int                  // readings
}

// heard is one partial in a window.
type heard struct {
	start   event.Time // of its pane
	samples []sample
	said    bool // in a provisional emission
}

// foldParcel takes the next record of the topic of partials.
func (t *task) foldParcel(r SourceRecord) {
	g := t.groups
	for g.next[0].record.Offset < r.Offset {
		g.next = g.next[1:]
	}
	one := g.next[0]
	switch one.kind {
	case isWatermark:
		t.report.Sent.Watermarks++
		g.marks[one.upstream] = max(g.marks[one.upstream], one.mark)
		t.closeGroups(cause{offset: r.Offset})
	case isPartial:
		t.report.Sent.Partials++
		t.report.Readings += one.readings
		t.addPartial(one)
	default:
		t.want(&want{topic: t.p.QuarantineTopic, device: string(r.Key), rejected: &rejected{reason: event.Malformed, parcel: one}})
	}
}

// closeGroups closes what the clock of the groups has passed, if it moved.
func (t *task) closeGroups(by cause) {
	g := t.groups
	if len(g.marks) < int(g.fleet.partitions) {
		return
	}
	before, least := g.clock, event.Never
	for _, m := range g.marks { // unordered: the least of them
		least = min(least, m)
	}
	if least <= before {
		return
	}
	g.clock, g.still = least, t.clock
	for _, name := range slices.Sorted(maps.Keys(t.devices)) {
		d := t.devices[name]
		d.clock = least
		t.close(d, before, by)
	}
}

// addPartial takes a partial into the windows that contain its pane.
func (t *task) addPartial(one *parcel) {
	index := slices.IndexFunc(t.p.Windows, func(w configs.Window) bool { return w.Name == t.groups.fleet.pipeline.Windows[one.window].Name })
	all := t.spans(index, one.start)
	gone := t.groups.clock - t.p.Time.AllowBackfill
	if all[len(all)-1].end <= gone {
		t.groups.late += one.readings
		t.want(&want{topic: t.p.QuarantineTopic, device: one.group, rejected: &rejected{reason: event.Late, parcel: one, pane: t.pane(index, one.start)}})
		return
	}
	if one.is == nil {
		return // said already: nothing tells what it stands for
	}
	key := t.p.Windows[index].By + "\x00" + one.group
	d := t.devices[key]
	if d == nil {
		d = newDevice(t.p, one.group)
		d.clock = t.groups.clock
		t.devices[key] = d
	}
	for _, s := range all {
		if s.end <= gone {
			continue
		}
		w := d.instance(index, s.start, s.end)
		w.samples = append(w.samples, one.is.samples...)
		w.partials = append(w.partials, heard{start: one.start, samples: one.is.samples})
		if !t.open(d, w) {
			t.emit(d, index, w, emission{final: true, cause: cause{offset: one.record.Offset}})
		}
	}
}

// standStill says what the open windows of groups hold so far, where their clock has
// not moved for as long as a device may be silent.
func (t *task) standStill() {
	if t.groups == nil || t.clock < t.groups.still+t.p.Time.IdleAfter {
		return
	}
	t.groups.still = t.clock - (t.clock-t.groups.still)%t.p.Time.IdleAfter
	for _, name := range slices.Sorted(maps.Keys(t.devices)) {
		d := t.devices[name]
		for i := range d.windows {
			for _, w := range d.windows[i] {
				if t.open(d, w) {
					t.sayNear(d, i, w)
				}
			}
		}
	}
}

// sayNear says what a window holds in panes that are not too far ahead, if any of it
// is news.
func (t *task) sayNear(d *device, index int, w *window) {
	far := t.groups.clock + t.groups.fleet.ahead()
	var near []sample
	news := false
	for i := range w.partials {
		if h := &w.partials[i]; h.start < far {
			near = append(near, h.samples...)
			news = news || !h.said
			h.said = true
		}
	}
	if !news {
		return
	}
	all := w.samples
	w.samples = near
	t.emit(d, index, w, emission{cause: cause{reason: "silence"}})
	w.samples = all
}

// labelsOf are the labels that alerts carry: those of the device, or the one that
// the group is by.
func (t *task) labelsOf(d *device, window int) labels {
	if t.groups == nil {
		return t.roster.of(d.name)
	}
	if label := t.p.Windows[window].GroupLabel(); label != "" {
		return labels{label: d.name}
	}
	return nil
}

// rejected is a record of the topic of partials that no window took.
type rejected struct {
	reason event.Reason // late or malformed
	parcel *parcel
	pane   span // where it is late
}

func (r *rejected) describe() string {
	if r.reason != event.Late {
		return "a " + string(r.reason) + " partial"
	}
	return fmt.Sprintf("a late partial of %d readings of device %q in [%s, %s)", r.parcel.readings, r.parcel.device, written(r.pane.start), written(r.pane.end))
}

func (r *rejected) agree(in *Input, a *agreement, f found) {
	n, source := &f.body, f.body.field("source")
	a.text(n, "pipeline", in.Pipeline.Name)
	a.text(n, "reason", string(r.reason))
	a.text(source, "topic", in.Pipeline.PartialsTopic)
	a.whole(source, "partition", int64(in.Partition))
	a.whole(source, "offset", r.parcel.record.Offset)
	if r.reason != event.Late {
		return
	}
	if string(f.record.Key) != r.parcel.group {
		a.differ("key", strconv.Quote(r.parcel.group), strconv.Quote(string(f.record.Key)))
	}
	c := &in.Pipeline.Windows[r.pane.window]
	a.text(n, "group", r.parcel.group)
	a.text(n, "by", c.By)
	a.text(n, "window", c.Name)
	a.text(n, "device", r.parcel.device)
	a.whole(n, "upstream_partition", int64(r.parcel.upstream))
	a.text(n, "start", written(r.pane.start))
	a.text(n, "end", written(r.pane.end))
	a.whole(n, "readings", int64(r.parcel.readings))
}

// owner is the device or the group that a record is about.
func owner(body *node) string {
	if group := body.field("group"); group.there() {
		return text(group)
	}
	return text(body.field("device"))
}

// by says over which devices the window of an output is; empty for each by itself.
func (w *want) by(p *configs.Pipeline) string {
	switch {
	case w.aggregate != nil:
		return p.Windows[w.aggregate.window].By
	case w.alert != nil && p.Rules[w.alert.rule].When.Window >= 0:
		return p.Windows[p.Rules[w.alert.rule].When.Window].By
	}
	return ""
}

// agreeOwner compares whose output a record is.
func (w *want) agreeOwner(p *configs.Pipeline, a *agreement, n *node) {
	if by := w.by(p); by != "" {
		a.text(n, "group", w.device)
		a.text(n, "by", by)
		a.absent(n, "device")
		return
	}
	a.text(n, "device", w.device)
	a.absent(n, "group")
	a.absent(n, "by")
}

// ofGroups reports whether a record is one that tasks of groups write.
func (in *Input) ofGroups(f found) bool {
	p := in.Pipeline
	if !p.Grouped() {
		return false
	}
	if f.topic == p.Group+".groups.quarantine" || f.topic == p.QuarantineTopic && in.groups != nil || f.body.field("group").there() {
		return true
	}
	for _, name := range []string{"cause", "source"} {
		if text(sub(f.body.field(name), "topic")) == p.PartialsTopic {
			return true
		}
	}
	return false
}
