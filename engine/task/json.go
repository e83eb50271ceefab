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
	if scaled := v * 1e6; scaled > -1e15 && scaled < 1e15 {
		// At most 15 digits: two such decimals never share a double, so one that reads back as v is the shortest that does.
		if n := int64(math.Round(scaled)); n != 0 && float64(n)/1e6 == v {
			return appendMillionths(dst, n)
		}
	}
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

// appendMillionths appends n / 1,000,000, which is no whole number, without zeros at its end.
func appendMillionths(dst []byte, n int64) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	dst = strconv.AppendInt(dst, n/1_000_000, 10)
	dst = append(dst, '.')
	for rest := n % 1_000_000; rest > 0; rest = rest * 10 % 1_000_000 {
		dst = append(dst, byte('0'+rest/100_000))
	}
	return dst
}

// stamps renders times as RFC 3339 with milliseconds in UTC. The date is that of the last time or the next to it, so its text is kept.
type stamps struct {
	day   int64 // since 1970-01-01
	date  [12]byte
	known bool
}

const (
	stampLayout = `"2006-01-02T15:04:05.000Z"`
	dayMs       = 86_400_000
)

func (s *stamps) append(dst []byte, t event.Time) []byte {
	day, ms := int64(t)/dayMs, int64(t)%dayMs
	if ms < 0 {
		day, ms = day-1, ms+dayMs
	}
	if !s.known || day != s.day {
		var scratch [64]byte
		text := time.UnixMilli(int64(t)).UTC().AppendFormat(scratch[:0], stampLayout)
		if len(text) != len(stampLayout) { // a year beyond 9999
			return append(dst, text...)
		}
		copy(s.date[:], text)
		s.day, s.known = day, true
	}
	sec, rest := int(ms/1000), int(ms%1000)
	dst = append(dst, s.date[:]...)
	return append(dst,
		digit(sec/36_000), digit(sec/3600), ':', digit(sec%3600/600), digit(sec%3600/60), ':', digit(sec%60/10), digit(sec),
		'.', digit(rest/100), digit(rest/10), digit(rest), 'Z', '"')
}

// digit is the last decimal digit of n.
func digit(n int) byte { return byte('0' + n%10) }
