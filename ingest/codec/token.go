package codec

// kind is what stands in the place of a field.
type kind uint8

const (
	absent kind = iota
	null
	boolFalse
	boolTrue
	numeric
	quoted
	container
)

// token is a value as it stands in the payload, not yet judged.
type token struct {
	start, end int // of its text, without quotes; meaningless for a container
	decimal        // of a number
	kind       kind
	escaped    bool // a string has escapes
}

// scan reads the value at p[i:] and returns the index behind it, or -1. open
// counts what is open around it.
func (t *token) scan(p []byte, i int, open depth) int {
	if i >= len(p) {
		return -1
	}
	switch c := p[i]; {
	case c == '"':
		end, escaped := text(p, i+1)
		if end < 0 {
			return -1
		}
		t.kind, t.start, t.end, t.escaped = quoted, i+1, end, escaped
		return end + 1
	case c <= '9':
		end := number(p, i, &t.decimal)
		t.kind, t.start, t.end = numeric, i, end
		return end
	case c == 't':
		t.kind = boolTrue
		return literal(p, i)
	case c == 'f':
		t.kind = boolFalse
		return literal(p, i)
	case c == 'n':
		t.kind = null
		return literal(p, i)
	case c == '{' || c == '[':
		t.kind = container
		return skip(p, i, open)
	}
	return -1
}

// literal checks true, false or null at p[i:] and returns the index behind it,
// or -1.
func literal(p []byte, i int) int {
	if i+4 <= len(p) {
		switch string(p[i : i+4]) {
		case "true", "null":
			return i + 4
		case "fals":
			if i+4 < len(p) && p[i+4] == 'e' {
				return i + 5
			}
		}
	}
	return -1
}
