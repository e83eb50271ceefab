package history

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/replay"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/codec"
	"github.com/weirstream/weir/ingest/kafka"
)

// Format is how a file holds history.
type Format string

// The formats: a message of the source topic a line, or a table with a header.
const (
	NDJSON Format = "ndjson"
	CSV    Format = "csv"
)

// filePartitions is over how many tasks a file is spread. What comes out does not
// depend on it: every task sees the time of all.
const filePartitions = 8

// FilePartitioner is the declared partitioner by which devices of a file are spread over
// its partitions.
const FilePartitioner = "murmur2"

// Options say how to read a file.
type Options struct {
	Format Format
	// Message and Reading are where a reading is in a message of the pipeline.
	Message codec.Options
	Reading configs.Reading
	// Columns are columns of a CSV file by what they hold, where that is not their
	// name: device, metric, time, value, seq or a metric of wide messages.
	Columns map[string]string
	// Set are values for messages that lack them: device, metric.
	Set map[string]string
	// Appended is the field with the append time, RFC 3339 or a number; empty: the
	// event time stands in.
	Appended string
	// Every is the time between two messages of a device that carry none, the first
	// being at Start; 0: such a message is an error.
	Start, Every event.Time
	// Sort reads all of the file before anything is folded and puts it in the order of
	// time.
	Sort bool
	// Size is that of the file in bytes, for Progress; 0: unknown.
	Size int64
}

// filler gives whole lines, and says how many bytes it has read.
type filler interface {
	fill(text []byte) ([]byte, error)
	done() int64
}

// Lines is history of a file, one message a line.
type Lines struct {
	o           Options
	from        filler
	scanner     codec.Decoder
	appended    codec.Decoder // nil: Options.Appended is empty
	batch       codec.Batch
	partitionOf func(key []byte, n int) int
	prefix      []byte // the fields of Options.Set

	line    int64
	last    event.Time // append time of the line before
	counts  map[string]int64
	offsets [filePartitions]int64
	sorted  []sortedLine
	whole   bool // sorted holds all there is

	backwards int64
	furthest  event.Time

	suspects suspects
}

// sortedLine is a line that waits for its turn.
type sortedLine struct {
	at        event.Time
	partition int
	value     []byte
	suspect   int64 // its number, where suspects wants it; otherwise 0
}

// Open returns the history that r holds.
func Open(r io.Reader, o Options) (*Lines, error) {
	l := &Lines{o: o, counts: map[string]int64{}}
	var err error
	if l.partitionOf, err = kafka.Partitioner(FilePartitioner); err != nil {
		return nil, err
	}
	if l.scanner, err = codec.NewScanner(o.Message); err != nil {
		return nil, fmt.Errorf("make decoder: %w", err)
	}
	if o.Appended != "" {
		message := o.Message
		if message.Time = o.Appended; message.Unit == "" {
			message.Unit = "ms"
		}
		if l.appended, err = codec.NewScanner(message); err != nil {
			return nil, fmt.Errorf("append time in field %q: %w", o.Appended, err)
		}
	}
	for _, f := range []struct{ role, field string }{{"device", o.Reading.Device}, {"metric", o.Reading.Metric}} {
		if value := o.Set[f.role]; value != "" {
			if f.field == "" {
				return nil, fmt.Errorf("messages of the pipeline have no field for the %s", f.role)
			}
			l.prefix = append(replay.AppendJSON(append(replay.AppendJSON(l.prefix, f.field), ':'), value), ',')
		}
	}
	if o.Format == CSV {
		l.from, err = openTable(r, o.Reading, o.Columns, o.Set)
		return l, err
	}
	l.from = &ndjson{r: r}
	return l, nil
}

// Partitions implements Source.
func (l *Lines) Partitions() int { return filePartitions }

// Progress implements Source.
func (l *Lines) Progress() (done, of int64) { return l.from.done(), l.o.Size }

// Backwards is how many messages are older than one before them by more than
// so much, and by how much at most: what they say of silence is not to be trusted.
func (l *Lines) Backwards() (n int64, furthest event.Time) { return l.backwards, l.furthest }

// Next implements Source.
func (l *Lines) Next(ctx context.Context, b *Batch) error {
	b.reset(filePartitions)
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.o.Sort {
		return l.nextSorted(ctx, b)
	}
	text, err := l.from.fill(b.text)
	b.text = text
	if err != nil {
		return err
	}
	return l.each(text, b, func(at event.Time, partition int, value []byte) {
		l.add(b, at, partition, value)
	})
}

// add gives a line its append time: the log of a topic does not go back.
func (l *Lines) add(b *Batch, at event.Time, partition int, value []byte) {
	if at < l.last {
		if back := l.last - at; back > backwardsFrom {
			l.backwards++
			l.furthest = max(l.furthest, back)
		}
		at = l.last
	}
	l.last = at
	l.suspects.put(placed{partition, l.offsets[partition]}, l.suspects.line)
	b.add(partition, task.Record{Offset: l.offsets[partition], Append: at, Value: value})
	l.offsets[partition]++
}

// backwardsFrom is how far out of order history may be without a word: as far as
// gateways that send in batches.
const backwardsFrom = 60_000

