package oracle

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding/json replaces bytes that are not UTF-8 and so hides them; this reader
// keeps strings as they are. It follows RFC 8259 to the letter.

// deepest is how many arrays and objects may be open at once.
const deepest = 512

// node is one JSON value.
type node struct {
	kind   byte   // n, t, f, 0 (a number), " (a string), [ or {
	text   string // of a number as written, of a string decoded
	items  []node // of an array, or the values of an object
	fields []string
}

// field returns the last value of a field of an object; nil where it has none.
func (n *node) field(name string) *node {
	if name == "" {
		return nil
	}
	for i := len(n.fields) - 1; i >= 0; i-- {
		if n.fields[i] == name {
			return &n.items[i]
		}
	}
	return nil
}

// there reports whether n is a value other than null.
func (n *node) there() bool { return n != nil && n.kind != 'n' }

// parseJSON reads a whole document. ok is false where it is malformed.
func parseJSON(src []byte) (n node, ok bool) {
	p := &parser{src: src}
	p.space()
	n = p.value(0)
	p.space()
	return n, !p.bad && p.at == len(src)
}

// parser reads one document. After an error bad stays true and nothing it returns
// means anything.
type parser struct {
	src []byte
	at  int
	bad bool
}

// peek returns the next byte, and 0 at the end; no document has a 0 outside of a
// string, and in one it is refused.
func (p *parser) peek() byte {
	if p.at < len(p.src) {
		return p.src[p.at]
	}
	return 0
}

func (p *parser) space() {
	for c := p.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = p.peek() {
		p.at++
	}
}

// take goes past c, which must be next.
func (p *parser) take(c byte) {
	if p.peek() != c || p.at >= len(p.src) {
		p.bad = true
		return
	}
	p.at++
}

func (p *parser) word(w string) {
	for i := range len(w) {
		p.take(w[i])
	}
}

func (p *parser) value(depth int) node {
	switch c := p.peek(); {
	case p.bad:
		return node{}
	case c == '{' || c == '[':
		if depth == deepest {
			p.bad = true
			return node{}
		}
		if c == '{' {
			return p.object(depth + 1)
		}
		return p.array(depth + 1)
	case c == '"':
		return node{kind: '"', text: p.string()}
	case c == 't':
		p.word("true")
		return node{kind: 't'}
	case c == 'f':
		p.word("false")
		return node{kind: 'f'}
	case c == 'n':
		p.word("null")
		return node{kind: 'n'}
	default:
		return node{kind: '0', text: p.number()}
	}
}

func (p *parser) array(depth int) node {
	n := node{kind: '['}
	p.take('[')
	p.space()
	for !p.bad && p.peek() != ']' {
		if len(n.items) > 0 {
			p.take(',')
			p.space()
		}
		n.items = append(n.items, p.value(depth))
		p.space()
	}
	p.take(']')
	return n
}

func (p *parser) object(depth int) node {
	n := node{kind: '{'}
	p.take('{')
	p.space()
	for !p.bad && p.peek() != '}' {
		if len(n.items) > 0 {
			p.take(',')
			p.space()
		}
		n.fields = append(n.fields, p.string())
		p.space()
		p.take(':')
		p.space()
		n.items = append(n.items, p.value(depth))
		p.space()
	}
	p.take('}')
	return n
}

// digits goes past one or more digits.
func (p *parser) digits() {
	start := p.at
	for p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	p.bad = p.bad || p.at == start
}

func (p *parser) number() string {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	if p.peek() == '0' {
		p.at++
	} else {
		p.digits()
	}
	if p.peek() == '.' {
		p.at++
		p.digits()
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		p.digits()
	}
	return string(p.src[start:p.at])
}

func (p *parser) string() string {
	var out []byte
	p.take('"')
	for !p.bad {
		c := p.peek()
		switch {
		case c < 0x20: // the end as well
			p.bad = true
		case c == '"':
			p.at++
			return string(out)
		case c == '\\':
			p.at++
			out = p.escape(out)
		default:
			p.at++
			out = append(out, c)
		}
	}
	return ""
}

func (p *parser) escape(out []byte) []byte {
	c := p.peek()
	p.at++
	switch c {
	case '"', '\\', '/':
		return append(out, c)
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'u':
		r := p.hex()
		if !utf16.IsSurrogate(r) {
			return utf8.AppendRune(out, r)
		}
		// A surrogate without its other half stands for nothing.
		after := p.at
		if p.peek() == '\\' {
			p.at++
			if p.peek() == 'u' {
				p.at++
				if pair := utf16.DecodeRune(r, p.hex()); pair != utf8.RuneError {
					return utf8.AppendRune(out, pair)
				}
			}
		}
		p.at = after
		return utf8.AppendRune(out, utf8.RuneError)
	}
	p.bad = true
	return out
}

func (p *parser) hex() rune {
	if p.at+4 > len(p.src) {
		p.bad = true
		return 0
	}
	n, err := strconv.ParseUint(string(p.src[p.at:p.at+4]), 16, 32)
	p.at += 4
	p.bad = p.bad || err != nil
	return rune(n)
}
