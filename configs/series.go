package configs

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// SeriesValue is one value of a series, or none.
type SeriesValue struct {
	Value  float64
	Absent bool // no reading at this time
}

// longestSeries bounds the values of one series, so that a slip such as 4x1000000000
// is an error and not a wait.
const longestSeries = 1_000_000

// parseSeries reads the notation of series: items with spaces between, each
//
//	4        one reading of 4
//	_        no reading
//	4x10     ten readings of 4; _x10: none for ten times
//	9+0.5x4  four readings that rise: 9 9.5 10 10.5; with - they fall
//
// The second result says what is wrong, in words that follow `path=value `.
func parseSeries(s string) ([]SeriesValue, string) {
	var all []SeriesValue
	for _, item := range strings.Fields(s) {
		first, step, n, problem := parseSeriesItem(item)
		if problem != "" {
			return nil, fmt.Sprintf("has %s, which %s", shorten(strconv.Quote(item)), problem)
		}
		if len(all)+n > longestSeries {
			return nil, fmt.Sprintf("has more than %d values", longestSeries)
		}
		for i := range n {
			v := SeriesValue{Value: first + float64(i)*step, Absent: math.IsNaN(first)}
			if v.Absent {
				v.Value = 0
			} else if math.IsInf(v.Value, 0) {
				return nil, fmt.Sprintf("has %s, which grows beyond what a number holds", shorten(strconv.Quote(item)))
			}
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return nil, "has no values; write for example 4x10 9+0.5x20"
	}
	return all, ""
}

// parseSeriesItem reads one item. first is NaN for no reading.
func parseSeriesItem(item string) (first, step float64, n int, problem string) {
	const form = "is none of 4, 4x10, 9+0.5x20, _ and _x3"
	head, times, repeated := strings.Cut(item, "x")
	n = 1
	if repeated {
		count, err := strconv.ParseUint(times, 10, 32)
		if err != nil || times[0] == '+' {
			return 0, 0, 0, form
		}
		if count == 0 || count > longestSeries {
			return 0, 0, 0, fmt.Sprintf("repeats %s times; write a number from 1 to %d", times, longestSeries)
		}
		n = int(count)
	}
	if head == "_" {
		return math.NaN(), 0, n, ""
	}
	value, rise := cutStep(head)
	if rise != "" {
		if !repeated {
			return 0, 0, 0, "rises without end; write how many readings, such as " + item + "x10"
		}
		s, err := strconv.ParseFloat(rise, 64)
		if err != nil || !isPlainNumber(rise) {
			return 0, 0, 0, form
		}
		step = s
	}
	first, err := strconv.ParseFloat(value, 64)
	if err != nil || !isPlainNumber(value) {
		return 0, 0, 0, form
	}
	return first, step, n, ""
}

// cutStep cuts 9+0.5 into 9 and +0.5. The sign before a number and the one of an
// exponent cut nothing.
func cutStep(s string) (value, step string) {
	for i := 1; i < len(s); i++ {
		if (s[i] == '+' || s[i] == '-') && s[i-1] != 'e' && s[i-1] != 'E' {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// isPlainNumber refuses what ParseFloat takes beside decimal numbers: inf, nan, hexadecimal
// and underscores.
func isPlainNumber(s string) bool { return strings.Trim(s, "+-.0123456789eE") == "" }

// seriesText is a series in the file.
type seriesText struct {
	leaf
	values []SeriesValue
}

func (t *seriesText) read(s scalar, _ reflect.StructTag) (problem string) {
	t.values, problem = parseSeries(s.text)
	return problem
}

func (t *seriesText) schema(reflect.StructTag) map[string]any {
	return map[string]any{"type": "string"}
}
