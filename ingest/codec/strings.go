package codec

import "unicode/utf8"

// text scans a string from the byte behind its opening quote and returns the
// index of the closing one, or -1, and whether it has escapes (RFC 8259 section
// 7). It does not look at UTF-8.
func text(p []byte, i int) (end int, escaped bool) {
	for {
		if i+8 <= len(p) {
			mask := stops(load(p[i:]))
			if mask == 0 {
				i += 8
				continue
			}
			i += firstByte(mask)
		}
		if i >= len(p) {
			return -1, false
		}
		switch c := p[i]; {
		case c == '"':
			return i, escaped
		case c < ' ':
			return -1, false
		case c != '\\':
			i++
		default:
			escaped = true
			if i = escape(p, i+1); i < 0 {
				return -1, false
			}
		}
	}
}

// escape checks the rest of an escape, from behind its backslash, and returns
// the index of what follows, or -1.
func escape(p []byte, i int) int {
	if i >= len(p) {
		return -1
	}
	switch p[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if i+5 > len(p) {
			return -1
		}
		for _, c := range p[i+1 : i+5] {
			if hex(c) < 0 {
				return -1
			}
		}
		return i + 5
	}
	return -1
}

// hex returns the value of a hexadecimal digit, or -1.
func hex(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// unescape appends to dst what s, the checked inside of a string, stands for.
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			i++
			continue
		}
		c := s[i+1]
		i += 2
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := unit(s[i:])
			i += 4
			if low := pair(r, s[i:]); low >= 0 {
				r = (r-0xd800)<<10 | (low - 0xdc00) + 0x10000
				i += 6
			}
			dst = utf8.AppendRune(dst, r) // a surrogate left alone becomes U+FFFD here
		default: // a quote, a slash or a backslash
			dst = append(dst, c)
		}
	}
	return dst
}

// unit reads the four hexadecimal digits of a UTF-16 code unit.
func unit(s []byte) rune {
	return hex(s[0])<<12 | hex(s[1])<<8 | hex(s[2])<<4 | hex(s[3])
}

// pair returns the low surrogate escaped at s if high is one that it completes,
// else -1.
func pair(high rune, s []byte) rune {
	if high < 0xd800 || high > 0xdbff || len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	low := unit(s[2:])
	if low < 0xdc00 || low > 0xdfff {
		return -1
	}
	return low
}
