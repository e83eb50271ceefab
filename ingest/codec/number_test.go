package codec

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// agreesWithParseFloat requires s, a JSON number, to be read bit for bit as
// strconv.ParseFloat does.
func agreesWithParseFloat(t require.TestingT, s string) {
	want, err := strconv.ParseFloat(s, 64)
	var d decimal
	require.Equal(t, len(s), number([]byte(s), 0, &d), "%s", s)
	got, ok := d.float([]byte(s))
	require.Equal(t, err == nil, ok, "%s", s)
	if ok {
		require.Equal(t, math.Float64bits(want), math.Float64bits(got), "%s", s)
	}
}

func TestFloats(t *testing.T) {
	for _, s := range []string{
		"0", "-0", "0.0", "-0e5", "0e999", "1", "-1", "10", "21.53", "0.1", "0.3", "1e22", "1e23", "3e23", "6e23", "7e23", "11e23", "1e-23", "4e-23", "7e-23", "123456789e22", "9007199254740992e22", "9007199254740993",
		"9007199254740992", "9007199254740991e-22", "9007199254740993e-1", "1e-22", "5e-324", "2e-324", "1.7976931348623157e308", "1.7976931348623159e308",
		"1e308", "1e309", "18446744073709551615", "18446744073709551616", "9999999999999999999", "0.000000000000000000001", "00.1"[1:], "1.00000000000000000000",
		"2.2250738585072011e-308", "1.00000000000000011102230246251565404236316680908203124", "1.00000000000000011102230246251565404236316680908203126",
		strings.Repeat("9", 400), "0." + strings.Repeat("0", 400) + "1", "1" + strings.Repeat("0", 400) + "e-400",
	} {
		agreesWithParseFloat(t, s)
	}
}

func TestFloatsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			agreesWithParseFloat(t, strconv.FormatFloat(f, rapid.SampledFrom([]byte("efg")).Draw(t, "format"), rapid.IntRange(-1, 20).Draw(t, "precision"), 64))
		}
		agreesWithParseFloat(t, rapid.StringMatching(`-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "decimal"))
	})
}

// TestNumberGrammar checks where number stops, and what it refuses.
func TestNumberGrammar(t *testing.T) {
	for s, want := range map[string]int{
		"": -1, "-": -1, "+1": -1, ".5": -1, "01": -1, "-01": -1, "00": -1, "1.": -1, "1.e3": -1, "1e": -1, "1e+": -1, "1E-": -1, "-.5": -1, "--1": -1,
		"NaN": -1, "Infinity": -1, "-Infinity": -1, "e5": -1,
		"0": 1, "-0": 2, "0x10": 1, "1e5.5": 3, "1.5.5": 3, "12a": 2, "1e0": 3, "1E+00": 5, "0.0e-0": 6, "1_000": 1, "1,5": 1,
	} {
		var d decimal
		require.Equal(t, want, number([]byte(s), 0, &d), "%q", s)
	}
}
