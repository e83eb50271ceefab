package fleet

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/weirstream/weir/event"
)

// PlaybackOptions says how to play a CSV file, whose first line names its
// columns. It has no times: each device took one reading per Interval.
type PlaybackOptions struct {
	Device   string   // the column with the device's name
	Columns  []string // the columns to send
	Interval time.Duration
	Start    event.Time // when every device took its first reading
	Site     string     // empty is "lab"
}

// Playback turns the rows of a CSV file into wide messages: device, ts, seq
// and the columns, as numbers where they are numbers. The rows of all devices
// are merged by time, so that a file with one device after the other is played
// as if they ran side by side.
type Playback struct {
	o       PlaybackOptions
	rows    []row
	devices int
	next    int
}

// row is one reading; values stand in the order of the options' columns.
type row struct {
	device string
	seq    int64
	values []string
}

// NewPlayback reads the whole file, up to its end.
func NewPlayback(r io.Reader, o PlaybackOptions) (*Playback, error) {
	if o.Interval < time.Millisecond {
		return nil, fmt.Errorf("playback: interval=%v must be at least 1ms", o.Interval)
	}
	if o.Site == "" {
		o.Site = "lab"
	}
	file := csv.NewReader(r)
	file.ReuseRecord = true
	header, err := file.Read()
	if err != nil {
		return nil, fmt.Errorf("playback: read the names of the columns: %w", err)
	}
	device, columns, err := o.find(header)
	if err != nil {
		return nil, err
	}
	p := &Playback{o: o}
	counts := map[string]int64{}
	for {
		record, err := file.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("playback: %w", err)
		}
		one := row{device: record[device], values: make([]string, len(columns))}
		for i, c := range columns {
			one.values[i] = record[c]
		}
		one.seq = counts[one.device]
		counts[one.device]++
		p.rows = append(p.rows, one)
	}
	slices.SortStableFunc(p.rows, func(a, b row) int { return cmp.Compare(a.seq, b.seq) })
	p.devices = len(counts)
	return p, nil
}

// find returns where the device and the columns are in the header.
func (o PlaybackOptions) find(header []string) (device int, columns []int, err error) {
	if device = slices.Index(header, o.Device); device < 0 {
		return 0, nil, fmt.Errorf("playback: there is no column %q; the columns are %q", o.Device, header)
	}
	for _, name := range o.Columns {
		at := slices.Index(header, name)
		if at < 0 {
			return 0, nil, fmt.Errorf("playback: there is no column %q; the columns are %q", name, header)
		}
		columns = append(columns, at)
	}
	if len(columns) == 0 {
		return 0, nil, fmt.Errorf("playback: no columns to send; the columns are %q", header)
	}
	return device, columns, nil
}

// StartAt sets when every device took its first reading. Call it before the
// first message is taken.
func (p *Playback) StartAt(t event.Time) { p.o.Start = t }

// Message returns the next message, until there are no more.
func (p *Playback) Message() (Message, bool, error) {
	if p.next == len(p.rows) {
		return Message{}, false, nil
	}
	r := p.rows[p.next]
	p.next++
	at := p.o.Start + event.Time(r.seq*p.o.Interval.Milliseconds())
	return Message{Device: r.device, Site: p.o.Site, Due: at, JSON: p.appendJSON(nil, r, at)}, true, nil
}

func (p *Playback) appendJSON(dst []byte, r row, at event.Time) []byte {
	dst = append(dst, `{"device":`...)
	dst = appendString(dst, r.device)
	dst = append(dst, `,"ts":`...)
	dst = appendTime(dst, at)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendInt(dst, r.seq, 10)
	for i, value := range r.values {
		if value == "" {
			continue // a reading that was not taken
		}
		dst = append(dst, ',')
		dst = appendString(dst, p.o.Columns[i])
		dst = append(dst, ':')
		// JSON knows no infinity and no NaN: those go as text.
		if v, err := strconv.ParseFloat(value, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
			dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
		} else {
			dst = appendString(dst, value)
		}
	}
	return append(dst, '}')
}

// Len returns how many messages there are in all.
func (p *Playback) Len() int { return len(p.rows) }

// Devices returns how many devices the file holds.
func (p *Playback) Devices() int { return p.devices }

// Span is the time from the first reading to the last.
func (p *Playback) Span() time.Duration {
	if len(p.rows) == 0 {
		return 0
	}
	return time.Duration(p.rows[len(p.rows)-1].seq) * p.o.Interval
}
