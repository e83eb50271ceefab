package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// matching is the comparison of what the devices of one partition of the source must
// have sent with what lies in the topic of partials.
//
// A task that was just recovered may notice late that a device is silent: when it
// hears of it again, or has caught up. The device's panes are sent then, and the
// watermark waits for them, unless they have got too far behind by then. So the moment of such a partial is not known, and of a
// watermark only how far it may be.
type matching struct {
	*Fleet
	t      *task
	due    map[sending][]*partial
	strays []*parcel
	found  map[int32][]event.Time // by partition of the topic: the watermarks
	step   map[string]int         // by device, of its newest partial in the partition at work
}

// match tells each partial which readings it stands for, and says what is not as it
// must be.
func (f *Fleet) match(t *task) {
	if t.parts == nil {
		t.parts = &parts{} // no file of this partition had windows over several devices
	}
	if f.trimmed {
		t.report.add(Difference{
			Kind: Source, Topic: f.parts[0].PartialsTopic, Source: -1, Output: -1,
			Text: "the topic of partials does not begin with its first record any more: its retention is too short to verify",
		})
		return
	}
	m := &matching{Fleet: f, t: t, due: map[sending][]*partial{}, found: map[int32][]event.Time{}}
	for _, p := range t.parts.sent {
		m.due[p.sending()] = append(m.due[p.sending()], p)
	}
	t.report.Sent = t.parts.tally
	for q := range f.partitions {
		var all []*parcel
		for _, one := range f.logs[q] {
			if one.kind != 0 && one.upstream == t.in.Partition {
				all = append(all, one)
			}
		}
		m.partials(all)
		m.watermarks(all)
	}
	m.joinStrays()
	m.missing()
	m.told()
	m.conserved()
}

func (m *matching) add(one *parcel, d Difference) {
	d.Topic = m.parts[0].PartialsTopic
	d.Output = -1
	if one != nil {
		d.Output, d.Device = one.record.Offset, one.device
		d.Text += fmt.Sprintf(" (in partition %d of the topic)", one.lies)
	}
	m.t.report.add(d)
}

func (m *matching) describe(p *partial) string {
	return fmt.Sprintf("partial of window %s, pane %s, group %q, %d readings", p.window.Name, written(p.start), p.group, len(p.samples))
}

// partials goes through those of one partition of the topic.
func (m *matching) partials(all []*parcel) {
	m.step = map[string]int{}
	newest := 0
	for _, one := range all {
		if one.kind == isPartial {
			newest = m.partial(one, newest)
		}
	}
}

// partial finds what a partial was sent as, and returns the newest step so far.
func (m *matching) partial(one *parcel, newest int) int {
	m.t.report.Sent.Partials++
	m.t.report.Sent.InPartials += one.readings
	if q := partitionOf("murmur2", one.group, m.partitions); q != one.lies {
		m.add(one, Difference{Kind: Value, Source: -1, Text: fmt.Sprintf("the partial of group %q must lie in partition %d", one.group, q)})
	}
	key := one.sending()
	if len(m.due[key]) == 0 {
		m.strays = append(m.strays, one)
		return newest
	}
	is := m.due[key][0]
	one.is, m.due[key] = is, m.due[key][1:]
	one.timed(is.window)
	if problem := m.shaped(one, is.window); problem != "" {
		m.add(one, Difference{Kind: Value, Source: -1, Text: problem})
	}
	if n := len(is.samples); n != one.readings {
		m.add(one, Difference{Kind: Value, Source: is.source, Text: m.describe(is) + fmt.Sprintf(": expected %d readings, found %d", n, one.readings)})
	}
	if is.window.Kind == configs.Session {
		if first, last := extremes(is.samples); one.first != first || one.last != last {
			m.add(one, Difference{Kind: Value, Source: is.source, Text: m.describe(is) + fmt.Sprintf(": expected readings from %s to %s, found %s to %s",
				written(first), written(last), written(one.first), written(one.last))})
		}
	}
	if is.step < m.step[is.device] || is.step < newest && !is.silence {
		m.add(one, Difference{Kind: Order, Source: is.source, Text: "found behind a later one: " + m.describe(is)})
	}
	m.step[is.device] = max(m.step[is.device], is.step)
	return max(newest, is.step)
}

// joinStrays takes a partial that nothing has the name of for one of the same pane,
// which has gone to another group.
func (m *matching) joinStrays() {
	for _, one := range m.strays {
		keys := slices.SortedFunc(maps.Keys(m.due), compareSendings)
		at := slices.IndexFunc(keys, func(k sending) bool {
			return k.window == one.window && k.device == one.device && k.start == one.start && len(m.due[k]) > 0
		})
		if at < 0 {
			m.add(one, Difference{Kind: Unexpected, Source: -1, Text: fmt.Sprintf("found a partial that nothing explains: window %s, pane %s, group %q, %d readings",
				one.window, written(one.start), one.group, one.readings)})
			continue
		}
		p := m.due[keys[at]][0]
		m.due[keys[at]] = m.due[keys[at]][1:]
		one.is = p
		m.add(one, Difference{Kind: Value, Source: p.source, Text: m.describe(p) + fmt.Sprintf(": expected group %q, found %q", p.group, one.group)})
	}
}

