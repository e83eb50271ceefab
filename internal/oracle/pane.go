package oracle

import (
	"cmp"
	"slices"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// pane is what a device has gathered for a window over several and not sent yet.
type pane struct {
	span
	samples []sample
}

// partial is one pane's readings as a device must have sent them.
type partial struct {
	window  *configs.Window // as the file in force had it
	end     event.Time      // of the pane
	device  string
	group   string
	start   event.Time
	samples []sample
	silence bool // sent because the device fell silent
	step    int
	source  int64
	last    event.Time // the watermark in force before
}

// parts are what the devices of a partition gather for windows over several.
type parts struct {
	sent   []*partial
	tally  Sent
	unsent []due // panes by their end, ascending

	newest  event.Time // the greatest clock of the devices that feed such windows
	marks   []mark     // the watermarks that may be in force at most, ascending
	silence bool       // a device is falling silent
}

// gathers reports whether this is a task of devices whose file has windows over several.
func (t *task) gathers() bool { return t.parts != nil && t.p.Grouped() }

// due counts the panes that end at a time.
type due struct {
	end   event.Time
	panes int
}

// mark is how far a watermark may be behind a step.
type mark struct {
	step int
	time event.Time
}

// pane is the one of a window over several devices that contains a time. What a count
// window takes is as good as in a pane of its own, of a millisecond.
func (t *task) pane(index int, at event.Time) span {
	c := &t.p.Windows[index]
	if c.Location != nil {
		return t.spans(index, at)[0]
	}
	length := paneLength(c)
	start := floor(at-c.Offset, length) + c.Offset
	return span{index, start, start + length}
}

// paneLength is how long the panes are, but those of calendar days: as long as windows
// allow that begin every so often; of sessions so long that no two readings of one are
// a gap apart.
func paneLength(c *configs.Window) event.Time {
	switch c.Kind {
	case configs.Session:
		return max(1, c.Gap/4)
	case configs.Count:
		return 1
	}
	return divisor(c.Size, c.Every)
}

// divisor is the greatest common one.
func divisor(a, b event.Time) event.Time {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// addToPane takes a reading into its pane, unless that is gone. A pane whose time
// has come already is sent at once, and so is each reading where every one is said.
func (t *task) addToPane(d *device, index int, s sample, a addition) {
	c := &t.p.Windows[index]
	if c.Kind == configs.Count {
		s.time = min(s.time, a.appended)
	}
	of := t.pane(index, s.time)
	d.feeds = true
	t.parts.lead(d)
	if c.Kind != configs.Count && of.end <= t.gone(index, a.before) {
		return
	}
	s.of = d.name
	t.parts.tally.Gathered++
	t.parts.tally.Unsent++
	if c.Kind == configs.Count || c.Emit.On == "change" {
		t.parts.await(of.end, 1)
		t.send(d, &pane{of, []sample{s}}) // by itself, though a former file may have left something in that pane
		return
	}
	at := slices.IndexFunc(d.panes, func(p *pane) bool { return p.span == of })
	if at < 0 {
		at = len(d.panes)
		d.panes = append(d.panes, &pane{span: of})
		t.parts.await(of.end, 1)
	}
	d.panes[at].samples = append(d.panes[at].samples, s)
	t.sendPanes(d, d.clock-t.p.Time.WaitForLate)
}

// sendPanes sends what a device holds in panes that end at or before a time.
func (t *task) sendPanes(d *device, until event.Time) {
	var kept []*pane
	slices.SortStableFunc(d.panes, func(a, b *pane) int { return cmp.Or(cmp.Compare(a.window, b.window), cmp.Compare(a.start, b.start)) })
	for _, p := range d.panes {
		if p.end > until {
			kept = append(kept, p)
			continue
		}
		t.send(d, p)
	}
	d.panes = kept
}

// send sends a pane to the group that the device is in now.
func (t *task) send(d *device, p *pane) {
	t.parts.await(p.end, -1)
	t.parts.tally.Unsent -= len(p.samples)
	group, ok := t.groupOf(&t.p.Windows[p.window], d.name)
	if !ok {
		t.parts.tally.Ungrouped += len(p.samples)
		return
	}
	t.parts.sent = append(t.parts.sent, &partial{
		window: &t.p.Windows[p.window], end: p.end, device: d.name, group: group, start: p.start, samples: p.samples, silence: t.parts.silence, step: t.step, source: t.source, last: t.parts.watermark(),
	})
}

// longestGroup is how long the name of a group may be, in bytes.
const longestGroup = 512

// groupOf is the group that a device is in by the roster in force.
func (t *task) groupOf(c *configs.Window, device string) (group string, ok bool) {
	label := c.GroupLabel()
	if label == "" {
		return configs.GroupAll, true
	}
	group = t.roster.of(device)[label]
	return group, group != "" && len(group) <= longestGroup
}

// await counts panes that are not sent yet.
func (p *parts) await(end event.Time, panes int) {
	at, known := slices.BinarySearchFunc(p.unsent, end, func(d due, end event.Time) int { return cmp.Compare(d.end, end) })
	if !known {
		p.unsent = slices.Insert(p.unsent, at, due{end: end})
	}
	if p.unsent[at].panes += panes; p.unsent[at].panes == 0 {
		p.unsent = slices.Delete(p.unsent, at, at+1)
	}
}

// farBehind is how far a device may be behind the foremost one of its partition and
// still be waited for, at least.
const farBehind = event.Time(3_600_000)

// lead notes how far the foremost device is.
func (p *parts) lead(d *device) {
	if d.feeds {
		p.newest = max(p.newest, d.clock)
	}
}

// mark moves the watermark, behind a record and behind wall time.
func (t *task) mark() {
	if !t.gathers() {
		return
	}
	if to := t.reach(t.parts.watermark()); to > t.parts.watermark() {
		t.parts.marks = append(t.parts.marks, mark{t.step, to})
	}
}

// reach is how far the watermark can go now from where it is. The farther that is,
// the fewer panes it has to wait for.
func (t *task) reach(now event.Time) event.Time {
	p, to := t.parts, t.clock-t.p.Time.WaitForLate
	at, _ := slices.BinarySearchFunc(p.unsent, now+1, func(d due, end event.Time) int { return cmp.Compare(d.end, end) })
	if at < len(p.unsent) {
		to = min(to, max(p.unsent[at].end-1, t.patience()))
	}
	return to
}

// patience is how far a device may be, at least, and still be waited for.
func (t *task) patience() event.Time {
	return t.parts.newest - max(farBehind, t.p.Time.IdleAfter+t.p.Time.WaitForLate)
}

// tooFarBehind reports whether nothing waits for a pane in the end.
func (t *task) tooFarBehind(end event.Time) bool { return end-1 < t.patience() }

// watermark is how far it may be now.
func (p *parts) watermark() event.Time {
	if len(p.marks) == 0 {
		return 0
	}
	return p.marks[len(p.marks)-1].time
}
