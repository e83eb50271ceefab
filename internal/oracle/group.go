package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

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
	parts int                  // partials that came into windows, or will
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
		t.settle()
	default:
		t.putAside(one)
	}
}

// putAside expects a record of the topic of partials in quarantine that is for no window of the file in force.
func (t *task) putAside(one *parcel) {
	t.want(&want{topic: t.p.QuarantineTopic, device: string(one.record.Key), rejected: &rejected{reason: event.Malformed, parcel: one}})
}

// closeGroups closes what the clock of the groups has passed, if it moved. What was
// too far ahead comes before that: into windows that are open still.
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
	for _, key := range slices.Sorted(maps.Keys(t.devices)) {
		d := t.devices[key]
		t.comeNear(d, addition{before: before, cause: by})
		d.clock = least
		t.close(d, before, by)
		t.settle()
		if least >= t.forgottenAt(d) {
			t.end(d, cause{reason: "forgotten"})
		}
	}
}

// comeNear takes what a group has kept of panes that are not too far ahead any more
// into their windows, pane by pane.
func (t *task) comeNear(d *device, a addition) {
	far := t.groups.clock + t.ahead()
	slices.SortFunc(d.far, func(a, b *pane) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.window, b.window)) })
	for len(d.far) > 0 && d.far[0].start < far {
		t.addPane(d, d.far[0], a)
		d.far = d.far[1:]
	}
}

// forgottenAt is where the clock of groups has to come for a group to be forgotten:
// then all that could come for its panes would be late.
func (t *task) forgottenAt(d *device) event.Time {
	by, longest := t.byOf(d), event.Time(0)
	for i := range t.p.Windows {
		switch c := &t.p.Windows[i]; {
		case c.By != by || c.Kind == configs.Count:
		case c.Kind == configs.Session:
			longest = max(longest, c.Gap+paneLength(c))
		default:
			longest = max(longest, c.Size)
		}
	}
	return d.until + longest + t.p.Time.AllowBackfill + t.p.State.ForgetAfter
}

// keyOf is what a group is found by: the same text may be that of two labels.
func keyOf(by, group string) string { return by + "\x00" + group }

// byOf is what the devices of a group have in common.
func (t *task) byOf(d *device) string { return strings.TrimSuffix(d.key, "\x00"+d.name) }

// addPartial takes a partial into the windows that contain its pane.
func (t *task) addPartial(one *parcel) {
	g := t.groups
	index := windowOf(t.p, one.window)
	if index < 0 || !g.fleet.fits(one, &t.p.Windows[index]) {
		t.putAside(one) // it was sent for a window that another file has, or had
		return
	}
	one.timed(&t.p.Windows[index])
	key := keyOf(t.p.Windows[index].By, one.group)
	d := t.devices[key]
	if d == nil {
		d = newDevice(t.p, one.group)
		d.key, d.clock = key, g.clock
	}
	of := t.pane(index, one.start)
	if t.lateForGroup(d, index, one) {
		g.late += one.readings
		t.want(&want{topic: t.p.QuarantineTopic, device: one.group, rejected: &rejected{reason: event.Late, parcel: one, pane: of}})
		return
	}
	t.devices[key] = d
	d.until = max(d.until, of.end)
	if one.is == nil {
		return // said already: nothing tells what it stands for
	}
	g.parts++
	p := &pane{span: of, samples: slices.Clone(one.is.samples)}
	for i := range p.samples {
		p.samples[i].part = g.parts
	}
	by := cause{offset: one.record.Offset}
	switch {
	case t.p.Windows[index].Kind == configs.Count:
		for _, s := range p.samples {
			t.addToCount(d, index, s, by)
		}
	case of.start < g.clock+t.ahead():
		t.addPane(d, p, addition{before: g.clock, cause: by})
	default:
		d.keep(p)
	}
}

// lateForGroup reports whether a partial finds no window any more.
func (t *task) lateForGroup(d *device, index int, one *parcel) bool {
	switch t.p.Windows[index].Kind {
	case configs.Count:
		return false
	case configs.Session:
		return t.goneForSessions(d, index, arrival{first: one.first, last: one.last}, t.groups.clock)
	}
	all := t.spans(index, one.start)
	return all[len(all)-1].end <= t.gone(index, t.groups.clock)
}

// keep puts what came for a pane that is too far ahead to what is there of it.
func (d *device) keep(p *pane) {
	at := slices.IndexFunc(d.far, func(o *pane) bool { return o.span == p.span })
	if at < 0 {
		d.far = append(d.far, p)
		return
	}
	d.far[at].samples = append(d.far[at].samples, p.samples...)
}

// addPane takes the readings of one pane into its windows.
func (t *task) addPane(d *device, p *pane, a addition) {
	r := arrival{samples: p.samples}
	r.first, r.last = extremes(p.samples)
	if t.p.Windows[p.window].Kind == configs.Session {
		t.addToSessions(d, p.window, r, a)
		return
	}
	t.addToSpans(d, p.window, r, a)
}

// standStill says what the open windows of groups hold so far, where their clock has
// not moved for as long as a device may be silent.
func (t *task) standStill() {
	if t.groups == nil || t.clock < t.groups.still+t.p.Time.IdleAfter {
		return
	}
	t.groups.still = t.clock - (t.clock-t.groups.still)%t.p.Time.IdleAfter
	for _, key := range slices.Sorted(maps.Keys(t.devices)) {
		t.sayNews(t.devices[key])
		t.settle()
	}
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
	case w.alert != nil && p.Rules[w.alert.rule].Window() >= 0:
		return p.Windows[p.Rules[w.alert.rule].Window()].By
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
	if !slices.ContainsFunc(in.files(), (*configs.Pipeline).Grouped) {
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
