package task

import (
	"encoding/binary"

	"github.com/weirstream/weir/event"
)

// Fact is what a batch's readings do not tell: where wall time entered the task,
// and which devices were forgotten then, or which roster came into force. With the
// facts of a journal, and those rosters, the outputs follow from the source alone.
type Fact struct {
	// Position is the source offset below which everything had been folded.
	Position int64
	Wall     event.Time // 0: the fact is of the roster; 1: of the commands; 2: of those that the task starts with
	// Roster is the fingerprint of the roster in force from here on, where Wall is 0.
	Roster uint64
	// Commands is the version of the commands in force from here on, an offset, where
	// Wall is 1 or 2.
	Commands int64
	// Forgotten are the devices whose state was dropped, in that order.
	Forgotten []string
}

// facts are those since the last batch was sealed.
type facts struct {
	list    []Fact
	records uint64 // folded when the last of them was made
	first   bool   // the last of them set the clock
}

// wallEntered adds a fact. Where nothing was folded since the last one, that one
// is moved: an idle task would otherwise collect them without end. One that set the
// clock stays where devices are expected from then on.
func (t *Task) wallEntered(now Now) {
	f, records := &t.facts, t.table.Task()[wordRecords]
	stays := f.first && t.plan.expects
	if n := len(f.list); n > 0 && f.records == records && f.list[n-1].Wall > startsWall && !stays && !(t.plan.timed && len(f.list[n-1].Forgotten) > 0) {
		last := &f.list[n-1]
		last.Position, last.Wall = now.Position, max(last.Wall, now.Wall)
		return
	}
	f.list, f.records, f.first = append(f.list, Fact{Position: now.Position, Wall: now.Wall}), records, t.Clock() == 0
}

// rosterEntered adds a fact. A version that nothing was done with gives way to the
// next: no rule watches its devices, and no command fits their labels.
func (t *Task) rosterEntered(fingerprint uint64, position int64) {
	f, records := &t.facts, t.table.Task()[wordRecords]
	fact := Fact{Position: position, Roster: fingerprint}
	if n := len(f.list); n > 0 && f.records == records && f.list[n-1].Wall == 0 && !t.plan.expects && t.commands == nil {
		f.list[n-1] = fact
		return
	}
	f.list, f.records = append(f.list, fact), records
}

// What stands in the place of the wall time in a fact of commands: with those that a task
// starts with all is judged only when its roster is there too, with others at once.
const (
	commandsWall = event.Time(1)
	startsWall   = event.Time(2)
)

// commandsEntered adds a fact. What a version says of open episodes is said at once, so
// none gives way to the next.
func (t *Task) commandsEntered(fact Fact) {
	f := &t.facts
	f.list, f.records = append(f.list, fact), t.table.Task()[wordRecords]
}

func (t *Task) forgot(device []byte) {
	last := &t.facts.list[len(t.facts.list)-1]
	last.Forgotten = append(last.Forgotten, string(device))
}

// TakeFacts encodes the facts since it was last called, for the journal's note:
// of each fact the position, the wall time in milliseconds and the number of
// forgotten devices, then each one's length and name; numbers as unsigned
// varints. Where the wall time is 0, which none is, the fact is of the roster: then
// 8 bytes follow it, the fingerprint, big-endian, and nothing else. Where it is 1, the
// fact is of the commands, where it is 2 of those that the task starts with: then the offset
// follows it and nothing else.
func (t *Task) TakeFacts() []byte {
	var note []byte
	for _, f := range t.facts.list {
		note = binary.AppendUvarint(note, uint64(f.Position))
		note = binary.AppendUvarint(note, uint64(f.Wall))
		if f.Wall == 0 {
			note = binary.BigEndian.AppendUint64(note, f.Roster)
			continue
		}
		if f.Wall <= startsWall {
			note = binary.AppendUvarint(note, uint64(f.Commands))
			continue
		}
		note = binary.AppendUvarint(note, uint64(len(f.Forgotten)))
		for _, device := range f.Forgotten {
			note = binary.AppendUvarint(note, uint64(len(device)))
			note = append(note, device...)
		}
	}
	clear(t.facts.list)
	t.facts.list = t.facts.list[:0]
	return note
}
