package codec

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// agreesWithJSON requires s, the inside of a string of valid UTF-8, to stand for
// what encoding/json says, by way of both decoders.
func agreesWithJSON(t require.TestingT, s string) {
	var want string
	require.NoError(t, json.Unmarshal([]byte(`"`+s+`"`), &want))
	end, _ := text([]byte(s+`"`), 0)
	require.Equal(t, len(s), end)
	require.Equal(t, want, string(unescape(nil, []byte(s))), "%s", s)
	var repaired string
	require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `"%s"`, appendRepaired(nil, []byte(s))), &repaired))
	require.Equal(t, want, repaired, "%s", s)
}

func TestSurrogates(t *testing.T) {
	edges := []string{`\u0000`, `\u00e9`, `\ud7ff`, `\ud800`, `\udbff`, `\uDC00`, `\udfff`, `\ue000`, `\uffff`, `a`, `\\`, `\"`, `\/\b\f\n\r\t`}
	for _, a := range edges {
		agreesWithJSON(t, a)
		for _, b := range edges {
			agreesWithJSON(t, a+b)
			for _, c := range edges {
				agreesWithJSON(t, a+b+c)
			}
		}
	}
}

func TestStringsProperty(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", "0123456789", "é", "😀", `\\`, `\"`, `\u0041`, `\ud83d`, `\ude00`, `\n`, "\x7f"})
	rapid.Check(t, func(t *rapid.T) {
		agreesWithJSON(t, strings.Join(rapid.SliceOf(piece).Draw(t, "pieces"), ""))
	})
}

// TestTextStops puts each byte at each place of a string, with and without
// enough behind it to be looked at by the word.
func TestTextStops(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			for _, behind := range []string{`"`, `", and the rest of a longer message`} {
				s := []byte(strings.Repeat("x", at) + string([]byte{byte(c)}) + "xyz" + behind)
				want := at + 4
				switch {
				case c < 0x20, c == '\\': // \x is no escape
					want = -1
				case c == '"':
					want = at
				}
				end, _ := text(s, 0)
				require.Equal(t, want, end, "%q", s)
			}
		}
	}
}

func TestNamesThatDifferInTheMiddle(t *testing.T) {
	list := []string{"a", "ab", "abcdefg", "abcdefgh", "abcdefghi", "abcdefgh_abcdefgh", "abcdefgh-abcdefgh", "abcdefgh__abcdefgh", "\x00", "\x00\x00", "temperature"}
	n := newNames(append([]string{""}, list...))
	for i, name := range list {
		require.EqualValues(t, i+1, n.find([]byte(name)), "%q", name)
		require.EqualValues(t, i+1, n.find(append([]byte(name), "and more"...)[:len(name)]), "%q", name)
	}
	for _, name := range []string{"", "b", "abc", "abcdefg\x00", "abcdefgh+abcdefgh", "abcdefgh___abcdefgh", "\x00\x00\x00", "temperaturf"} {
		require.EqualValues(t, -1, n.find([]byte(name)), "%q", name)
	}
}
