package oracle

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// The files of testdata/fleets were worked out by hand as those of testdata, for windows
// over several devices. Each line of what happens begins with the partition of the
// source that it happens in, or is about the topic of partials, which has one partition:
//
//	partial OFFSET APPENDED PARTITION WINDOW DEVICE START    one that the devices of a partition have sent
//	watermark OFFSET APPENDED PARTITION TIME
//	groups fact POSITION WALL                                wall time enters the task of groups
//	PARTITION file, groups file                              the file gives way to the other one, which is the fourth part
//
// What must be said has partials and watermarks of the partitions first.
func TestFleetGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/fleets/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			parts := strings.Split(string(text), "\n---\n")
			require.Contains(t, []int{3, 4}, len(parts))
			var expected []string
			for _, line := range meant(parts[2]) {
				expected = append(expected, strings.Join(strings.Fields(line), " "))
			}
			var files []*configs.Pipeline
			for _, part := range append(parts[3:], parts[0]) {
				files = append(files, extended(t, part))
			}
			f := newFleetPlay(t, files)
			for _, line := range meant(parts[1]) {
				f.line(line)
			}
			assert.Equal(t, expected, f.said())
		})
	}
}

// fleetPlay runs two tasks of devices and one of groups.
type fleetPlay struct {
	t      *testing.T
	files  []*configs.Pipeline // the newest first
	fleet  *Fleet
	tasks  []*task
	groups *task
	taken  map[*partial]bool
}

func newFleetPlay(t *testing.T, files []*configs.Pipeline) *fleetPlay {
	last := len(files) - 1
	f := &fleetPlay{t: t, files: files, fleet: NewFleet(files[0], 2, files[1:]...), taken: map[*partial]bool{}}
	for i := range int32(2) {
		f.tasks = append(f.tasks, newTask(&Input{Pipeline: files[last], Partition: i}, &Report{}))
	}
	f.groups = newTask(&Input{Pipeline: f.fleet.parts[last], groups: f.fleet}, &Report{})
	f.groups.groups = &groups{fleet: f.fleet, marks: map[int32]event.Time{}}
	return f
}

// file has a task go over to the newest file.
func (f *fleetPlay) file(model *task, p *configs.Pipeline) {
	model.become(&entry{by: p, from: model.source + 1})
	model.succeed()
}

func (f *fleetPlay) number(word string) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	require.NoError(f.t, err)
	return n
}

func (f *fleetPlay) line(line string) {
	words := strings.Fields(line)
	switch words[0] {
	case "partial", "watermark":
		one := &parcel{record: SourceRecord{Offset: f.number(words[1]), Append: clockOf(f.t, words[2])}, kind: words[0][0], upstream: int32(f.number(words[3]))}
		if one.kind == isWatermark {
			one.mark = clockOf(f.t, words[4])
		} else {
			f.sent(one, words[4:])
		}
		f.groups.groups.next = []*parcel{one}
		f.groups.fold(one.record)
	case "groups":
		if words[1] == "file" {
			f.file(f.groups, f.fleet.parts[0])
			return
		}
		f.fact(f.groups, words[1:])
	default:
		model, rest := f.tasks[f.number(words[0])], strings.TrimSpace(line[1:])
		switch words[1] {
		case "file":
			f.file(model, f.files[0])
		case "fact":
			f.fact(model, words[1:])
		case "roster":
			require.NoError(f.t, model.enterLine(rest))
		default:
			model.fold(recordOf(f.t, rest, words[1:]))
		}
	}
}

func (f *fleetPlay) fact(model *task, words []string) {
	position := f.number(words[1])
	model.enter(fact{position: position, wall: clockOf(f.t, words[2]), forgotten: words[3:], entry: &entry{to: position}}, newWitness(nil))
}

// sent finds the partial that a line names: WINDOW DEVICE START.
func (f *fleetPlay) sent(one *parcel, words []string) {
	for _, p := range f.tasks[one.upstream].parts.sent {
		if p.window.Name == words[0] && p.device == words[1] && p.start == clockOf(f.t, words[2]) && !f.taken[p] {
			f.taken[p] = true
			one.window, one.device, one.group, one.start, one.readings, one.is = p.window.Name, p.device, p.group, p.start, len(p.samples), p
			one.first, one.last = extremes(p.samples)
			return
		}
	}
	require.Fail(f.t, "no such partial", "%v", words)
}

func (f *fleetPlay) said() (all []string) {
	for i, model := range f.tasks {
		type told struct {
			step int
			line string
		}
		var lines []told
		for _, p := range model.parts.sent {
			lines = append(lines, told{2 * p.step, fmt.Sprintf("%d %d partial %s %s %s %s n=%d", i, p.source, p.window.Name, p.device, hour(p.start), p.group, len(p.samples))})
		}
		for _, m := range model.parts.marks {
			lines = append(lines, told{2*m.step + 1, fmt.Sprintf("%d watermark %s", i, hour(m.time))})
		}
		slices.SortStableFunc(lines, func(a, b told) int { return a.step - b.step })
		for _, l := range lines {
			all = append(all, l.line)
		}
		for _, w := range model.wants {
			all = append(all, fmt.Sprintf("%d says %s", i, brief(w.in.Pipeline, w)))
		}
		s := model.parts.tally
		line := fmt.Sprintf("%d gathered %d ungrouped %d unsent %d late %d", i, s.Gathered, s.Ungrouped, s.Unsent, model.report.Classes.Late)
		if s.Dropped > 0 {
			line += fmt.Sprintf(" dropped %d", s.Dropped)
		}
		all = append(all, line)
	}
	for _, w := range f.groups.wants {
		all = append(all, brief(w.in.Pipeline, w))
	}
	return all
}
