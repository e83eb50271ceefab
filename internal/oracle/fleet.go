package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// Fleet is what the devices of all partitions sent for windows over several, and
// checks what their groups made of it.
//
//	each partition of the partials:  Add ──┐
//	each partition of the source: Check ◀──┴──▶ which readings each partial stands for
//	each partition of the partials: Fleet.Check ◀──┘
//
// It keeps the readings of all windows over several devices in memory.
type Fleet struct {
	pipeline   *configs.Pipeline
	partitions int32
	logs       map[int32][]*parcel // by partition of the topic of partials
	trimmed    bool                // its beginning is not there any more
	shapes     map[int]uint64      // by window: that of the first partial
}

// NewFleet returns a fleet of a pipeline that is Grouped, over so many partitions of
// the source; the topic of partials has as many.
func NewFleet(p *configs.Pipeline, partitions int32) *Fleet {
	return &Fleet{pipeline: p, partitions: partitions, logs: map[int32][]*parcel{}, shapes: map[int]uint64{}}
}

// Add adds a partition of the topic of partials: the committed records in the order
// of offsets. earliest is the first offset that it still has.
func (f *Fleet) Add(partition int32, earliest int64, records []SourceRecord) {
	f.trimmed = f.trimmed || earliest > 0
	for _, r := range records {
		one := parcelOf(f.pipeline, r)
		one.lies = partition
		f.logs[partition] = append(f.logs[partition], one)
	}
}

// Groups is the pipeline that tasks of groups run: its topics are to be read for Check.
func (f *Fleet) Groups() *configs.Pipeline { return f.pipeline.GroupPart() }

// Check checks what the groups of one partition wrote. Each partition of the source
// has to be checked before. Of in, Pipeline, Source and Fleet are set by it.
func (f *Fleet) Check(in Input) *Report {
	in.Pipeline, in.Fleet, in.groups, in.Source = f.Groups(), nil, f, nil
	for _, one := range f.logs[in.Partition] {
		in.Source = append(in.Source, one.record)
	}
	report := &Report{Partition: in.Partition}
	if !checkSource(&in, report) {
		return report
	}
	j := readJournal(&in, report)
	t := newTask(&in, report)
	t.groups = &groups{fleet: f, next: f.logs[in.Partition], marks: map[int32]event.Time{}}
	t.run(j)
	compare(&in, report, t.wants)
	report.Sent.Late = t.groups.late
	return report
}

// ahead is how far panes may be ahead of the clock of groups to be looked at.
func (f *Fleet) ahead() event.Time {
	return f.pipeline.Time.MaxFutureSkew + f.pipeline.Time.WaitForLate
}

// sending names partials of one pane.
type sending struct {
	window int
	device string
	group  string
	start  event.Time
}

// matching is the comparison of what the devices of one partition of the source must
// have sent with what lies in the topic of partials.
type matching struct {
	*Fleet
	t       *task
	due     map[sending][]*partial
	strays  []*parcel
	checked map[int32][]event.Time // by partition of the topic: the watermarks found
}

// match tells each partial which readings it stands for, and says what is not as it
// must be.
func (f *Fleet) match(t *task) {
	if f.trimmed {
		t.report.add(Difference{
			Kind: Source, Topic: f.pipeline.PartialsTopic, Source: -1, Output: -1,
			Text: "the topic of partials does not begin with its first record any more: its retention is too short to verify",
		})
		return
	}
	m := &matching{Fleet: f, t: t, due: map[sending][]*partial{}, checked: map[int32][]event.Time{}}
	for _, p := range t.parts.sent {
		key := p.sending()
		m.due[key] = append(m.due[key], p)
	}
	t.report.Sent = t.parts.tally
	for q := range f.partitions {
		m.walk(q)
	}
	m.joinStrays()
	m.missing()
	m.watermarks()
	m.conserved()
}

func (p *partial) sending() sending { return sending{p.window, p.device, p.group, p.start} }

func (m *matching) add(one *parcel, d Difference) {
	d.Topic = m.pipeline.PartialsTopic
	d.Output = -1
	if one != nil {
		d.Output, d.Device = one.record.Offset, one.device
		d.Text += fmt.Sprintf(" (in partition %d of the topic)", one.lies)
	}
	m.t.report.add(d)
}

// walk goes through one partition of the topic. A moment is twice the step of the
// task, and one more behind it, where its watermark moves.
func (m *matching) walk(q int32) {
	moment := 0
	for _, one := range m.logs[q] {
		if one.kind == 0 || one.upstream != m.t.in.Partition {
			continue
		}
		if one.kind == isWatermark {
			moment = m.watermark(one, moment)
			continue
		}
		m.t.report.Sent.Partials++
		m.t.report.Sent.InPartials += one.readings
		moment = m.partial(one, moment)
	}
}

