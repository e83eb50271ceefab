package configs

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// place is a position in the file, both counted from 1.
type place struct{ line, col int }

// scalar is one value as the YAML tree gives it.
type scalar struct {
	text     string // after expansion
	raw      string // as written: what messages and Explain show
	kind     scalarKind
	expanded bool
	at       place
}

type scalarKind uint8

const (
	plainText scalarKind = iota
	quotedText
	plainNumber
	plainBool
)

// leaf is what every value of the document knows about itself.
type leaf struct {
	at     place
	path   string // windows[0].hopping.every
	raw    string // as written, or the default
	set    bool   // written in the file
	bad    bool   // already complained about
	secret bool
	refers bool // holds a ${...} that was expanded
}

// ok reports whether there is a value that nobody has complained about.
func (l *leaf) ok() bool { return l.raw != "" && !l.bad }

// String returns `path=value` as messages name a value.
func (l *leaf) String() string { return l.path + "=" + shorten(l.show()) }

// expanded reports whether the value, or part of it, came from outside the file.
func (l *leaf) expanded() bool { return l.refers }

// show returns the value as written; what came from ${...} is never shown
// expanded, what is secret not at all.
func (l *leaf) show() string {
	if l.secret {
		return "[secret]"
	}
	scheme, rest, isURL := strings.Cut(l.raw, "://")
	if !isURL {
		scheme, rest = "", l.raw
	} else {
		scheme += "://"
	}
	i := strings.LastIndexByte(rest, '@')
	if i >= 0 && (isURL || strings.Contains(rest[:i], ":") && !strings.Contains(rest, " ")) {
		return scheme + "..." + rest[i:] // a user and password have no place there
	}
	return l.raw
}

func (l *leaf) base() *leaf { return l }

// value is a leaf that can be read from a scalar and described in the schema.
type value interface {
	base() *leaf
	// read takes the scalar and returns what is wrong with it, in words that
	// follow `path=value `, or nothing.
	read(s scalar, tag reflect.StructTag) string
	schema(tag reflect.StructTag) map[string]any
}

type text struct {
	leaf
	value string
}

func (t *text) read(s scalar, tag reflect.StructTag) string {
	if s.kind == plainNumber || s.kind == plainBool {
		return "must be text; put it in quotes"
	}
	t.value = s.text
	if c := tag.Get("choice"); c != "" {
		return choose(s.text, c, tag.Get("planned"))
	}
	return ""
}

// fill gives a default that depends on other settings.
func (t *text) fill(v string) {
	t.value = v
	t.raw = v
}

// choose returns what is wrong with v as one of the choices.
func choose(v, choices, planned string) string {
	all := strings.Split(choices, ",")
	if isChoice(v, all) {
		return ""
	}
	for _, c := range strings.Split(planned, ",") {
		if v != "" && v == c {
			return "is not supported yet; use " + sayChoices(all)
		}
	}
	if len(all) == 1 {
		return "is not known; use " + all[0]
	}
	if slices.Contains(all, aggregate.Percentile) {
		return "is not known; use " + sayChoices(all) + suggestResult(v, fixedChoices(all))
	}
	return "is not known; use " + sayChoices(all) + suggest(v, fixedChoices(all))
}

type span struct {
	leaf
	value event.Time
}

func (p *span) read(s scalar, tag reflect.StructTag) string {
	v, problem := parseSpan(s.text)
	if problem != "" {
		return problem
	}
	p.value = v
	if low := tag.Get("min"); low != "" {
		if lowest, _ := parseSpan(low); v < lowest {
			return "is too short; the shortest is " + low
		}
	}
	if high := tag.Get("max"); high != "" {
		if highest, _ := parseSpan(high); v > highest {
			return "is too long; the longest is " + high
		}
	}
	return ""
}

type size struct {
	leaf
	value int64
}

func (p *size) read(s scalar, tag reflect.StructTag) string {
	v, problem := parseSize(s.text)
	if problem != "" {
		return problem
	}
	p.value = v
	if low := tag.Get("min"); low != "" {
		if lowest, _ := parseSize(low); v < lowest {
			return "is too small; the smallest is " + low
		}
	}
	return ""
}

type number struct {
	leaf
	value float64
}

