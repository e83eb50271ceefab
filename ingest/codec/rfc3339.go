package codec

import (
	"encoding/binary"

	"github.com/weirstream/weir/event"
)

// rfc3339 reads a point in time as time.Parse does with the layout RFC3339Nano,
// cut to milliseconds; false where that fails. The range is not looked at.
//
// time.Parse is wider than the RFC in three ways, and so is this: a comma may
// stand for the point of the fraction, the hour may be one digit, and an offset
// may go up to 24:60. It is narrower in one: a leap second (:60) is refused.
func rfc3339(s []byte) (event.Time, bool) {
	if len(s) == len("2006-01-02T15:04:05Z") || len(s) == len("2006-01-02T15:04:05.000Z") {
		if t, ok := zulu(s); ok {
			return t, true
		}
	}
	return anyRFC3339(s)
}

// Patterns of the words of a UTC time. A digit differs from its '0' by less
// than ten, a separator not at all: adding 6 or 15 to the difference carries
// into the upper half of the byte exactly if it does not fit.
const (
	datePattern   = 0x2d30302d30303030 // 0000-00-
	dateCarry     = 0x0f06060f06060606
	minutePattern = 0x30303a3030543030 // 00T00:00
	minuteCarry   = 0x06060f06060f0606
	milliPattern  = 0x5a3030302e30303a // :00.000Z
	milliCarry    = 0x0f0606060f06060f
	secondPattern = 0x5a30303a // :00Z
	secondCarry   = 0x0f06060f
	upperHalves   = 0xf0f0f0f0f0f0f0f0
)

// zulu reads the two common shapes, 2006-01-02T15:04:05Z and with milliseconds,
// a word at a time. False may only mean that anyRFC3339 must look.
func zulu(s []byte) (event.Time, bool) {
	date := load(s) ^ datePattern
	minute := load(s[8:]) ^ minutePattern
	var second, carry uint64
	if len(s) == len("2006-01-02T15:04:05Z") {
		second = uint64(binary.LittleEndian.Uint32(s[16:])) ^ secondPattern
		carry = secondCarry
	} else {
		second = load(s[16:]) ^ milliPattern
		carry = milliCarry
	}
	if (date|(date+dateCarry)|minute|(minute+minuteCarry)|second|(second+carry))&upperHalves != 0 {
		return 0, false
	}
	thousandths := byteAt(second, 6)
	date, minute, second = pairs(date), pairs(minute), pairs(second)
	c := civil{
		year:   byteAt(date, 0)*100 + byteAt(date, 2),
		month:  byteAt(date, 5),
		day:    byteAt(minute, 0),
		hour:   byteAt(minute, 3),
		minute: byteAt(minute, 6),
		second: byteAt(second, 1),
		milli:  byteAt(second, 4)*10 + thousandths,
	}
	return c.time()
}

// pairs makes each byte of w, holding digits, ten times itself plus the next.
func pairs(w uint64) uint64 {
	return w*10 + w>>8
}

func byteAt(w uint64, k int) uint64 {
	return w >> (8 * k) & 0xff
}

// civil is a date of the Gregorian calendar and a time of day, in UTC.
type civil struct {
	year, month, day            uint64
	hour, minute, second, milli uint64
}

// time returns c as Unix milliseconds; false if there is no such date or time.
// The year is taken to begin in March, so that the leap day is its last: after
// Hinnant, chrono-compatible low-level date algorithms, days_from_civil.
func (c *civil) time() (event.Time, bool) {
	if c.month-1 > 11 || c.day-1 > 27 && c.day-1 >= daysIn(c.month, c.year) || c.hour > 23 || c.minute > 59 || c.second > 59 {
		return 0, false
	}
	year, month := c.year+400, c.month-3 // 400 years more: none of it is negative
	if c.month < 3 {
		year, month = year-1, month+12
	}
	const toEpoch = 400*365 + 97 + 719468 // days from 1 March of the year -400 to 1970
	century := year / 100
	days := int64(365*year+year/4-century+century/4+(153*month+2)/5+c.day-1) - toEpoch
	return event.Time(days*86_400_000 + int64(c.hour*3_600_000+c.minute*60_000+c.second*1000+c.milli)), true
}

func daysIn(month, year uint64) uint64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// anyRFC3339 reads every shape, a part at a time.
func anyRFC3339(s []byte) (event.Time, bool) {
	p := parts{rest: s, ok: true}
	var c civil
	c.year = p.two()*100 + p.two()
	p.mark('-')
	c.month = p.two()
	p.mark('-')
	c.day = p.two()
	p.mark('T')
	c.hour = p.oneOrTwo()
	p.mark(':')
	c.minute = p.two()
	p.mark(':')
	c.second = p.two()
	c.milli = p.fraction()
	offset := p.zone()
	t, ok := c.time()
	return t - offset, ok && p.ok && len(p.rest) == 0
}

// parts takes a time apart from the left. Once a part is not what it should be,
// ok is false and stays so.
type parts struct {
	rest []byte
	ok   bool
}

func (p *parts) digit(k int) bool {
	return k < len(p.rest) && p.rest[k]-'0' <= 9
}

func (p *parts) two() uint64 {
	if !p.digit(0) || !p.digit(1) {
		p.ok, p.rest = false, nil
		return 0
	}
	n := uint64(p.rest[0]-'0')*10 + uint64(p.rest[1]-'0')
	p.rest = p.rest[2:]
	return n
}

func (p *parts) oneOrTwo() uint64 {
	if !p.digit(0) || p.digit(1) {
		return p.two()
	}
	n := uint64(p.rest[0] - '0')
	p.rest = p.rest[1:]
	return n
}

func (p *parts) mark(c byte) {
	if len(p.rest) == 0 || p.rest[0] != c {
		p.ok, p.rest = false, nil
		return
	}
	p.rest = p.rest[1:]
}

// fraction takes the fraction of a second, if there is one, in milliseconds.
func (p *parts) fraction() uint64 {
	if len(p.rest) == 0 || p.rest[0] != '.' && p.rest[0] != ',' || !p.digit(1) {
		return 0
	}
	milli, unit := uint64(0), uint64(100)
	p.rest = p.rest[1:]
	for p.digit(0) {
		milli += uint64(p.rest[0]-'0') * unit
		unit /= 10
		p.rest = p.rest[1:]
	}
	return milli
}

// zone takes Z or an offset from UTC.
func (p *parts) zone() event.Time {
	sign := event.Time(1)
	switch {
	case len(p.rest) > 0 && p.rest[0] == 'Z':
		p.mark('Z')
		return 0
	case len(p.rest) > 0 && p.rest[0] == '-':
		p.mark('-')
		sign = -1
	default:
		p.mark('+')
	}
	hours := p.two()
	p.mark(':')
	minutes := p.two()
	if hours > 24 || minutes > 60 {
		p.ok = false
	}
	return sign * event.Time(hours*60+minutes) * 60_000
}
