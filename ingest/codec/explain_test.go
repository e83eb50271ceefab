package codec

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

func narrowOptions(unit string) Options {
	return Options{Device: "device", Metric: "metric", Time: "ts", Unit: unit, Value: "value", Seq: "seq", Metrics: []string{"temperature"}}
}

// What is wrong with a message is said by field and value, and with what to do where the pipeline file is what is wrong.
func TestExplain(t *testing.T) {
	const ok = `"device":"d","metric":"temperature"`
	for _, c := range []struct{ unit, payload, want string }{
		{"", `{` + ok + `,"value":1,"ts":1772366400000}`, `field "ts" is 1772366400000, and must be a time as RFC 3339 has it, such as 2026-03-01T12:00:00Z; for numbers since 1970 declare source.reading.unit (s, ms, us or ns)`},
		{"ms", `{` + ok + `,"value":1,"ts":"noon"}`, `field "ts" is "noon", and must be a time as RFC 3339 has it, such as 2026-03-01T12:00:00Z, or a number of ms since 1970`},
		{"s", `{` + ok + `,"value":1,"ts":1772366400000}`, `field "ts" is 1772366400000, and must lie between 1970 and 2200, and is read in s (source.reading.unit)`},
		{"", `{` + ok + `,"value":1,"ts":"1969-12-31T00:00:00Z"}`, `field "ts" is "1969-12-31T00:00:00Z", and must lie between 1970 and 2200`},
		{"", `{` + ok + `,"val":1}`, `the message has no field "value"`},
		{"", `{"device":1.5}`, `field "device" is 1.5, and must be a name of 1 to 512 bytes, or a whole number`},
		{"", `{"device":"` + strings.Repeat("ä", 300) + `"}`, `field "device" is "` + strings.Repeat("ä", 29) + `..., and must be a name of 1 to 512 bytes, or a whole number`},
		{"", `temperature=1`, `not JSON: invalid character 'e' in literal true (expecting 'r'), at byte 2`},
		{"", `{"a":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}`, `objects and arrays are nested deeper than 512`},
		{"", ` `, `the message is empty`},
	} {
		o := narrowOptions(c.unit)
		s, err := NewScanner(o)
		require.NoError(t, err)
		var b Batch
		s.Decode([]byte(c.payload), &b)
		require.Len(t, b.Readings, 1, c.payload)
		r := &b.Readings[0]
		assert.Equal(t, c.want, o.Explain([]byte(c.payload), Wrong{Reason: r.Bad, Sample: r.Sample, Metric: r.Metric}), c.payload)
	}
}

// Whatever the decoder refuses can be explained, and a wide message by the field that is wrong.
func TestEverythingRefusedIsExplained(t *testing.T) {
	wide := Options{Device: "device", Time: "ts", Seq: "seq", Wide: []string{"temperature", "door"}, Metrics: []string{"temperature"}}
	value := rapid.SampledFrom([]string{`1`, `-1`, `1.5`, `1e999`, `"x"`, `""`, `null`, `true`, `{}`, `[1]`, `"2026-03-01T12:00:00Z"`, `"1960-03-01T12:00:00Z"`, `x`})
	field := rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom([]string{"device", "metric", "ts", "value", "seq", "temperature", "door"}).Draw(t, "name")
		if name == "metric" && rapid.Bool().Draw(t, "known") {
			return `"metric":"temperature"`
		}
		return `"` + name + `":` + value.Draw(t, "value")
	})
	object := rapid.Custom(func(t *rapid.T) string {
		return "{" + strings.Join(rapid.SliceOfN(field, 0, 6).Draw(t, "fields"), ",") + "}"
	})
	rapid.Check(t, func(t *rapid.T) {
		payload := object.Draw(t, "object")
		if rapid.Bool().Draw(t, "array") {
			payload = "[" + strings.Join(rapid.SliceOfN(rapid.OneOf(object, value), 1, 4).Draw(t, "elements"), ", ") + "]"
		}
		for _, o := range []Options{narrowOptions(""), narrowOptions("ms"), wide} {
			s, err := NewScanner(o)
			require.NoError(t, err)
			var b Batch
			s.Decode([]byte(payload), &b)
			for i := range b.Readings {
				r := b.Readings[i]
				if r.Bad == "" && r.Metric >= 0 && r.Value.Kind == event.String {
					r.Bad = event.ValueType // for windows and rules
				}
				said := o.Explain([]byte(payload), Wrong{Reason: r.Bad, Sample: r.Sample, Metric: r.Metric})
				require.Equal(t, r.Bad == "", said == "", "%s: %s", payload, r.Bad)
				if r.Bad != "" && r.Bad != event.Malformed {
					require.Contains(t, said, "field")
				}
			}
		}
	})
}

func TestMetricsIn(t *testing.T) {
	narrow := narrowOptions("")
	wide := Options{Device: "id", Time: "at", Wide: []string{"temperature"}}
	for payload, want := range map[string][]string{
		`{"metric":"b"}`: {"b"}, `[{"metric":"b"},{"metric":"a"},{"metric":"b"},{}]`: {"a", "b"}, `{"metric":5}`: nil, `x`: nil, ``: nil, `[1]`: nil, `5`: nil,
	} {
		assert.Equal(t, want, narrow.MetricsIn([]byte(payload)), payload)
	}
	assert.Equal(t, []string{"humidity", "temp"}, wide.MetricsIn([]byte(`{"id":1,"temp":5,"at":3,"humidity":1}`)))
}