func (n *number) read(s scalar, tag reflect.StructTag) string {
	if s.kind == quotedText && !s.expanded {
		return "must be a number; write it without quotes"
	}
	v, err := strconv.ParseFloat(s.text, 64)
	if math.IsInf(v, 0) || math.IsNaN(v) || strings.Contains(strings.ToLower(s.text), "inf") || strings.Contains(strings.ToLower(s.text), "nan") {
		return "must be a finite number"
	}
	if err != nil || strings.ContainsAny(s.text, "xX_pP") {
		return "must be a number" + numberHint(s.text)
	}
	n.value = v
	return ""
}

// numberHint helps with what people write in place of a plain number.
func numberHint(v string) string {
	if strings.Count(v, ",") == 1 {
		if w := strings.Replace(v, ",", ".", 1); isDecimal(w) {
			return "; write the decimal point as a dot: " + w
		}
	}
	end := len(v)
	for end > 0 && !isDecimal(v[:end]) {
		end--
	}
	if end > 0 {
		return "; write it without a unit: " + v[:end]
	}
	return " such as 8 or -2.5"
}

func isDecimal(v string) bool {
	_, err := strconv.ParseFloat(v, 64)
	return err == nil && strings.Trim(v, "+-.0123456789") == ""
}

type whole struct {
	leaf
	value int64
}

func (n *whole) read(s scalar, tag reflect.StructTag) string {
	if s.kind == quotedText && !s.expanded {
		return "must be a whole number; write it without quotes"
	}
	v, err := strconv.ParseInt(s.text, 10, 64)
	if err != nil {
		return "must be a whole number" + bounds(tag)
	}
	n.value = v
	low, _ := strconv.ParseInt(tag.Get("min"), 10, 64)
	high, _ := strconv.ParseInt(tag.Get("max"), 10, 64)
	if v < low || v > high {
		return fmt.Sprintf("must be from %d to %d", low, high)
	}
	return ""
}

func bounds(tag reflect.StructTag) string {
	return " from " + tag.Get("min") + " to " + tag.Get("max")
}

type toggle struct {
	leaf
	value bool
}

func (f *toggle) read(s scalar, tag reflect.StructTag) string {
	if s.kind != plainBool && !s.expanded {
		return "must be true or false"
	}
	switch s.text {
	case "true":
		f.value = true
	case "false":
		f.value = false
	default:
		return "must be true or false"
	}
	return ""
}

// texts is a list of texts, all of the same choices where there are any.
type texts struct {
	leaf
	items []text
}

// values returns the texts that nobody has complained about.
func (t *texts) values() []string {
	var vs []string
	for i := range t.items {
		if t.items[i].ok() {
			vs = append(vs, t.items[i].value)
		}
	}
	return vs
}

// section is what every mapping of the document knows about itself.
type section struct {
	at   place
	path string
	set  bool
	bad  bool // the mapping could not be read and has been complained about
}

func (s *section) self() *section { return s }

// list is a list of mappings.
type list[T any] struct {
	leaf
	items []T
}

func (l *list[T]) grow() reflect.Value {
	var zero T
	l.items = append(l.items, zero)
	return reflect.ValueOf(&l.items[len(l.items)-1]).Elem()
}

func (l *list[T]) each(f func(item reflect.Value)) {
	for i := range l.items {
		f(reflect.ValueOf(&l.items[i]).Elem())
	}
}

// named is a mapping from names of the user's own to mappings, in the order of
// the file.
type named[T any] struct {
	leaf
	names []text
	items []T
}

func (n *named[T]) grow(name text) reflect.Value {
	var zero T
	n.names = append(n.names, name)
	n.items = append(n.items, zero)
	return reflect.ValueOf(&n.items[len(n.items)-1]).Elem()
}

func (n *named[T]) each(f func(item reflect.Value)) {
	for i := range n.items {
		f(reflect.ValueOf(&n.items[i]).Elem())
	}
}

// element returns a T of its own, for the schema.
func (l *list[T]) element() reflect.Type  { return reflect.TypeFor[T]() }
func (n *named[T]) element() reflect.Type { return reflect.TypeFor[T]() }

// planned is a key that is planned and not built.
type planned struct{ leaf }