// nextSorted reads everything the first time, and then gives it in order.
func (l *Lines) nextSorted(ctx context.Context, b *Batch) error {
	for !l.whole {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, err := l.from.fill(nil)
		if err == io.EOF {
			l.whole = true
			slices.SortStableFunc(l.sorted, func(a, b sortedLine) int { return cmp.Compare(a.at, b.at) })
			break
		}
		if err != nil {
			return err
		}
		own := &Batch{} // lines written anew stay where they are
		err = l.each(text, own, func(at event.Time, partition int, value []byte) {
			l.sorted, l.last = append(l.sorted, sortedLine{at, partition, value, l.suspects.line}), at
		})
		if err != nil {
			return err
		}
		l.last = 0
	}
	if len(l.sorted) == 0 {
		return io.EOF
	}
	n := min(len(l.sorted), 4096)
	for _, s := range l.sorted[:n] {
		l.suspects.line = s.suspect
		l.add(b, s.at, s.partition, s.value)
	}
	clear(l.sorted[:n])
	l.sorted = l.sorted[n:]
	return nil
}

// each visits the messages of a text. Lines that have to be written anew are put
// into b.
func (l *Lines) each(text []byte, b *Batch, visit func(at event.Time, partition int, value []byte)) error {
	for len(text) > 0 {
		line := text
		if cut := bytes.IndexByte(text, '\n'); cut >= 0 {
			line, text = text[:cut], text[cut+1:]
		} else {
			text = nil
		}
		l.line++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if l.prefix != nil {
			line = b.front(line, l.prefix)
		}
		if err := l.message(line, b, visit); err != nil {
			return err
		}
	}
	return nil
}

// front writes an object anew with fields before its own, which win where both
// have one. What is no object stays as it is.
func (b *Batch) front(line, fields []byte) []byte {
	inside := bytes.TrimLeft(line[1:], " \t")
	if line[0] != '{' || len(inside) == 0 {
		return line
	}
	from := len(b.extra)
	b.extra = append(append(b.extra, '{'), fields...)
	if inside[0] == '}' {
		b.extra = b.extra[:len(b.extra)-1] // the comma
	}
	b.extra = append(b.extra, inside...)
	return b.extra[from:len(b.extra):len(b.extra)]
}

// message finds out when a message came and where its device belongs.
func (l *Lines) message(line []byte, b *Batch, visit func(event.Time, int, []byte)) error {
	l.batch.Reset()
	l.scanner.Decode(line, &l.batch)
	readings := l.batch.Readings
	if len(readings) == 0 {
		return nil // an empty array
	}
	if len(readings) > 1 && line[0] == '[' && l.devices(readings) > 1 {
		return l.split(line, b, visit)
	}
	l.suspects.judge(readings, l.line)
	partition := l.partition(readings[0].Device)
	at, timed, bad := event.Time(0), false, true
	for i := range readings {
		if r := &readings[i]; r.HasTime {
			at, timed = max(at, r.Time), true
		} else {
			bad = bad && r.Bad != ""
		}
	}
	if l.o.Every > 0 && !timed && !bad {
		device := string(readings[0].Device)
		at = l.o.Start + event.Time(l.counts[device])*l.o.Every
		l.counts[device]++
		timed = true
		if l.o.Reading.Time != "" {
			field := append(replay.AppendJSON(nil, l.o.Reading.Time), ':')
			line = b.front(line, append(replay.AppendTime(field, l.o.Reading.Unit, at), ','))
		}
	}
	if l.appended != nil {
		l.batch.Reset()
		l.appended.Decode(line, &l.batch)
		r := &l.batch.Readings[0]
		if !r.HasTime && r.Bad == "" {
			return fmt.Errorf("line %d has no append time in field %q", l.line, l.o.Appended)
		}
		at, timed = r.Time, r.HasTime
	}
	if !timed {
		if !bad {
			return l.untimed()
		}
		at = l.last
	}
	visit(at, partition, line)
	return nil
}

// untimed is the error for a message of which nobody knows when it was.
func (l *Lines) untimed() error {
	row, other := fmt.Sprintf("line %d has no time in field %q", l.line, l.o.Reading.Time), "the field with its append time with --appended"
	if l.o.Format == CSV {
		row, other = fmt.Sprintf("row %d has no time in column %q", l.line, cmp.Or(l.o.Columns["time"], l.o.Reading.Time)), "the column that holds it with --column time=COLUMN"
	}
	return fmt.Errorf("%s: name %s, or say how far apart the readings of a device are with --every", row, other)
}

func (l *Lines) partition(device []byte) int {
	if len(device) == 0 {
		return 0
	}
	return l.partitionOf(device, filePartitions)
}

// devices counts 1 where all readings name the same device, otherwise 2.
func (l *Lines) devices(readings []event.Reading) int {
	for i := range readings {
		if !bytes.Equal(readings[i].Device, readings[0].Device) {
			return 2
		}
	}
	return 1
}

// split makes an array that holds several devices into messages of one object each:
// no topic that is partitioned by device could hold it.
func (l *Lines) split(line []byte, b *Batch, visit func(event.Time, int, []byte)) error {
	var objects []json.RawMessage
	if err := json.Unmarshal(line, &objects); err != nil {
		l.suspects.line = l.line
		visit(l.last, 0, line) // the decoder is of another mind, and will say what is wrong with it
		return nil
	}
	for _, object := range objects {
		if err := l.message(object, b, visit); err != nil {
			return err
		}
	}
	return nil
}
