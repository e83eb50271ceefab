package configs

import (
	"math"
	"strconv"
	"strings"

	"github.com/weirstream/weir/event"
)

// spanUnits are the units of spans in milliseconds, largest first.
func spanUnits() []unit {
	return []unit{{"d", 86_400_000}, {"h", 3_600_000}, {"m", 60_000}, {"s", 1000}, {"ms", 1}}
}

type unit struct {
	name string
	size int64
}

// longestSpan is a hundred years: far beyond any sensible setting, and small
// enough that sums of spans cannot overflow.
const longestSpan = 100 * 365 * 86_400_000

// parseSpan reads a span such as 1h30m. The second result says what is wrong,
// in words that follow `path=value `.
func parseSpan(s string) (event.Time, string) {
	const form = "is not a duration; write a number with a unit (ms, s, m, h, d), such as 30s or 1h30m"
	if s == "" {
		return 0, form
	}
	if strings.HasPrefix(s, "-") {
		return 0, "must not be negative"
	}
	switch strings.ToLower(s) {
	case "day", "daily":
		return 0, "is a day of the calendar; write 1d, and for a window timezone as well"
	case "week", "weekly", "month", "monthly", "year":
		return 0, "is a span of the calendar, which is not supported yet; write 1d for 24 hours"
	}
	var total int64
	previous := int64(math.MaxInt64)
	for rest := s; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		letters := strings.IndexAny(rest[digits:], "0123456789.")
		if letters < 0 {
			letters = len(rest) - digits
		}
		name := rest[digits : digits+letters]
		if digits == 0 {
			return 0, form
		}
		if name == "" {
			return 0, unitless(s, rest[digits:])
		}
		u, ok := spanUnit(name)
		if !ok {
			return 0, "has an unknown unit " + strconv.Quote(name) + "; the units are ms, s, m, h and d"
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil || n > longestSpan/u || total+n*u > longestSpan {
			return 0, "is too long; the longest is 36500d"
		}
		if u >= previous {
			return 0, "must have its units from large to small, each once, such as 1h30m"
		}
		previous = u
		total += n * u
		rest = rest[digits+letters:]
	}
	return event.Time(total), ""
}

// unitless says what is wrong with a number that no unit follows.
func unitless(s, rest string) string {
	if strings.HasPrefix(rest, ".") {
		return "must be made of whole numbers, such as 1h30m or 1s500ms"
	}
	if strings.Trim(s, "0123456789") == "" {
		if len(s) > 6 {
			return "has no unit; write " + s + "ms if milliseconds are meant"
		}
		return "has no unit; write " + s + "s if seconds are meant"
	}
	return "has a number without a unit; the units are ms, s, m, h and d"
}

func spanUnit(name string) (int64, bool) {
	for _, u := range spanUnits() {
		if u.name == name {
			return u.size, true
		}
	}
	return 0, false
}

// formatSpan writes t as parseSpan reads it, in the fewest units.
func formatSpan(t event.Time) string {
	if t == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range spanUnits() {
		if n := int64(t) / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(n, 10))
			b.WriteString(u.name)
			t -= event.Time(n * u.size)
		}
	}
	return b.String()
}

// saySpan writes t in words: 1 hour 30 minutes.
func saySpan(t event.Time) string {
	if t == 0 {
		return "0 seconds"
	}
	var parts []string
	for _, u := range spanUnits() {
		n := int64(t) / u.size
		if n == 0 {
			continue
		}
		t -= event.Time(n * u.size)
		parts = append(parts, plural(n, sayUnit(u.name)))
	}
	return strings.Join(parts, " ")
}

func sayUnit(name string) string {
	switch name {
	case "d":
		return "day"
	case "h":
		return "hour"
	case "m":
		return "minute"
	case "s":
		return "second"
	default:
		return "millisecond"
	}
}

func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + one + "s"
}

func sizeUnits() []unit {
	return []unit{
		{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
		{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
	}
}

// parseSize reads a size such as 512MB or 1GiB, in bytes. The second result
// says what is wrong, in words that follow `path=value `.
func parseSize(s string) (int64, string) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	name := s[digits:]
	if digits == 0 || strings.HasPrefix(name, ".") {
		return 0, "is not a size; write a whole number with a unit (KB, MB, GB, KiB, MiB, GiB), such as 512MB"
	}
	if name == "" {
		return 0, "has no unit; write for example " + s + "MB"
	}
	for _, u := range sizeUnits() {
		if u.name != name {
			continue
		}
		if err != nil || n > math.MaxInt64/u.size {
			return 0, "is too large"
		}
		return n * u.size, ""
	}
	names := make([]string, 0, 9)
	for _, u := range sizeUnits() {
		names = append(names, u.name)
	}
	return 0, "has an unknown unit " + strconv.Quote(name) + "; write KB, MB, GB, KiB, MiB or GiB" + suggest(name, names)
}
