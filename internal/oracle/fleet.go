package oracle

import (
	"fmt"
	"slices"
	"strings"

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
// It keeps the readings of all windows over several devices in memory. Tasks of devices
// and of groups go over to another file each in its own time: what a partial was sent
// for, its own shape says.
type Fleet struct {
	files      []*configs.Pipeline // those with windows over several devices, the newest first
	parts      []*configs.Pipeline // what of each tasks of groups run
	partitions int32
	logs       map[int32][]*parcel // by partition of the topic of partials
	trimmed    bool                // its beginning is not there any more
	shapes     map[string]uint64   // by the name of a window and all that makes up its partials
	owners     map[namedShape]string
}

// NewFleet returns a fleet of a pipeline over so many partitions of the source; the
// topic of partials has as many. The pipeline, or one of its former files, is Grouped.
func NewFleet(p *configs.Pipeline, partitions int32, before ...*configs.Pipeline) *Fleet {
	f := &Fleet{partitions: partitions, logs: map[int32][]*parcel{}, shapes: map[string]uint64{}, owners: map[namedShape]string{}}
	for _, p := range append([]*configs.Pipeline{p}, before...) {
		if p.Grouped() {
			f.files, f.parts = append(f.files, p), append(f.parts, p.GroupPart())
		}
	}
	return f
}

// namedShape is the shape of partials for a window of that name.
type namedShape struct {
	name  string
	shape uint64
}

// Add adds a partition of the topic of partials: the committed records in the order
// of offsets. earliest is the first offset that it still has.
func (f *Fleet) Add(partition int32, earliest int64, records []SourceRecord) {
	f.trimmed = f.trimmed || earliest > 0
	for _, r := range records {
		one := parcelOf(r, f.named)
		one.lies = partition
		f.logs[partition] = append(f.logs[partition], one)
	}
}

// named reports whether a window over several devices is, or was, called so.
func (f *Fleet) named(name string) bool {
	return slices.ContainsFunc(f.parts, func(p *configs.Pipeline) bool { return windowOf(p, name) >= 0 })
}

func windowOf(p *configs.Pipeline, name string) int {
	return slices.IndexFunc(p.Windows, func(w configs.Window) bool { return w.Name == name })
}

// Groups is the pipeline that tasks of groups run: its topics are to be read for Check.
func (f *Fleet) Groups() *configs.Pipeline { return f.parts[0] }

// whole is the file that a task of groups runs a part of.
func (f *Fleet) whole(part *configs.Pipeline) *configs.Pipeline {
	return f.files[slices.Index(f.parts, part)]
}

// Check checks what the groups of one partition wrote. Each partition of the source
// has to be checked before. Of in, Pipeline, Before, Source and Fleet are set by it.
func (f *Fleet) Check(in Input) *Report {
	in.Pipeline, in.Before, in.Fleet, in.groups, in.Source = f.parts[0], f.parts[1:], nil, f, nil
	for _, one := range f.logs[in.Partition] {
		in.Source = append(in.Source, one.record)
	}
	report := &Report{Partition: in.Partition}
	if !checkSource(&in, report) {
		return report
	}
	j := readJournal(&in, report)
	if !j.filesKnown() {
		return report
	}
	t := newTask(j.first(), report)
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

// ahead is how far panes may be ahead of the clock of groups to be looked at: the part that tasks of
// groups run has it in place of the skew.
func (t *task) ahead() event.Time { return t.p.Time.MaxFutureSkew }

// makeup is all that makes up the partials of a window: those of another makeup it cannot take. How many
// readings a count window holds, and how often a time window begins, is none of it, where panes are the same.
func makeup(c *configs.Window) string {
	kind := "time"
	switch c.Kind {
	case configs.Session, configs.Count:
		kind = fmt.Sprint(c.Kind)
	}
	return fmt.Sprint(kind, " ", c.Metric, " ", c.By, " ", paneLength(c), " ", c.Size, " ", c.Gap, " ", c.Offset, " ", c.Location, " ", strings.Join(c.Compute, ","))
}

// shaped notes the shape of a partial that was sent for a window, and says what is wrong with it; empty: nothing.
func (f *Fleet) shaped(one *parcel, c *configs.Window) string {
	of := c.Name + " " + makeup(c)
	if first, known := f.shapes[of]; known && first != one.shape {
		return fmt.Sprintf("the partial has shape %016x, and others of its window %016x", one.shape, first)
	}
	shape := namedShape{c.Name, one.shape}
	if other, known := f.owners[shape]; known && other != of {
		return fmt.Sprintf("the partial has shape %016x, as those of another window of its name", one.shape)
	}
	f.shapes[of], f.owners[shape] = one.shape, of
	return ""
}

// fits reports whether a window takes a partial.
func (f *Fleet) fits(one *parcel, c *configs.Window) bool {
	if one.is != nil {
		return makeup(one.is.window) == makeup(c)
	}
	shape, known := f.shapes[c.Name+" "+makeup(c)]
	return !known || shape == one.shape
}

// sending names partials of one pane.
type sending struct {
	window string
	device string
	group  string
	start  event.Time
}

func (p *partial) sending() sending { return sending{p.window.Name, p.device, p.group, p.start} }

func (one *parcel) sending() sending { return sending{one.window, one.device, one.group, one.start} }
