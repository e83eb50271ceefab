package codec

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

func TestTime(t *testing.T) {
	for _, c := range []struct{ unit, ts, want string }{
		{"", `"2026-03-01T12:00:00Z"`, " @1772366400000"},
		{"ms", `"2026-03-01T12:00:00Z"`, " @1772366400000"}, // a string is RFC 3339 whatever the unit
		{"", `"2026-03-01T13:30:00.9999999999+01:30"`, " @1772366400999"},
		{"", `"2026-03-01T12:00:0\u0030Z"`, " @1772366400000"},
		{"", `"1970-01-01T00:00:00Z"`, " @0"},
		{"", `"1969-12-31T23:59:59.9995Z"`, " !time_range"},
		{"", `"2200-12-31T23:59:59.999Z"`, " @7289654399999"},
		{"", `"2201-01-01T00:00:00Z"`, " !time_range"},
		{"", `"2016-12-31T23:59:60Z"`, " !time_format"}, // a leap second, which time.Parse refuses
		{"", `"2026-02-29T00:00:00Z"`, " !time_format"},
		{"", `"2026-03-01"`, " !time_format"},
		{"", `""`, " !time_format"},
		{"s", `"1772366400"`, " !time_format"},
		{"", `1772366400`, " !time_format"},
		{"s", `true`, " !time_format"},
		{"s", `[]`, " !time_format"},
		{"s", `{}`, " !time_format"},
		{"s", `null`, ""},
		{"s", `1772366400.123`, " @1772366400123"}, // 1772366400122 by way of a float64
		{"s", `1772366400.1239`, " @1772366400123"},
		{"s", `1.7723664e9`, " @1772366400000"},
		{"s", `1772366400000E-3`, " @1772366400000"},
		{"ms", `1772366400123.9`, " @1772366400123"},
		{"us", `1772366400123999`, " @1772366400123"},
		{"ns", `1772366400123999999`, " @1772366400123"},
		{"ns", `1772366400123999999.5`, " @1772366400123"},
		{"ns", `17723664001239999990e-1`, " @1772366400123"},
		{"s", `1772366400.12399999999999999999999999`, " @1772366400123"},
		{"s", `0.00000000000000000017723664e28`, " @1772366400000"},
		{"s", `7289654399.999`, " @7289654399999"},
		{"s", `7289654400`, " !time_range"},
		{"ms", `7289654400000.00000000000000000`, " !time_range"},
		{"ms", `18446744073709551617`, " !time_range"},
		{"ms", `1e400`, " !time_range"},
		{"ms", `1e99999999999999999999`, " !time_range"},
		{"ms", `1e-99999999999999999999`, " @0"},
		{"ms", `-1e-99999999999999999999`, " !time_range"},
		{"ms", `0e99999999999999999999`, " @0"},
		{"ms", `-0`, " @0"},
		{"ms", `-0.000000000000000000000`, " @0"},
		{"ms", `-0.000000000000000000001`, " !time_range"},
		{"ms", `-0.1`, " !time_range"},
		{"s", `-1`, " !time_range"},
		{"ms", `0.` + strings.Repeat("0", 120_000) + `1e120001`, " @1"},
		{"ms", `1` + strings.Repeat("0", 120_000) + `e-120000`, " @1"},
	} {
		decoded(t, narrow(c.unit), `{"device":"p","metric":"door","value":1,"ts":`+c.ts+`}`, `0 "p" m1 1`+c.want)
	}
}

// agreesWithParse requires rfc3339 to read s as time.Parse does.
func agreesWithParse(t require.TestingT, s string) {
	want, err := time.Parse(time.RFC3339Nano, s)
	got, ok := rfc3339([]byte(s))
	require.Equal(t, err == nil, ok, "%q: %v", s, err)
	if ok {
		require.Equal(t, event.Time(want.UnixMilli()), got, "%q", s)
	}
}

func TestRFC3339Shapes(t *testing.T) {
	for _, s := range []string{
		"2026-03-01T12:00:00Z", "2026-03-01T12:00:00.1Z", "2026-03-01T12:00:00,1Z", "2026-03-01T1:00:00Z", "2026-03-01T12:00:00.Z",
		"2026-03-01T12:00:00.123456789123Z", "2026-03-01T12:00:00+24:60", "2026-03-01T12:00:00-24:60", "2026-03-01T12:00:00+25:00",
		"2026-03-01T12:00:00+24:61", "2026-03-01T12:00:00", "2026-03-01T12:00:00z", "2026-03-01t12:00:00Z", "2026-03-01 12:00:00Z",
		"2026-3-01T12:00:00Z", "2026-03-1T12:00:00Z", "2026-03-01T12:0:00Z", "2026-03-01T12:00:0Z", "02026-03-01T12:00:00Z", "226-03-01T12:00:00Z",
		"0000-01-01T00:00:00Z", "0000-02-29T00:00:00.001Z", "0000-01-01T00:00:00+24:00", "9999-12-31T23:59:59.999Z", "2000-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-02-29T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-04-31T00:00:00Z",
		"2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:60.5Z", "2026-03-01T12:00:00ZZ", "2026-03-01T12:00:00Z ",
		"2026-03-01T12:00:00+01:00 ", "2026-03-01T12:00:00+0100", "2026-03-01T12:00:00+1:00", "2026-03-01T12:00:00 01:00", "2026-03-01T12:00:00.123+01:00",
		"", "2", "2026-03-01T12:00:0", "2026-03-01T12:00:00.123", "+026-03-01T12:00:00Z", "2026-03-01T-1:00:00Z", "2026:03:01T12:00:00Z",
	} {
		agreesWithParse(t, s)
	}
}

// TestRFC3339Property draws times that are right or nearly so.
func TestRFC3339Property(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(to int, name string) int { return rapid.IntRange(0, to).Draw(t, name) }
		s := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", n(9999, "year"), n(13, "month"), n(32, "day"), n(24, "hour"), n(60, "minute"), n(60, "second"))
		if digits := n(12, "digits"); digits > 0 {
			s += "." + rapid.StringMatching(fmt.Sprintf("[0-9]{%d}", digits)).Draw(t, "fraction")
		}
		if rapid.Bool().Draw(t, "zulu") {
			s += "Z"
		} else {
			s += fmt.Sprintf("%s%02d:%02d", rapid.SampledFrom([]string{"+", "-"}).Draw(t, "sign"), n(25, "offset hours"), n(61, "offset minutes"))
		}
		agreesWithParse(t, s)
		damaged := []byte(s)
		damaged[n(len(s)-1, "at")] = rapid.SampledFrom([]byte("0123456789-:.,TZ+/; \x00\xff")).Draw(t, "byte")
		agreesWithParse(t, string(damaged))
		agreesWithParse(t, s[:n(len(s), "cut")])
	})
}

// TestEveryByteOfATime replaces each byte of the two common shapes by each
// other byte, for the arithmetic on words.
func TestEveryByteOfATime(t *testing.T) {
	for _, s := range []string{"2026-03-01T12:00:00Z", "2026-03-01T12:00:00.123Z"} {
		for i := range s {
			for c := range 256 {
				damaged := []byte(s)
				damaged[i] = byte(c)
				agreesWithParse(t, string(damaged))
			}
		}
	}
}