// partial finds what a partial was sent as, and returns the moment it was sent at.
func (m *matching) partial(one *parcel, moment int) int {
	key := sending{one.window, one.device, one.group, one.start}
	if q := partitionOf("murmur2", one.group, m.partitions); q != one.lies {
		m.add(one, Difference{Kind: Value, Source: -1, Text: fmt.Sprintf("the partial of group %q must lie in partition %d", one.group, q)})
	}
	if first, known := m.shapes[one.window]; known && first != one.shape {
		m.add(one, Difference{Kind: Value, Source: -1, Text: fmt.Sprintf("the partial has shape %016x, and others of its window %016x", one.shape, first)})
	} else {
		m.shapes[one.window] = one.shape
	}
	all := m.due[key]
	if len(all) == 0 {
		m.strays = append(m.strays, one)
		return moment
	}
	one.is, m.due[key] = all[0], all[1:]
	if n := len(one.is.samples); n != one.readings {
		m.add(one, Difference{Kind: Value, Source: one.is.source, Text: m.describe(one.is) + fmt.Sprintf(": expected %d readings, found %d", n, one.readings)})
	}
	at := 2 * one.is.step
	if at < moment {
		m.add(one, Difference{Kind: Order, Source: one.is.source, Text: "found behind a later one: " + m.describe(one.is)})
	}
	return max(at, moment)
}

func (m *matching) describe(p *partial) string {
	return fmt.Sprintf("partial of window %s, pane %s, group %q, %d readings", m.pipeline.Windows[p.window].Name, written(p.start), p.group, len(p.samples))
}

// joinStrays takes a partial that nothing has the name of for one of the same pane,
// which has gone to another group.
func (m *matching) joinStrays() {
	for _, one := range m.strays {
		key := slices.SortedFunc(maps.Keys(m.due), compareSendings)
		at := slices.IndexFunc(key, func(k sending) bool {
			return k.window == one.window && k.device == one.device && k.start == one.start && len(m.due[k]) > 0
		})
		if at < 0 {
			m.add(one, Difference{Kind: Unexpected, Source: -1, Text: fmt.Sprintf("found a partial that nothing explains: window %s, pane %s, group %q, %d readings",
				m.pipeline.Windows[one.window].Name, written(one.start), one.group, one.readings)})
			continue
		}
		p := m.due[key[at]][0]
		m.due[key[at]] = m.due[key[at]][1:]
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
		key := p.sending()
		if !slices.Contains(m.due[key], p) {
			continue
		}
		m.add(nil, Difference{Kind: Missing, Device: p.device, Source: p.source, Text: "expected " + m.describe(p) + ", found nothing"})
	}
}

// watermark checks one watermark, and returns the first moment at which it was in
// force, or the one before where that is later.
func (m *matching) watermark(one *parcel, moment int) int {
	m.t.report.Sent.Watermarks++
	seen := m.checked[one.lies]
	if len(seen) > 0 && one.mark < seen[len(seen)-1] {
		m.add(one, Difference{Kind: Watermark, Source: -1, Text: fmt.Sprintf("the watermark falls from %s to %s", written(seen[len(seen)-1]), written(one.mark))})
	}
	m.checked[one.lies] = append(seen, one.mark)
	if one.partitions != m.partitions {
		m.add(one, Difference{Kind: Watermark, Source: -1, Text: fmt.Sprintf("the watermark speaks of %d partitions of the source, which has %d", one.partitions, m.partitions)})
	}
	if !m.t.whole {
		return moment // nothing tells when wall time entered
	}
	marks := m.t.parts.marks
	at, known := slices.BinarySearchFunc(marks, one.mark, func(k mark, to event.Time) int { return cmp.Compare(k.time, to) })
	if !known {
		m.add(one, Difference{Kind: Watermark, Source: -1, Text: fmt.Sprintf("the watermark %s was never in force", written(one.mark))})
		return moment
	}
	if at+1 < len(marks) && 2*marks[at+1].step+1 <= moment {
		m.add(one, Difference{Kind: Order, Source: -1, Text: fmt.Sprintf("the watermark %s was not in force any more when the partial before it was sent", written(one.mark))})
	}
	return max(moment, 2*marks[at].step+1)
}

// watermarks checks that each partition of the topic has heard the same, and all
// that it must have heard.
func (m *matching) watermarks() {
	for q := range m.partitions {
		if !slices.Equal(m.checked[q], m.checked[0]) {
			m.add(nil, Difference{Kind: Watermark, Source: -1, Text: fmt.Sprintf("partition %d of the topic has %d watermarks of this partition of the source, and they are not those of partition 0, %d",
				q, len(m.checked[q]), len(m.checked[0]))})
		}
	}
	if !m.t.whole {
		return
	}
	told := event.Time(0)
	if n := len(m.checked[0]); n > 0 {
		told = m.checked[0][n-1]
	}
	if now := m.t.parts.watermark(); now-told >= m.step() {
		m.add(nil, Difference{Kind: Watermark, Source: -1, Text: fmt.Sprintf("the last watermark sent is %s, and %s is in force", written(told), written(now))})
	}
}

// step is how far a watermark may move without being sent.
func (m *matching) step() event.Time {
	shortest := event.Never
	for i := range m.pipeline.Windows {
		c := &m.pipeline.Windows[i]
		switch {
		case !c.Grouped():
		case c.Location != nil:
			shortest = min(shortest, 25*3_600_000)
		default:
			shortest = min(shortest, divisor(c.Size, c.Every))
		}
	}
	return max(1000, shortest/10)
}

// conserved checks that no reading was lost or counted twice on its way.
func (m *matching) conserved() {
	s := &m.t.report.Sent
	if lost := s.Gathered - s.InPartials - s.Ungrouped - s.Unsent; lost != 0 {
		m.add(nil, Difference{Kind: Conservation, Source: -1, Text: fmt.Sprintf("devices gathered %d readings: %d are in partials, %d are of devices in no group and %d not sent yet, which leaves %d",
			s.Gathered, s.InPartials, s.Ungrouped, s.Unsent, lost)})
	}
}
