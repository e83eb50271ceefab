package roster

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weirstream/weir/event"
)

const (
	mostLabels  = 64
	longestName = 100     // bytes of the name of a column
	largestFile = 1 << 30 // bytes; names and cells are counted in 32 bits
	deviceName  = "device"
)

// Error says what is wrong with a roster, and where.
type Error struct {
	Line   int // of the file, from 1; 0: the file as a whole
	Reason string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
}

// Parse reads a roster: CSV (RFC 4180) in UTF-8, with or without a byte order
// mark, with a header. Spaces around cells do not count, empty lines do not
// either. Every error is an *Error. data is not kept.
func Parse(data []byte) (*Roster, error) {
	if len(data) > largestFile {
		return nil, &Error{Reason: fmt.Sprintf("the file has %d bytes; the most is %d", len(data), largestFile)}
	}
	sum := sha256.Sum256(data)
	p := parser{file: data, csv: reader(data), known: map[string]uint32{"": 0}, r: &Roster{
		texts: []string{""}, numbers: []float64{math.NaN()}, fingerprint: binary.BigEndian.Uint64(sum[:]),
	}}
	if err := p.header(); err != nil {
		return nil, err
	}
	for {
		row, err := p.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = p.row(row)
		}
		if err != nil {
			return nil, p.fault(err, len(row))
		}
	}
	p.finish()
	return p.r, nil
}

// reader reads the cells of a file.
func reader(data []byte) *csv.Reader {
	c := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	c.ReuseRecord, c.TrimLeadingSpace = true, true
	return c
}

// parser is a file on its way into a roster.
type parser struct {
	file   []byte
	csv    *csv.Reader
	r      *Roster
	device int               // which cell of a line names the device
	width  int               // cells of a line
	known  map[string]uint32 // the number of each text
}

// header reads the first line.
func (p *parser) header() error {
	names, err := p.csv.Read()
	if errors.Is(err, io.EOF) {
		return &Error{Reason: "the file is empty; its first line must name the columns, device among them"}
	}
	if err != nil {
		return p.fault(err, 0)
	}
	line, _ := p.csv.FieldPos(0)
	wrong := func(format string, args ...any) error {
		return &Error{Line: line, Reason: fmt.Sprintf(format, args...)}
	}
	p.width, p.device = len(names), -1
	for i, name := range names {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
			return wrong("column %d has no name", i+1)
		case len(name) > longestName:
			return wrong("the name of column %d has %d bytes; the most is %d", i+1, len(name), longestName)
		case !utf8.ValidString(name) || strings.ContainsFunc(name, isControl):
			return wrong("the name of column %d is not a line of text in UTF-8", i+1)
		case name == deviceName && p.device >= 0, p.r.columnOf(name) >= 0:
			return wrong("column %q is there twice", name)
		case name == deviceName:
			p.device = i
			continue
		}
		p.r.stored = append(p.r.stored, column{label: Label{Name: strings.Clone(name)}, empty: true})
	}
	switch n := len(p.r.stored); {
	case p.device < 0 && n == 1 && strings.ContainsAny(names[0], ";\t|"):
		return wrong("the header is a single column, %s; columns are separated by commas", quoted(names[0]))
	case p.device < 0:
		return wrong("no column is named device; the columns are %s", strings.Join(p.names(), ", "))
	case n > mostLabels:
		return wrong("there are %d columns beside device; the most is %d", n, mostLabels)
	}
	return nil
}

