package codec

import "github.com/weirstream/weir/event"

// endOfTime is the first millisecond of 2201: times are in [0, endOfTime).
const endOfTime event.Time = 7_289_654_400_000

// millis is the power of ten that turns a number of the unit into milliseconds.
func millis(unit string) int64 {
	switch unit {
	case "s":
		return 3
	case "us":
		return -3
	case "ns":
		return -6
	}
	return 0
}

// floor returns the greatest integer not above d * 10^scale, exactly: a float64
// would put 1772366400.123 s a millisecond early. It is false outside of
// [0, endOfTime). The text of d is s.
func (d *decimal) floor(s []byte, scale int64) (event.Time, bool) {
	if !d.exact {
		return floorDigits(s, d.exponent+scale)
	}
	n := d.digits
	if d.negative && n != 0 {
		return 0, false
	}
	e := d.exponent + scale
	for ; e > 0 && 0 < n && n < uint64(endOfTime); e-- {
		n *= 10
	}
	for ; e < 0 && n != 0; e++ {
		n /= 10
	}
	return event.Time(n), n < uint64(endOfTime)
}

// floorDigits is floor for a number of any length: s is its text, and its
// digits up to the exponent, point left out, stand for an integer times
// 10^exponent.
func floorDigits(s []byte, exponent int64) (event.Time, bool) {
	whole := exponent // how many digits stand before the moved point
	for _, c := range s {
		if c|0x20 == 'e' {
			break
		}
		if c-'0' <= 9 {
			whole++
		}
	}
	var n event.Time
	zero := true
	for _, c := range s {
		if c|0x20 == 'e' {
			break
		}
		if c-'0' > 9 {
			continue
		}
		zero = zero && c == '0'
		if whole > 0 {
			n = n*10 + event.Time(c-'0')
			whole--
		}
		if n >= endOfTime {
			return 0, false
		}
	}
	for ; whole > 0 && 0 < n && n < endOfTime; whole-- {
		n *= 10
	}
	if !zero && s[0] == '-' {
		return 0, false
	}
	return n, n < endOfTime
}
