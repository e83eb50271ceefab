package oracle

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/weirstream/weir/event"
)

// The first and the last moment a reading may have: the years 1970 to 2200.
const (
	firstTime = event.Time(0)
	lastTime  = event.Time(7_289_654_399_999) // 2200-12-31T23:59:59.999Z
)

// instant reads an event time. unit is that of a number; with an empty one
// numbers are refused. Fractions of a millisecond are cut off.
func instant(n *node, unit string) (event.Time, event.Reason) {
	t, ok := event.Time(0), false
	switch n.kind {
	case '"':
		t, ok = rfc3339(n.text)
	case '0':
		if unit != "" {
			t, ok = epoch(n.text, unit), true
		}
	}
	switch {
	case !ok:
		return 0, event.TimeFormat
	case t < firstTime || t > lastTime:
		return 0, event.TimeRange
	}
	return t, ""
}

// epoch turns a number since 1970 into milliseconds; -1 where it is before 1970,
// and after lastTime where it is that far ahead.
func epoch(number, unit string) event.Time {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	value, ok := new(big.Rat).SetString(mantissa)
	if !ok {
		panic("the number " + number + " passed the JSON reader")
	}
	if value.Sign() < 0 {
		return -1
	}
	power, err := strconv.Atoi(strings.TrimPrefix(exponent, "+"))
	if exponent == "" {
		power, err = 0, nil
	}
	// A power of ten that the digits cannot make up for is not worked out.
	switch far := len(number) + 50; {
	case value.Sign() == 0 || (err != nil || power < -far) && strings.HasPrefix(exponent, "-"):
		return 0
	case err != nil || power > far:
		return lastTime + 1
	case power < 0:
		value.Quo(value, tenTo(-power))
	default:
		value.Mul(value, tenTo(power))
	}
	switch unit {
	case "s":
		value.Mul(value, tenTo(3))
	case "us":
		value.Quo(value, tenTo(3))
	case "ns":
		value.Quo(value, tenTo(6))
	}
	whole := new(big.Int).Quo(value.Num(), value.Denom())
	if !whole.IsInt64() || event.Time(whole.Int64()) > lastTime {
		return lastTime + 1
	}
	return event.Time(whole.Int64())
}

func tenTo(power int) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(power)), nil))
}

// rfc3339 reads a time as Go does: T and Z are capital, and there are no leap
// seconds.
func rfc3339(s string) (event.Time, bool) {
	at, err := time.Parse(time.RFC3339, s)
	return event.Time(at.UTC().UnixMilli()), err == nil
}

// written is a time as records have it: RFC 3339 in UTC with milliseconds.
func written(t event.Time) string {
	return time.UnixMilli(int64(t)).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