func (p *parser) names() []string {
	var names []string
	for i := range p.r.stored {
		names = append(names, p.r.stored[i].label.Name)
	}
	return names
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// row takes a line that names a device.
func (p *parser) row(cells []string) error {
	r := p.r
	line, _ := p.csv.FieldPos(0)
	name := strings.TrimSpace(cells[p.device])
	switch {
	case name == "":
		return &Error{Line: line, Reason: "the device has no name"}
	case len(name) > event.MaxDevice:
		return &Error{Line: line, Reason: fmt.Sprintf("the name of the device has %d bytes; the most is %d", len(name), event.MaxDevice)}
	case !utf8.ValidString(name):
		return &Error{Line: line, Reason: fmt.Sprintf("the name of the device, %s, is not UTF-8", quoted(name))}
	}
	from := len(r.names)
	r.names = append(r.names, name...)
	if first := r.Find(r.names[from:]); first >= 0 {
		return &Error{Line: line, Reason: fmt.Sprintf("device %s is named twice, first in line %d", quoted(name), lineOf(p.file, first))}
	}
	r.ends = append(r.ends, uint32(len(r.names)))
	r.index.add(r, len(r.ends)-1)
	k := 0
	for i, text := range cells {
		if i == p.device {
			continue
		}
		text = strings.TrimSpace(text)
		if !utf8.ValidString(text) {
			return &Error{Line: line, Reason: fmt.Sprintf("%s is not UTF-8", r.stored[k].label.Name)}
		}
		n := p.intern(text)
		r.stored[k].see(text, r.numbers[n], line)
		r.cells = append(r.cells, n)
		k++
	}
	return nil
}

// see takes notice of a cell of the column.
func (c *column) see(text string, number float64, line int) {
	if text == "" {
		return
	}
	c.empty = false
	if c.notNumber.line == 0 && math.IsNaN(number) {
		c.notNumber = cell{line, strings.Clone(text)}
	}
	if c.notBool.line == 0 && text != "true" && text != "false" {
		c.notBool = cell{line, strings.Clone(text)}
	}
}

// intern returns the number of a text.
func (p *parser) intern(text string) uint32 {
	if n, ok := p.known[text]; ok {
		return n
	}
	n := uint32(len(p.r.texts))
	text = strings.Clone(text) // the reader's text is the whole line
	p.known[text] = n
	p.r.texts = append(p.r.texts, text)
	p.r.numbers = append(p.r.numbers, number(text))
	return n
}

// number reads a finite decimal number such as 8, -2.5 or 1e3; NaN where the text
// is none.
func number(text string) float64 {
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return math.NaN() // Inf, NaN, hexadecimal and digits in groups
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// finish tells the kinds of the columns, once all cells have been seen.
func (p *parser) finish() {
	r := p.r
	for k := range r.stored {
		c := &r.stored[k]
		switch {
		case c.notNumber.line == 0:
			c.label.Kind = Number
		case c.notBool.line == 0:
			c.label.Kind = Bool
		}
		r.labels, r.column = append(r.labels, c.label), append(r.column, k)
	}
	r.names, r.ends, r.cells = slices.Clip(r.names), slices.Clip(r.ends), slices.Clip(r.cells)
}

// fault says in our words what the CSV reader objects to; other errors are left
// as they are.
func (p *parser) fault(err error, cells int) error {
	var e *csv.ParseError
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case errors.Is(e.Err, csv.ErrFieldCount):
		return &Error{Line: e.StartLine, Reason: fmt.Sprintf("it has %s, and the header names %d", count(cells), p.width)}
	case errors.Is(e.Err, csv.ErrBareQuote):
		return &Error{Line: e.Line, Reason: `a cell with a quote in it must stand in quotes itself, and the quote in it twice: "5"" pipe"`}
	case errors.Is(e.Err, csv.ErrQuote):
		return &Error{Line: e.StartLine, Reason: "a cell that begins with a quote must end with one before the comma, and quotes in it must stand twice"}
	default:
		return &Error{Line: e.Line, Reason: e.Err.Error()}
	}
}

func count(cells int) string {
	if cells == 1 {
		return "1 cell"
	}
	return strconv.Itoa(cells) + " cells"
}

// lineOf returns the line of the i-th device. Only errors ask for it, so nobody
// keeps the lines of a million devices.
func lineOf(data []byte, i int) int {
	c := reader(data)
	for ; i >= -1; i-- {
		if _, err := c.Read(); err != nil {
			return 0
		}
	}
	line, _ := c.FieldPos(0)
	return line
}

// quoted shows a text of the file at a length a message can hold.
func quoted(s string) string {
	const longest = 60
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "..."
	}
	return strconv.Quote(s)
}
