package task

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/weirstream/weir/event"
)

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string (RFC 8259 section 7). Bytes that are
// not UTF-8 become U+FFFD, as encoding/json writes them.
func appendString[S ~string | ~[]byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			_, n := utf8.DecodeRune([]byte(s[i:min(i+utf8.UTFMax, len(s))]))
			if n > 1 {
				i += n
				continue
			}
			dst = append(append(dst, s[start:i]...), `\ufffd`...)
			i++
			start = i
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// appendNumber appends the shortest decimal that reads back as v. A value that
// JSON cannot hold (an overflowed sum) is written as null.
func appendNumber(dst []byte, v float64) []byte {
	if i := int64(v); float64(i) == v && i > -1e15 && i < 1e15 && (i != 0 || !math.Signbit(v)) {
		return strconv.AppendInt(dst, i, 10)
	}
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return append(dst, "null"...)
	}
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

// stamps renders times as RFC 3339 with milliseconds in UTC. The devices of a
// task close the same windows one after the other, so the few texts written
// last are kept.
type stamps struct {
	at   [8]event.Time
	text [8][26]byte // quoted
	full [8]bool

	scratch [64]byte
}

const stampLayout = `"2006-01-02T15:04:05.000Z"`

func (s *stamps) append(dst []byte, t event.Time) []byte {
	i := (uint64(t) * 0x9e3779b97f4a7c15) >> 61
	if !s.full[i] || s.at[i] != t {
		// Formatting writes more digits than it keeps, so it needs room to spare.
		text := time.UnixMilli(int64(t)).UTC().AppendFormat(s.scratch[:0], stampLayout)
		if len(text) != len(s.text[i]) { // a year beyond 9999
			return append(dst, text...)
		}
		copy(s.text[i][:], text)
		s.at[i], s.full[i] = t, true
	}
	return append(dst, s.text[i][:]...)
}
