package oracle

import (
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
	if !t.commandsKnown(j) {
		return report
	}
	t.run(j)
	compare(&in, report, t.wants)
	t.compareOrders()
	report.Sent.Late = t.groups.late
	return report
}

// ahead is how far panes may be ahead of the clock of groups to be looked at.
func (f *Fleet) ahead() event.Time {
	return max(1000, f.pipeline.Time.MaxFutureSkew+f.pipeline.Time.WaitForLate)
}

// sending names partials of one pane.
type sending struct {
	window int
	device string
	group  string
	start  event.Time
}

func (p *partial) sending() sending { return sending{p.window, p.device, p.group, p.start} }
