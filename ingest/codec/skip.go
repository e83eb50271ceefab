package codec

// skip checks the value at p[i:] against the grammar and returns the index
// behind it, or -1. open counts what is open around it.
func skip(p []byte, i int, open depth) int {
	if i >= len(p) {
		return -1
	}
	switch p[i] {
	case '{', '[':
		return nested(p, i, open)
	case '"':
		end, _ := text(p, i+1)
		if end < 0 {
			return -1
		}
		return end + 1
	case 't', 'f', 'n':
		return literal(p, i)
	}
	var d decimal
	return number(p, i, &d)
}

// nested is skip for an object or array. It does not recurse: brackets keeps
// what is open, so that a hostile document costs neither stack nor heap.
func nested(p []byte, i int, open depth) int {
	var inside brackets
	outside := open
	for {
		// A value begins at i.
		if i < len(p) && (p[i] == '{' || p[i] == '[') {
			bracket := p[i]
			if open++; open > MaxDepth {
				return -1
			}
			i = space(p, i+1)
			if i >= len(p) || p[i] != closing(bracket) {
				if inside.push(open, bracket); bracket == '{' {
					i = member(p, i)
				}
				if i < 0 {
					return -1
				}
				continue
			}
			i++
			open--
		} else if i = skip(p, i, open); i < 0 {
			return -1
		}
		// A value ended before i.
		for more := false; !more; {
			if open == outside {
				return i
			}
			i = space(p, i)
			switch bracket := inside.at(open); {
			case i < len(p) && p[i] == closing(bracket):
				i++
				open--
			case i < len(p) && p[i] == ',':
				more = true
				if i = space(p, i+1); bracket == '{' {
					i = member(p, i)
				}
				if i < 0 {
					return -1
				}
			default:
				return -1
			}
		}
	}
}

// closing returns the bracket that closes one: in ASCII it is the next but one.
func closing(bracket byte) byte {
	return bracket + 2
}

// brackets remembers for each depth, in a bit, whether an object or an array is
// open there.
type brackets [MaxDepth/64 + 1]uint64

func (b *brackets) push(at depth, bracket byte) {
	bit := uint64(1) << (at % 64)
	if bracket == '{' {
		b[at/64] |= bit
	} else {
		b[at/64] &^= bit
	}
}

func (b *brackets) at(open depth) byte {
	if b[open/64]>>(open%64)&1 == 1 {
		return '{'
	}
	return '['
}

// member checks the key and colon of a member of an object and returns the
// index of its value, or -1.
func member(p []byte, i int) int {
	if i >= len(p) || p[i] != '"' {
		return -1
	}
	end, _ := text(p, i+1)
	if end < 0 {
		return -1
	}
	i = space(p, end+1)
	if i >= len(p) || p[i] != ':' {
		return -1
	}
	return space(p, i+1)
}
