package oracle

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// The reader takes what encoding/json takes, but for documents nested deeper than
// 512 and for bytes that are not UTF-8, which it keeps.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,"x\u00e4\ud83d\ude00\ud800",true,false,null],"a":{}}`, `[1,]`, `01`, `"\x"`, " \t\r\n{} ", `{"a" :1 , "b":[ ]}`, "\"\x1f\"", `-`, `1.`, `1e`, `[[[[`, `"`, `"\u12`, "nul", "\x00", `{"":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		n, ok := parseJSON(src)
		require.Equal(t, json.Valid(src) && depth(src) <= deepest, ok, "%q", src)
		var s string
		if ok && n.kind == '"' && json.Unmarshal(src, &s) == nil {
			require.Equal(t, s, string([]rune(n.text)), "%q", src)
		}
	})
}

// depth is how deep arrays and objects are nested.
func depth(src []byte) (deepest int) {
	open, inString := 0, false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '[' || c == '{'):
			open++
			deepest = max(deepest, open)
		case !inString && (c == ']' || c == '}'):
			open--
		}
	}
	return deepest
}

func TestDepth(t *testing.T) {
	for n, expected := range map[int]bool{512: true, 513: false} {
		_, ok := parseJSON([]byte(strings.Repeat("[", n) + strings.Repeat("]", n)))
		assert.Equal(t, expected, ok, "%d", n)
	}
}

func TestInstants(t *testing.T) {
	for _, c := range []struct {
		text, unit string
		expected   event.Time
		reason     event.Reason
	}{
		{`"2026-03-01T12:00:00Z"`, "", 1772366400000, ""},
		{`"2026-03-01T14:00:00.1239+02:00"`, "ms", 1772366400123, ""},
		{`"1970-01-01T00:00:00Z"`, "", 0, ""},
		{`"1969-12-31T23:59:59.9999Z"`, "", 0, event.TimeRange},
		{`"2200-12-31T23:59:59.999Z"`, "", 7289654399999, ""},
		{`"2201-01-01T00:00:00Z"`, "", 0, event.TimeRange},
		{`"2026-03-01T12:00:00z"`, "", 0, event.TimeFormat},
		{`"2026-02-29T12:00:00Z"`, "", 0, event.TimeFormat},
		{`"2016-12-31T23:59:60Z"`, "", 0, event.TimeFormat},
		{`""`, "", 0, event.TimeFormat},
		{`true`, "ms", 0, event.TimeFormat},
		{`1772366400000`, "", 0, event.TimeFormat},
		{`1772366400000`, "ms", 1772366400000, ""},
		{`1772366400.0009`, "s", 1772366400000, ""},
		{`1772366400.9999`, "s", 1772366400999, ""},
		{`1772366400000999`, "us", 1772366400000, ""},
		{`1772366400000999999`, "ns", 1772366400000, ""},
		{`1.7723664E9`, "s", 1772366400000, ""},
		{`17723664000000e-4`, "s", 1772366400000, ""},
		{`0.0000000017723664e+18`, "s", 1772366400000, ""},
		{`-0`, "s", 0, ""},
		{`-0.0`, "s", 0, ""},
		{`-1e-400`, "s", 0, event.TimeRange},
		{`1e-99999999999999999999`, "s", 0, ""},
		{`0e99999999999999999999`, "s", 0, ""},
		{`1e99999999999999999999`, "s", 0, event.TimeRange},
		{`7289654399999.9`, "ms", 7289654399999, ""},
		{`7289654400000`, "ms", 0, event.TimeRange},
		{`1e300`, "ns", 0, event.TimeRange},
		{"1" + strings.Repeat("0", 500) + "e-488", "ms", 1000000000000, ""},
	} {
		n, ok := parseJSON([]byte(c.text))
		require.True(t, ok, c.text)
		at, reason := instant(&n, c.unit)
		assert.Equal(t, c.reason, reason, "%.60s %s", c.text, c.unit)
		if c.reason == "" {
			assert.Equal(t, c.expected, at, "%.60s %s", c.text, c.unit)
		}
	}
}

const narrow = `
name: narrow
source: {topic: readings}
windows: [{name: w, metric: temp, tumbling: 1m, compute: [mean], emit: {topic: out}}]
`

const wide = `
name: wide
source: {topic: readings, reading: {device: id, metrics: [hum, temp, spare]}}
windows:
  - {name: w, metric: temp, tumbling: 1m, compute: [mean], emit: {topic: out}}
  - {name: v, metric: hum, tumbling: 1m, compute: [mean], emit: {topic: out}}
`

