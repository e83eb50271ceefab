package codec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

// variants are the shapes of message the agreement is checked for.
func variants() []Options {
	return []Options{
		narrow(""), narrow("s"), narrow("ms"), narrow("us"), narrow("ns"),
		wide(""), wide("s"),
		{Metric: "metric", Value: "value", Metrics: []string{"door"}},
		{Device: "d", Metric: "m", Time: "t", Unit: "s", Value: "v", Seq: "s", Metrics: []string{"a", "b", "c"}},
		{Device: "d", Time: "t", Unit: "ns", Seq: "s", Wide: []string{"a", "b", "m", "v"}, Metrics: []string{"b", "a"}},
	}
}

// twins are a scanner and the fallback of the same options.
type twins struct {
	scanner  *Scanner
	fallback *Fallback
}

func newPairs(t testing.TB) []twins {
	var pairs []twins
	for _, o := range variants() {
		pairs = append(pairs, twins{newScanner(t, o), newFallback(t, o)})
	}
	return pairs
}

// agree requires both to read payload alike: the scanner first with an empty
// memory of the layout, then with that of another message, then with its own.
func (p twins) agree(t require.TestingT, payload []byte) {
	var slow Batch
	p.fallback.Decode(payload, &slow)
	var fast Batch
	p.scanner.Decode(payload, &fast)
	requireSame(t, slow.Readings, fast.Readings, payload)
	p.scanner.Decode([]byte(`{"device":1,"metric":2,"ts":3,"value":4,"seq":5,"door":6,"temperature":7}`), &fast)
	for range 2 {
		start := len(fast.Readings)
		p.scanner.Decode(payload, &fast)
		requireSame(t, slow.Readings, fast.Readings[start:], payload)
	}
}

func requireSame(t require.TestingT, want, got []event.Reading, payload []byte) {
	require.Equal(t, len(want), len(got), "%q", payload)
	for i := range want {
		require.Equal(t, show(want[i]), show(got[i]), "%q", payload)
	}
}

// FuzzScannerAgrees holds the scanner to the fallback, reading for reading, and
// both to what encoding/json takes for JSON.
func FuzzScannerAgrees(f *testing.F) {
	for _, document := range malformedDocuments() {
		if len(document) < 200 {
			f.Add([]byte(document))
		}
	}
	for _, document := range []string{
		`{"device":"pump-000123","metric":"temperature","ts":"2026-03-01T12:00:00.123Z","value":21.53,"seq":12345}`,
		`{"id":"p","ts":1772366400.123,"temperature":1e-5,"door":true,"seq":9223372036854775807,"noise":[{"a":"\ud800\u0041\udc00"}]}`,
		`[{"d":-5,"m":"a","t":1e9,"v":1.5,"s":0},{"d":"\u0064","m":"b","t":"2026-03-01T1:00:00,5+24:60","v":"\"\\\/\b\f\n\r\t"},[],{}]`,
		`{"a":1,"a":null,"b":0.1e-7,"m":{},"v":false,"d":"x","t":-0.0,"s":-0}`,
		`{"device":"p","metric":"door","value":123456789012345678901234567890e-20,"ts":17723664001239999990e-1,"seq":18446744073709551616}`,
	} {
		f.Add([]byte(document))
	}
	pairs := newPairs(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, p := range pairs {
			p.agree(t, payload)
		}
		end := skip(payload, space(payload, 0), 0)
		accepted := end >= 0 && space(payload, end) == len(payload)
		valid := json.Valid(payload)
		if valid {
			_, deepest := shallow(payload)
			valid = deepest <= MaxDepth
		}
		require.Equal(t, valid, accepted)
	})
}

func FuzzRFC3339(f *testing.F) {
	for _, s := range []string{"2026-03-01T12:00:00Z", "2026-03-01T12:00:00.123Z", "2026-03-01T1:00:00,5+24:60", "0000-01-01T00:00:00-00:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { agreesWithParse(t, s) })
}

// drawDocument draws a message that is right or nearly so: fields in any order,
// escaped, repeated, missing, with values of every kind and space anywhere.
func drawDocument(t *rapid.T, o Options) []byte {
	keys := append(o.roles(), "x", "", "devic", "valuee", "a rather long namE")
	values := append([]string{
		`"2026-03-01T12:00:00.123Z"`, `"2026-03-01T12:00:00+01:00"`, `"2026-03-01T12:00:0"`, `"p-1"`, `"p\u0041"`, `"\ud83d\ude00"`, `"\ude00\ud83d"`, `"\ud800\u0041"`, `""`, "\"\xff\"",
		`0`, `-0`, `7`, `-7`, `21.53`, `1772366400`, `1772366400123`, `1772366400123456`, `1772366400123456789`, `1.772366400123e9`, `1e999`, `-1e999`, `1e-999`, `9223372036854775807`, `9223372036854775808`,
		`123456789012345678901234567890`, `0.000000000000000000000000000001`, `true`, `false`, `null`, `[]`, `{}`, `[1,{"a":[]}]`, `[{"a":1},[1,2],{"b":[3]},[[]]]`, `{"a":{"b":[]}}`,
	}, quotedAll(o.Metrics)...)
	broken := []string{`01`, `1.`, `-`, `nul`, `[}`, `"open`, `"\x"`, ``, `[[]`, `{"a"}`}
	blank := rapid.SampledFrom([]string{"", "", "", "", " ", "\n\t", "\r "})
	object := rapid.Custom(func(t *rapid.T) string {
		var s strings.Builder
		s.WriteString("{")
		for k := range rapid.IntRange(0, 9).Draw(t, "fields") {
			if k > 0 {
				s.WriteString(blank.Draw(t, "space") + ",")
			}
			key := rapid.SampledFrom(keys).Draw(t, "key")
			if key != "" && rapid.IntRange(0, 9).Draw(t, "escape") == 0 {
				key = fmt.Sprintf(`\u%04x%s`, key[0], key[1:])
			}
			value := rapid.SampledFrom(values).Draw(t, "value")
			if rapid.IntRange(0, 49).Draw(t, "break") == 0 {
				value = rapid.SampledFrom(broken).Draw(t, "broken")
			}
			s.WriteString(blank.Draw(t, "space") + `"` + key + `"` + blank.Draw(t, "space") + ":" + blank.Draw(t, "space") + value)
		}
		return s.String() + "}"
	})
	document := object.Draw(t, "object")
	if rapid.Bool().Draw(t, "array") {
		elements := append(rapid.SliceOfN(object, 0, 3).Draw(t, "objects"), document, rapid.SampledFrom(values).Draw(t, "element"))
		document = "[" + strings.Join(elements, ",") + "]"
	}
	if rapid.IntRange(0, 3).Draw(t, "damage") == 0 {
		damaged := []byte(document)
		damaged[rapid.IntRange(0, len(damaged)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		return damaged
	}
	return []byte(document)
}

func quotedAll(names []string) []string {
	var texts []string
	for _, name := range names {
		texts = append(texts, strconv.Quote(name))
	}
	return texts
}

func TestScannerAgreesProperty(t *testing.T) {
	options, pairs := variants(), newPairs(t)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(options)-1).Draw(t, "options")
		pairs[i].agree(t, drawDocument(t, options[i]))
	})
}
