package oracle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// Of a part of a journal record, little endian: magic (4 bytes), layout u64, seq
// u64, part u32, parts u32, from i64, to i64, wall i64, base u64, cyclestart u64,
// cursor u32, bound u32; sections of kind u8, length u32 and content; CRC-32C of
// all before (u32). docs/STATE_FORMAT.md says what they are for.
const (
	partMagic  = "wjr4"
	shapeAt    = 4
	seqAt      = 12
	partAt     = 20
	partsAt    = 24
	fromAt     = 28
	toAt       = 36
	wallAt     = 44
	sectionsAt = 76
	checkBytes = 4

	noteSection = 5
)

// entry is one journal record, of all its parts.
type entry struct {
	seq      uint64
	from, to int64      // the source records that it covers, [from, to)
	wall     event.Time // the task's clock at its end
	facts    []fact
	output   int64 // offset in the journal of its first part

	file    uint64            // that of the pipeline's file; 0: it does not tell
	shape   uint64            // the fingerprint of the layout
	columns map[string]bool   // of the layout; nil: it does not tell
	by      *configs.Pipeline // by which it was written
}

// fact is a moment where wall time entered, or a version of the roster: after all
// records below position.
type fact struct {
	position  int64
	wall      event.Time
	forgotten []string // the devices dropped then
	isRoster  bool     // then there is neither wall time nor anybody forgotten
	roster    uint64   // the fingerprint of the version

	isCommands bool  // then there is none of all this, but
	version    int64 // of the commands
	starts     bool  // the task starts with them, and its roster comes next
	guessed    bool  // the journal does not tell that, it only looks so
	entry      *entry
}

// part is one message of the journal.
type part struct {
	entry
	part, parts uint32
	note        []byte
}

func parsePart(src []byte) (p part, err error) {
	if len(src) < sectionsAt+checkBytes || string(src[:4]) != partMagic {
		return p, errors.New("it is no part of a journal record")
	}
	body, sum := src[:len(src)-checkBytes], binary.LittleEndian.Uint32(src[len(src)-checkBytes:])
	if crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != sum {
		return p, errors.New("its checksum is wrong")
	}
	p.shape = binary.LittleEndian.Uint64(body[shapeAt:])
	p.seq = binary.LittleEndian.Uint64(body[seqAt:])
	p.part, p.parts = binary.LittleEndian.Uint32(body[partAt:]), binary.LittleEndian.Uint32(body[partsAt:])
	p.from, p.to = int64(binary.LittleEndian.Uint64(body[fromAt:])), int64(binary.LittleEndian.Uint64(body[toAt:]))
	p.wall = event.Time(binary.LittleEndian.Uint64(body[wallAt:]))
	for rest := body[sectionsAt:]; len(rest) > 0; {
		if len(rest) < 5 {
			return p, errors.New("a section of it is cut off")
		}
		kind, n := rest[0], int64(binary.LittleEndian.Uint32(rest[1:]))
		rest = rest[5:]
		if n > int64(len(rest)) {
			return p, errors.New("a section of it is cut off")
		}
		if kind == noteSection {
			p.note = append(p.note, rest[:n]...)
		}
		rest = rest[n:]
	}
	return p, nil
}

// parseNote reads where wall time entered: position, wall time, number of
// forgotten devices and, for each, length and name. Wall time 0 stands for a
// version of the roster, whose fingerprint follows, big endian; 1 for a version of the
// commands, an offset; 2 for the one that a task starts with.
func parseNote(note []byte) ([]fact, error) {
	r := &noteReader{rest: note}
	var all []fact
	for len(r.rest) > 0 && !r.cut {
		f := fact{position: int64(r.number()), wall: event.Time(r.number())}
		f.isRoster, f.isCommands, f.starts = f.wall == 0, f.wall == 1 || f.wall == 2, f.wall == 2
		switch {
		case f.isRoster:
			f.roster = r.fingerprint()
		case f.isCommands:
			f.version = int64(r.number())
		default:
			for n := r.number(); n > 0 && !r.cut; n-- {
				f.forgotten = append(f.forgotten, r.name())
			}
		}
		all = append(all, f)
	}
	if r.cut {
		return nil, errors.New("its note is cut off")
	}
	return all, nil
}

type noteReader struct {
	rest []byte
	cut  bool
}

func (r *noteReader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.cut = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *noteReader) fingerprint() uint64 {
	if r.cut || len(r.rest) < 8 {
		r.cut = true
		return 0
	}
	v := binary.BigEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}

func (r *noteReader) name() string {
	n := r.number()
	if r.cut || n > uint64(len(r.rest)) {
		r.cut = true
		return ""
	}
	name := string(r.rest[:n])
	r.rest = r.rest[n:]
	return name
}