// What a message holds: device/metric=value, the metrics as indexes, or why not.
func TestReadings(t *testing.T) {
	header := []byte("h")
	long := strings.Repeat("x", 513)
	for _, c := range []struct {
		pipeline, payload string
		header            []byte
		expected          string
	}{
		{narrow, `{"device":"d","metric":"temp","value":1.5}`, nil, "d/0=1.5"},
		{narrow, `{"device":"d","metric":"temp","value":1,"value":2}`, nil, "d/0=2"},
		{narrow, `{"device":17,"metric":"temp","value":true}`, nil, "17/0=1"},
		{narrow, `{"device":1.0,"metric":"temp","value":1}`, nil, "no_device"},
		{narrow, `{"device":"","metric":"temp","value":1}`, nil, "no_device"},
		{narrow, "{\"device\":\"\xff\",\"metric\":\"temp\",\"value\":1}", nil, "no_device"},
		{narrow, `{"device":"` + long + `","metric":"temp","value":1}`, nil, "no_device"},
		{narrow, `{"device":"` + long[1:] + `","metric":"temp","value":1}`, nil, long[1:] + "/0=1"},
		{narrow, `{"device":null,"metric":5}`, nil, "no_device"},
		{narrow, `{"device":"d","metric":5}`, nil, "d no_metric"},
		{narrow, `{"device":"d","value":5}`, nil, "d no_metric"},
		{narrow, `{"device":"d","metric":"temp"}`, nil, "d no_value"},
		{narrow, `{"device":"d","metric":"temp","value":null}`, nil, "d no_value"},
		{narrow, `{"device":"d","metric":"temp","value":[],"ts":5}`, nil, "d value_type"},
		{narrow, `{"device":"d","metric":"temp","value":"1"}`, nil, "d value_type"},
		{narrow, `{"device":"d","metric":"temp","value":"1","ts":5}`, nil, "d time_format"},
		{narrow, `{"device":"d","metric":"temp","value":1e309}`, nil, "d value_range"},
		{narrow, `{"device":"d","metric":"temp","value":1e-999}`, nil, "d/0=0"},
		{narrow, `{"device":"d","metric":"temp","value":1,"ts":5,"seq":-1}`, nil, "d time_format"},
		{narrow, `{"device":"d","metric":"temp","value":1,"ts":null,"seq":-1}`, nil, "d seq_format"},
		{narrow, `{"device":"d","metric":"temp","value":1,"seq":9223372036854775808}`, nil, "d seq_format"},
		{narrow, `{"device":"d","metric":"other","value":[]}`, nil, "d/-1=0"},
		{narrow, `{"device":"d","metric":"other","value":[],"seq":"1"}`, nil, "d seq_format"},
		{narrow, `[{"device":"d","metric":"temp","value":1},5,{}]`, nil, "d/0=1 malformed no_device"},
		{narrow, `[]`, nil, ""},
		{narrow, `5`, nil, "malformed"},
		{narrow, ``, nil, "malformed"},
		{narrow, `{"device":"d","metric":"temp","value":1}`, header, "h/0=1"},
		{narrow, `{"metric":"temp","value":1}`, header, "h/0=1"},
		{narrow, `{"metric":"temp","value":1}`, []byte{}, "no_device"},
		{narrow, `{"metric":"temp","value":1,"seq":-1}`, []byte{}, "seq_format"},
		{narrow, `{"metric":7}`, []byte("\xff"), "no_metric"},
		{wide, `{"id":"d","temp":1,"hum":2,"spare":[],"else":{}}`, nil, "d/1=2 d/0=1 d/-1=0"},
		{wide, `{"id":"d","temp":null,"hum":"x"}`, nil, "d value_type"},
		{wide, `{"id":"d","temp":{},"hum":1e999}`, nil, "d value_range d value_type"},
		{wide, `{"id":"d","temp":1,"hum":1,"seq":1.0}`, nil, "d seq_format d seq_format"},
		{wide, `{"id":"d","temp":null}`, nil, "d/-1=0"},
		{wide, `{"id":"d","seq":"x"}`, nil, "d seq_format"},
		{wide, `{"device":"d","temp":1,"hum":2}`, nil, "no_device no_device"},
	} {
		var found []string
		for _, r := range readings(pipelineOf(t, c.pipeline), SourceRecord{Value: []byte(c.payload), Device: c.header}) {
			switch {
			case r.bad == "":
				found = append(found, fmt.Sprintf("%s/%d=%g", r.device, r.metric, r.value))
			case r.device != "":
				found = append(found, r.device+" "+string(r.bad))
			default:
				found = append(found, string(r.bad))
			}
		}
		assert.Equal(t, c.expected, strings.Join(found, " "), "%.80s", c.payload)
	}
}

