package history

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/replay"
	"github.com/weirstream/weir/event"
)

// table turns the rows of a CSV file into messages as a pipeline reads them.
type table struct {
	file    *csv.Reader
	reading configs.Reading
	columns []column
}

// column is a column of the file that is used.
type column struct {
	index int
	field string // of the message
	kind  columnKind
}

type columnKind uint8

const (
	textColumn columnKind = iota
	timeColumn
	valueColumn
	seqColumn
)

// openTable reads the header. named are columns by what they hold: device, metric,
// time, value, seq, or a metric of wide messages; a column that is not named so goes
// by the name that the message has for it. given are the fields that rows need not
// have.
func openTable(r io.Reader, reading configs.Reading, named, given map[string]string) (*table, error) {
	t := &table{file: csv.NewReader(r), reading: reading}
	t.file.ReuseRecord, t.file.TrimLeadingSpace = true, true
	header, err := t.file.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header of the CSV file: %w", err)
	}
	header = slices.Clone(header)
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	known := map[string]bool{}
	take := func(role, field string, kind columnKind) bool {
		known[role] = true
		name := field
		if n, ok := named[role]; ok {
			name = n
		}
		i := slices.Index(header, name)
		if field != "" && i >= 0 {
			t.columns = append(t.columns, column{i, field, kind})
		}
		return i >= 0 || given[role] != ""
	}
	var missing []string
	need := func(role, field string, kind columnKind) {
		if !take(role, field, kind) {
			missing = append(missing, role)
		}
	}
	need("device", reading.Device, textColumn)
	take("time", reading.Time, timeColumn)
	take("seq", reading.Seq, seqColumn)
	if len(reading.Metrics) == 0 {
		need("metric", reading.Metric, textColumn)
		need("value", reading.Value, valueColumn)
	}
	values := 0
	for _, m := range reading.Metrics {
		if take(m, m, valueColumn) {
			values++
		}
	}
	if len(reading.Metrics) > 0 && values == 0 {
		missing = append(missing, strings.Join(reading.Metrics, " or "))
	}
	for role, name := range named { // unordered: any of them is an error
		if !known[role] {
			return nil, fmt.Errorf("messages of the pipeline have no %s: a column can be device, metric, time, value, seq or a metric of reading.metrics", role)
		}
		if !slices.Contains(header, name) {
			return nil, fmt.Errorf("the CSV file has no column %q; its columns are %s", name, strings.Join(header, ", "))
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the CSV file has no column for %s; its columns are %s: say which it is with --column %s=COLUMN%s", strings.Join(missing, " and "), strings.Join(header, ", "), strings.Fields(missing[0])[0], orSet(missing[0]))
	}
	return t, nil
}

// orSet is the other way to give what a file lacks.
func orSet(role string) string {
	if role == "device" || role == "metric" {
		return ", or what with --set " + role + "=NAME"
	}
	return ""
}

// fill returns messages, a line each, in memory of text; io.EOF with none.
func (t *table) fill(text []byte) ([]byte, error) {
	text = text[:0]
	for len(text) < blockBytes {
		row, err := t.file.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return text, fmt.Errorf("read history: %w", err)
		}
		text = append(t.message(text, row), '\n')
	}
	if len(text) == 0 {
		return text, io.EOF
	}
	return text, nil
}

func (t *table) done() int64 { return t.file.InputOffset() }

// message appends a row as a message. An empty cell is no field.
func (t *table) message(b []byte, row []string) []byte {
	b = append(b, '{')
	first := true
	for _, c := range t.columns {
		cell := strings.TrimSpace(row[c.index])
		if cell == "" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(replay.AppendJSON(b, c.field), ':')
		b = t.cell(b, cell, c.kind)
	}
	return append(b, '}')
}

// cell appends a cell as JSON. What is not of its kind becomes a text, and the
// reading is bad.
func (t *table) cell(b []byte, cell string, kind columnKind) []byte {
	switch kind {
	case timeColumn:
		if _, err := strconv.ParseFloat(cell, 64); err == nil && isNumber(cell) {
			return append(b, cell...)
		}
		if at, ok := parseTime(cell); ok {
			return replay.AppendTime(b, t.reading.Unit, at)
		}
	case valueColumn:
		if v, err := strconv.ParseFloat(cell, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
			return strconv.AppendFloat(b, v, 'g', -1, 64)
		}
		switch strings.ToLower(cell) {
		case "true", "false":
			return append(b, strings.ToLower(cell)...)
		}
	case seqColumn:
		if _, err := strconv.ParseUint(cell, 10, 63); err == nil {
			return strconv.AppendUint(b, mustUint(cell), 10)
		}
	}
	return replay.AppendJSON(b, cell)
}

// isNumber reports whether a text can stand in JSON as a number of a time.
func isNumber(s string) bool {
	return strings.Trim(s, "0123456789.") == "" && s[0] != '.' && s[len(s)-1] != '.' && (s[0] != '0' || len(s) == 1 || s[1] == '.')
}

func mustUint(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 63)
	return n
}

// parseTime reads a time as tables have it, in UTC where it names no zone.
func parseTime(s string) (event.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.Parse(layout, s); err == nil {
			return event.Time(at.UnixMilli()), true
		}
	}
	return 0, false
}