// journal puts the parts of each record together, and checks that there is
// nothing between one record and the next.
type journal struct {
	in      *Input
	report  *Report
	entries []*entry
	marked  bool // starts are marked as such, from here on
}

func readJournal(in *Input, report *Report) *journal {
	j := &journal{in: in, report: report}
	var parts []part
	var note []byte
	for _, r := range in.Journal {
		p, err := parsePart(r.Value)
		if err != nil {
			j.wrong(r.Offset, -1, err.Error())
			continue
		}
		p.output, p.file, p.columns = r.Offset, r.File, columnsOf(r.Layout)
		if p.part == 0 {
			j.unfinished(parts)
			parts, note = nil, nil
		} else if len(parts) == 0 && len(j.entries) == 0 {
			continue // the journal was trimmed within this record
		}
		if int(p.part) != len(parts) || len(parts) > 0 && (p.seq != parts[0].seq || p.parts != parts[0].parts) {
			j.wrong(r.Offset, p.from, fmt.Sprintf("part %d of %d of record %d comes after %d parts", p.part, p.parts, p.seq, len(parts)))
			continue
		}
		parts, note = append(parts, p), append(note, p.note...)
		if len(parts) == int(p.parts) {
			j.take(parts[0].entry, note)
			parts, note = nil, nil
		}
	}
	j.unfinished(parts)
	j.ends()
	return j
}

func (j *journal) wrong(output, source int64, text string) {
	j.report.add(Difference{Kind: Journal, Topic: j.in.Pipeline.JournalTopic, Output: output, Source: source, Text: text})
}

func (j *journal) unfinished(parts []part) {
	if len(parts) > 0 {
		j.wrong(parts[0].output, parts[0].from, fmt.Sprintf("record %d has %d of its %d parts", parts[0].seq, len(parts), parts[0].parts))
	}
}

// take adds a record whose parts are complete.
func (j *journal) take(e entry, note []byte) {
	var err error
	if e.facts, err = parseNote(note); err != nil {
		j.wrong(e.output, e.from, err.Error())
	}
	if e.to < e.from {
		j.wrong(e.output, e.from, fmt.Sprintf("record %d covers the source from %d to %d", e.seq, e.from, e.to))
	}
	if n := len(j.entries); n > 0 {
		before := j.entries[n-1]
		switch {
		case e.seq != before.seq+1:
			j.wrong(e.output, before.to, fmt.Sprintf("record %d follows record %d", e.seq, before.seq))
		case e.from != before.to:
			j.wrong(e.output, before.to, fmt.Sprintf("record %d begins at source offset %d, and record %d ends at %d", e.seq, e.from, before.seq, before.to))
		}
		if e.wall < before.wall {
			j.wrong(e.output, e.from, fmt.Sprintf("the task's clock goes back from %s to %s in record %d", written(before.wall), written(e.wall), e.seq))
		}
	}
	j.marked = j.marked || slices.ContainsFunc(e.facts, func(f fact) bool { return f.starts })
	if len(e.facts) > 1 && !j.marked {
		// Earlier versions did not mark a start. Where other commands and another roster came
		// at once, one cannot tell that from one.
		e.facts[0].starts = e.facts[0].isCommands && e.facts[1].isRoster && e.facts[0].position == e.facts[1].position
		e.facts[0].guessed = e.facts[0].starts
	}
	added := &e
	added.by = j.in.Pipeline
	for i := range added.facts {
		added.facts[i].entry = added
	}
	j.entries = append(j.entries, added)
}

// ends checks where the journal begins and ends.
func (j *journal) ends() {
	if len(j.entries) == 0 {
		if j.in.Committed > j.in.Start {
			j.wrong(-1, j.in.Start, fmt.Sprintf("the journal is empty, and the group has committed source offset %d", j.in.Committed))
		}
		return
	}
	first, last := j.entries[0], j.entries[len(j.entries)-1]
	if first.seq == 1 && first.from != j.in.Start {
		j.wrong(first.output, j.in.Start, fmt.Sprintf("record 1 begins at source offset %d, not %d", first.from, j.in.Start))
	}
	if last.to != j.in.Committed {
		j.wrong(last.output, last.to, fmt.Sprintf("record %d ends at source offset %d, and the group has committed %d", last.seq, last.to, j.in.Committed))
	}
}

// covered is where the part of the source begins whose facts the journal still has.
func (j *journal) covered() int64 {
	if len(j.entries) == 0 {
		return j.in.Committed
	}
	if j.entries[0].seq == 1 {
		return min(j.in.Start, j.entries[0].from)
	}
	return j.entries[0].from
}

// Began returns where the pipeline began to read, which the journal tells as long
// as it has its first record.
func Began(records []JournalRecord) (from int64, ok bool) {
	for _, r := range records {
		if p, err := parsePart(r.Value); err == nil {
			return p.from, p.seq == 1
		}
	}
	return 0, false
}