// The values of Kafka's own tests (UtilsTest.testMurmur2), and places worked out
// by other programs.
func TestPartitions(t *testing.T) {
	for key, hash := range map[string]int32{"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829, "abc": 479470107} {
		assert.Equal(t, uint32(hash), murmur2([]byte(key)), key)
	}
	for key, places := range map[string][3]int32{"truck-7": {6, 4, 3}, "21": {3, 6, 3}, "foobar": {0, 6, 4}, "a-little-bit-long-string": {1, 3, 1}} {
		for i, partitioner := range []string{"murmur2", "crc32", "fnv1a"} {
			assert.Equal(t, places[i], partitionOf(partitioner, key, 7), "%s %s", partitioner, key)
		}
	}
}

// Each line: number@time, = where it must count as a repeat.
func TestRepeats(t *testing.T) {
	for name, story := range map[string]string{
		"in order":                              "0@1 1@2 2@3 1@2= 2@3= 0@1=",
		"from the middle":                       "50@1 51@2 49@1 49@1= 50@1=",
		"a small gap stays open":                "0@1 5@6 3@4 3@4= 4@5 1@2 2@3 1@2=",
		"a great gap":                           "0@1 1000@1001 500@501 500@501= 400@401=",
		"a great gap from above":                "0@1 1000@1001 990@991 990@991= 995@996 995@996= 5@6 5@6=",
		"64 back":                               seqs(0, 100) + "36@37= 37@38=",
		"the counter restarts":                  seqs(10, 12) + "0@50 1@51 0@50= 10@11= 11@12= 2@52",
		"an old one after the restart":          seqs(10, 12) + "0@50 13@20 13@20= 14@21",
		"what is older than the run before":     seqs(10, 12) + "0@50 9@5=",
		"the greatest number":                   "9223372036854775807@5 5@3 5@3= 5@6 9223372036854775807@5=",
		"beyond what is remembered: always new": "10@5000 3@1 3@1 11@5001 10@5000=",
	} {
		var c counter
		for _, word := range strings.Fields(story) {
			var n int64
			var at event.Time
			_, err := fmt.Sscanf(word, "%d@%d", &n, &at)
			require.NoError(t, err)
			assert.Equal(t, strings.HasSuffix(word, "="), c.repeated(n, at, 3000), "%s: %s", name, word)
		}
	}
}

func seqs(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintf(&b, "%d@%d ", n, n+1)
	}
	return b.String()
}

// Pruning what is remembered changes no answer.
func TestRepeatsInTheLongRun(t *testing.T) {
	var c counter
	for n := int64(0); n < 5000; n++ {
		require.False(t, c.repeated(n, event.Time(n+1), 0), "%d", n)
		for back := range int64(80) {
			if back <= n {
				require.True(t, c.repeated(n-back, event.Time(n-back+1), 0), "%d after %d", n-back, n)
			}
		}
	}
	assert.LessOrEqual(t, len(c.seen), 4*near)
}

func TestComputed(t *testing.T) {
	big := []sample{{time: 1, value: math.MaxFloat64, order: 0}, {time: 2, value: math.MaxFloat64, order: 1}, {time: 3, value: -math.MaxFloat64, order: 2}}
	assert.Equal(t, measure{value: math.MaxFloat64, tolerance: math.Inf(1)}, compute(&configs.Window{}, "sum", big))
	assert.Equal(t, measure{value: math.MaxFloat64, tolerance: math.Inf(1), huge: true}, compute(&configs.Window{}, "sum", big[:2]))
	tens := make([]sample, 10)
	for i := range tens {
		tens[i] = sample{time: event.Time(i), value: 0.1, order: int64(i)}
	}
	assert.Equal(t, 1.0, compute(&configs.Window{}, "sum", tens).value)
	assert.Equal(t, 0.1, compute(&configs.Window{}, "mean", tens).value)
	ties := []sample{{time: 5, value: 1, order: 0}, {time: 7, value: 2, order: 1}, {time: 7, value: 3, order: 2}, {time: 6, value: 4, order: 3}}
	assert.Equal(t, 3.0, compute(&configs.Window{}, "last", ties).value)
	assert.Equal(t, 1.0, compute(&configs.Window{}, "min", ties).value)
	assert.Equal(t, 4.0, compute(&configs.Window{}, "max", ties).value)
	assert.Equal(t, 4.0, compute(&configs.Window{}, "count", ties).value)
}

func TestNumbers(t *testing.T) {
	for _, v := range []float64{0, 1, -1.5, 1e-6, 9.99e-7, 1e-7, 1e-10, 1e20, 1e21, 1e100, math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1 + 0.2} {
		assert.Equal(t, string(encode(v)), number(v))
	}
}