func compareSendings(a, b sending) int {
	return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.window, b.window), cmp.Compare(a.start, b.start), cmp.Compare(a.group, b.group))
}

// missing says which partials are not there.
func (m *matching) missing() {
	for _, p := range m.t.parts.sent {
		if slices.Contains(m.due[p.sending()], p) {
			m.add(nil, Difference{Kind: Missing, Device: p.device, Source: p.source, Text: "expected " + m.describe(p) + ", found nothing"})
		}
	}
}

// watermarks checks those of one partition of the topic against the partials before
// and behind them.
func (m *matching) watermarks(all []*parcel) {
	most := m.most(all)
	last := event.Time(0)
	for i, one := range all {
		if one.kind == isPartial {
			if is := one.is; is != nil && m.t.whole && is.window.Kind != configs.Count && last >= is.end && is.last < is.end && !(is.silence && m.t.tooFarBehind(is.end)) {
				m.add(one, Difference{Kind: Watermark, Source: is.source, Text: fmt.Sprintf("the watermark before it, %s, says that the pane that ends at %s was sent", written(last), written(is.end))})
			}
			continue
		}
		m.t.report.Sent.Watermarks++
		m.found[one.lies] = append(m.found[one.lies], one.mark)
		switch {
		case one.partitions != m.partitions:
			m.add(one, Difference{Kind: Watermark, Source: -1, Text: fmt.Sprintf("the watermark speaks of %d partitions of the source, which has %d", one.partitions, m.partitions)})
		case one.mark < last:
			m.add(one, Difference{Kind: Watermark, Source: -1, Text: fmt.Sprintf("the watermark falls from %s to %s", written(last), written(one.mark))})
		case m.t.whole && one.mark > most[i]:
			m.add(one, Difference{Kind: Watermark, Source: -1, Text: fmt.Sprintf("the watermark is %s, and must not be beyond %s there", written(one.mark), written(most[i]))})
		}
		last = max(last, one.mark)
	}
}

// most is, by place in a partition of the topic, how far a watermark may be there:
// as far as before the next partial whose moment is known.
func (m *matching) most(all []*parcel) []event.Time {
	marks := m.t.parts.marks
	most := make([]event.Time, len(all))
	bound := m.t.parts.watermark()
	for i := len(all) - 1; i >= 0; i-- {
		most[i] = bound
		if is := all[i].is; is == nil || is.silence {
			continue
		}
		at, _ := slices.BinarySearchFunc(marks, all[i].is.step, func(k mark, step int) int { return cmp.Compare(k.step, step) })
		bound = 0
		if at > 0 {
			bound = marks[at-1].time
		}
	}
	return most
}

// told checks that each partition of the topic has heard the same, and the last that
// there was to say.
func (m *matching) told() {
	for q := range m.partitions {
		if !slices.Equal(m.found[q], m.found[0]) {
			m.add(nil, Difference{Kind: Watermark, Source: -1, Text: fmt.Sprintf("partition %d of the topic has %d watermarks of this partition of the source, and they are not the %d of partition 0",
				q, len(m.found[q]), len(m.found[0]))})
		}
	}
	last := event.Time(0)
	if n := len(m.found[0]); n > 0 {
		last = m.found[0][n-1]
	}
	if now := m.t.reach(last); m.t.whole && m.t.gathers() && now-last >= m.stride() {
		m.add(nil, Difference{Kind: Watermark, Source: -1, Text: fmt.Sprintf("the last watermark sent is %s, and it has come to %s", written(last), written(now))})
	}
}

// stride is how far the watermark may move without being sent.
func (m *matching) stride() event.Time {
	shortest := event.Never
	for i := range m.t.p.Windows {
		switch c := &m.t.p.Windows[i]; {
		case !c.Grouped() || c.Kind == configs.Count:
		case c.Location != nil:
			shortest = min(shortest, 86_400_000)
		default:
			shortest = min(shortest, paneLength(c))
		}
	}
	if shortest == event.Never {
		return 1000 // there are only count windows, which have no panes
	}
	return max(1000, shortest/10)
}

// conserved checks that no reading was lost or counted twice on its way.
func (m *matching) conserved() {
	s := &m.t.report.Sent
	if lost := s.Gathered - s.InPartials - s.Ungrouped - s.Unsent - s.Dropped; lost != 0 {
		m.add(nil, Difference{Kind: Conservation, Source: -1, Text: fmt.Sprintf("devices gathered %d readings: %d are in partials, %d are of devices in no group, %d not sent yet and %d gone with their window, which leaves %d",
			s.Gathered, s.InPartials, s.Ungrouped, s.Unsent, s.Dropped, lost)})
	}
}
