package codec

import (
	"math"
	"strconv"
	"unsafe"
)

// decimal is a number of the text as its digits stand there:
// (-1)^negative * digits * 10^exponent.
type decimal struct {
	digits   uint64 // all of them as one integer; meaningless unless exact
	exponent int64
	exact    bool // there are at most 19, so that digits holds them
	negative bool
	integer  bool // written without fraction and exponent
}

// maxDigits is how many decimal digits a uint64 holds whatever they are.
const maxDigits = 19

// number scans a number (RFC 8259 section 6) and returns the index behind it,
// or -1.
func number(p []byte, i int, d *decimal) int {
	var digits uint64
	var exponent int64
	negative := i < len(p) && p[i] == '-'
	if negative {
		i++
	}
	start := i
	i, digits = run(p, i, 0)
	count := i - start
	if count == 0 || count > 1 && p[start] == '0' {
		return -1
	}
	integer := true
	if i < len(p) && p[i] == '.' {
		integer = false
		start = i + 1
		i, digits = run(p, start, digits)
		if i == start {
			return -1
		}
		count += i - start
		exponent = int64(start - i)
	}
	if i < len(p) && p[i]|0x20 == 'e' {
		integer = false
		var e int64
		if i, e = power(p, i+1); i < 0 {
			return -1
		}
		exponent += e
	}
	d.digits, d.exponent = digits, exponent
	d.exact, d.negative, d.integer = count <= maxDigits, negative, integer
	return i
}

// run reads digits up to the first byte that is none, as the continuation of n;
// it overflows silently.
func run(p []byte, i int, n uint64) (int, uint64) {
	for ; i < len(p); i++ {
		c := uint64(p[i]) - '0'
		if c > 9 {
			break
		}
		n = n*10 + c
	}
	return i, n
}

// power scans an exponent from behind its e; the index is -1 if it has no
// digits. One that no message is long enough to make up for is cut off.
func power(p []byte, i int) (int, int64) {
	const enough = 1 << 50
	negative := false
	if i < len(p) && (p[i] == '+' || p[i] == '-') {
		negative = p[i] == '-'
		i++
	}
	start := i
	var e int64
	for ; i < len(p) && p[i]-'0' <= 9; i++ {
		if e < enough {
			e = e*10 + int64(p[i]-'0')
		}
	}
	if i == start {
		return -1, 0
	}
	if negative {
		e = -e
	}
	return i, e
}

// float returns the float64 nearest to d, whose text is s: what
// strconv.ParseFloat returns. It is false if there is no finite one.
//
// Digits below 2^53 and a power of ten up to 22 are both exact, so that one
// operation rounds once (Clinger, How to read floating point numbers
// accurately, PLDI 1990). That is what sensors send; the rest goes to strconv.
func (d *decimal) float(s []byte) (float64, bool) {
	if !d.exact || d.digits > 1<<53 || d.exponent > 22 || d.exponent < -22 {
		f, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(s), len(s)), 64)
		return f, err == nil
	}
	f := float64(d.digits)
	scale := 1.0
	e := d.exponent
	for ; e > 0; e-- {
		scale *= 10
	}
	if e < 0 {
		for ; e < 0; e++ {
			scale *= 10
		}
		f /= scale
	} else {
		f *= scale
	}
	if d.negative {
		f = -f
	}
	return f, true
}

// sequence returns d as a sequence number; false if it is not written as an
// integer of [0, 2^63).
func (d *decimal) sequence() (int64, bool) {
	if !d.integer || d.negative || !d.exact || d.digits > math.MaxInt64 {
		return 0, false
	}
	return int64(d.digits), true
}
