package codec

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// narrow declares all the fields of a narrow message, and two metrics.
func narrow(unit string) Options {
	return Options{Device: "device", Metric: "metric", Time: "ts", Unit: unit, Value: "value", Seq: "seq",
		Metrics: []string{"temperature", "door"}}
}

// wide declares a wide message whose last field is no declared metric.
func wide(unit string) Options {
	return Options{Device: "id", Time: "ts", Unit: unit, Seq: "seq",
		Wide: []string{"door", "temperature", "a rather long name", "noise"}, Metrics: []string{"temperature", "door", "a rather long name"}}
}

func newScanner(t testing.TB, o Options) *Scanner {
	s, err := NewScanner(o)
	require.NoError(t, err)
	return s
}

func newFallback(t testing.TB, o Options) *Fallback {
	f, err := NewFallback(o)
	require.NoError(t, err)
	return f
}

// show writes a reading in one line: sample, device, metric, value, @time,
// #seq, !reason. Readings that differ in anything show differently.
func show(r event.Reading) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d %q m%d ", r.Sample, r.Device, r.Metric)
	switch r.Value.Kind {
	case event.String:
		fmt.Fprintf(&s, "%q", r.Value.Str)
	case event.Bool:
		fmt.Fprintf(&s, "bool:%g", r.Value.Num)
	default:
		s.WriteString(strconv.FormatFloat(r.Value.Num, 'g', -1, 64))
	}
	if r.HasTime || r.Time != 0 {
		fmt.Fprintf(&s, " @%d", r.Time)
	}
	if r.HasSeq || r.Seq != 0 {
		fmt.Fprintf(&s, " #%d", r.Seq)
	}
	if !r.HasTime && r.Time != 0 || !r.HasSeq && r.Seq != 0 || r.Value.Kind != event.String && r.Value.Str != nil {
		s.WriteString(" leftover")
	}
	if r.Bad != "" {
		fmt.Fprintf(&s, " !%s", r.Bad)
	}
	return s.String()
}

func showAll(d Decoder, payload string) []string {
	var b Batch
	d.Decode([]byte(payload), &b)
	return showEach(b.Readings)
}

func showEach(readings []event.Reading) []string {
	lines := make([]string, len(readings))
	for i, r := range readings {
		lines[i] = show(r)
	}
	return lines
}

// decoded requires both decoders to give the readings want, one a line.
func decoded(t *testing.T, o Options, payload string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	require.Equal(t, want, showAll(newScanner(t, o), payload), "scanner: %s", payload)
	require.Equal(t, want, showAll(newFallback(t, o), payload), "fallback: %s", payload)
}

func TestNarrow(t *testing.T) {
	const noon = `"2026-03-01T12:00:00.123Z"`
	for _, c := range []struct{ payload, want string }{
		{`{"device":"p-1","metric":"temperature","ts":` + noon + `,"value":21.53,"seq":12345}`, `0 "p-1" m0 21.53 @1772366400123 #12345`},
		{" {\t\"value\" : -4e-1 ,\r\n\"device\":\"p-1\" , \"metric\":\"door\"} \n", `0 "p-1" m1 -0.4`},
		{`{"\u0064evice":"p-1","m\u0065tric":"temp\u0065rature","value":-0}`, `0 "p-1" m0 -0`},
		{`{"device":"p-1","metric":"temperature","value":true}`, `0 "p-1" m0 bool:1`},
		{`{"device":"p-1","metric":"temperature","value":false}`, `0 "p-1" m0 bool:0`},
		{`{"device":"p-1","metric":"temperature","value":"a\tb\u00e9\ud83d\ude00"}`, `0 "p-1" m0 "a\tb` + "\u00e9\U0001f600" + `"`},
		{`{"device":"p-1","metric":"temperature","value":""}`, `0 "p-1" m0 ""`},
		// Undeclared: the value is not looked at, the rest is.
		{`{"device":"p-1","metric":"noise","value":{},"seq":1}`, `0 "p-1" m-1 0 #1`},
		{`{"device":"p-1","metric":"","value":1}`, `0 "p-1" m-1 0`},
		{`{"device":"p-1","metric":"noise","seq":-1}`, `0 "p-1" m-1 0 !seq_format`},
		// Devices.
		{`{"device":4711,"metric":"door","value":1}`, `0 "4711" m1 1`},
		{`{"device":-0,"metric":"door","value":1}`, `0 "-0" m1 1`},
		{`{"device":1.0,"metric":"door","value":1}`, `0 "" m-1 0 !no_device`},
		{`{"device":1e2,"metric":"door","value":1}`, `0 "" m-1 0 !no_device`},
		{`{"device":"","metric":"door","value":1}`, `0 "" m-1 0 !no_device`},
		{`{"device":null,"metric":"door","value":1}`, `0 "" m-1 0 !no_device`},
		{`{"device":true,"metric":"door","value":1}`, `0 "" m-1 0 !no_device`},
		{`{"device":["p"],"metric":"door","value":1}`, `0 "" m-1 0 !no_device`},
		{`{"metric":"door","value":1}`, `0 "" m-1 0 !no_device`},
		{"{\"device\":\"p\xff\",\"metric\":\"door\",\"value\":1}", `0 "" m-1 0 !no_device`},
		{`{"device":"\ud800x","metric":"door","value":1}`, `0 "` + "\ufffd" + `x" m1 1`},
		{`{"device":"` + strings.Repeat("d", 512) + `","metric":"door","value":1}`, `0 "` + strings.Repeat("d", 512) + `" m1 1`},
		{`{"device":"` + strings.Repeat("d", 513) + `","metric":"door","value":1}`, `0 "" m-1 0 !no_device`},
		// Metrics.
		{`{"device":"p","value":1}`, `0 "p" m-1 0 !no_metric`},
		{`{"device":"p","metric":null,"value":1}`, `0 "p" m-1 0 !no_metric`},
		{`{"device":"p","metric":3,"value":1}`, `0 "p" m-1 0 !no_metric`},
		// Values.
		{`{"device":"p","metric":"door"}`, `0 "p" m1 0 !no_value`},
		{`{"device":"p","metric":"door","value":null}`, `0 "p" m1 0 !no_value`},
		{`{"device":"p","metric":"door","value":[1]}`, `0 "p" m1 0 !value_type`},
		{`{"device":"p","metric":"door","value":{"a":{}}}`, `0 "p" m1 0 !value_type`},
		{`{"device":"p","metric":"door","value":1e999}`, `0 "p" m1 0 !value_range`},
		{`{"device":"p","metric":"door","value":-1.8e308}`, `0 "p" m1 0 !value_range`},
		{`{"device":"p","metric":"door","value":1e-999}`, `0 "p" m1 0`},
		{`{"device":"p","metric":"door","value":123456789012345678901234567890}`, `0 "p" m1 1.2345678901234568e+29`},
		// The last of equal keys counts.
		{`{"device":"p","metric":"door","value":1,"value":2}`, `0 "p" m1 2`},
		{`{"device":"p","metric":"door","value":1,"valu\u0065":null}`, `0 "p" m1 0 !no_value`},
		{`{"device":"p\n","device":"q","metric":"door","value":1}`, `0 "q" m1 1`},
		// Others are skipped.
		{`{"x":[{"a":1},[1,2],{"b":[3],"c":{}},[[]]],"device":"p","metric":"door","value":1}`, `0 "p" m1 1`},
		{`{"":"q","device":"p","metric":"door","value":1}`, `0 "p" m1 1`},
		{`{"devic":{"device":[{}]},"device":"p","devices":1,"metric":"door","value":1,"":0}`, `0 "p" m1 1`},
		{`{}`, `0 "" m-1 0 !no_device`},
	} {
		decoded(t, narrow(""), c.payload, c.want)
	}
}

func TestFaultsHavePrecedence(t *testing.T) {
	fields := []struct{ name, good, bad, fault, shown string }{
		{"device", `"p"`, `""`, "no_device", `"p"`},
		{"metric", `"door"`, `1`, "no_metric", ` m1`},
		{"value", `5`, `[]`, "value_type", ` 5`},
		{"ts", `1000`, `"x"`, "time_format", ` @1000`},
		{"seq", `3`, `"x"`, "seq_format", ` #3`},
	}
	blank := []string{`""`, " m-1", " 0", "", ""}
	for first := range fields {
		payload, want := "", "0 "
		for i, f := range fields {
			text := f.bad // everything from the first fault on is wrong
			if i < first {
				text = f.good
				want += f.shown
			} else {
				want += blank[i]
			}
			payload = `,"` + f.name + `":` + text + payload
		}
		decoded(t, narrow("ms"), "{"+payload[1:]+"}", want+" !"+fields[first].fault)
	}
}

func TestWide(t *testing.T) {
	for _, c := range []struct {
		payload string
		want    []string
	}{
		{`{"id":"p","ts":1000,"seq":4,"temperature":1.5,"a rather long name":"x","door":true}`,
			[]string{`0 "p" m1 bool:1 @1000 #4`, `0 "p" m0 1.5 @1000 #4`, `0 "p" m2 "x" @1000 #4`}},
		{`{"id":"p","temperature":null,"noise":[1],"door":{}}`, []string{`0 "p" m1 0 !value_type`, `0 "p" m-1 0`}},
		{`{"id":"p","temperature":1,"temperature":null}`, []string{`0 "p" m-1 0`}},
		{`{"id":"p"}`, []string{`0 "p" m-1 0`}},
		{`{}`, []string{`0 "" m-1 0 !no_device`}},
		{`{"door":1,"temperature":2}`, []string{`0 "" m-1 0 !no_device`, `0 "" m-1 0 !no_device`}},
		{`{"id":"p","door":1,"temperature":[],"ts":-1}`, []string{`0 "p" m1 1 !time_range`, `0 "p" m0 0 !value_type`}},
		{`{"id":"p","door":1,"noise":2,"ts":1,"seq":0.0}`, []string{`0 "p" m1 1 @1 !seq_format`, `0 "p" m-1 0 @1 !seq_format`}},
		{`{"metric":"door","value":7,"id":"p","a rather long namE":1}`, []string{`0 "p" m-1 0`}},
		{`[{"id":"p","door":1,"noise":2},{"id":"q","door":3}]`, []string{`0 "p" m1 1`, `0 "p" m-1 0`, `1 "q" m1 3`}},
	} {
		decoded(t, wide("ms"), c.payload, c.want...)
	}
}

func TestArrays(t *testing.T) {
	const malformed = ` "" m-1 0 !malformed`
	decoded(t, narrow(""), ` [ ] `)
	decoded(t, narrow(""), `[{"device":"p","metric":"door","value":1}, 2, [{}], {"device":"q","metric":"door","value":3},null,"x"]`,
		`0 "p" m1 1`, `1`+malformed, `2`+malformed, `3 "q" m1 3`, `4`+malformed, `5`+malformed)
	decoded(t, narrow(""), `[{"device":"p","metric":"door","value":1},2,{"device":"p","metric":"door","value":1]`, `0`+malformed)
}

func TestFieldsThatMessagesDoNotCarry(t *testing.T) {
	o := Options{Metric: "metric", Value: "value", Metrics: []string{"door"}}
	decoded(t, o, `{"device":7,"metric":"door","value":1,"ts":"x","seq":"x","":"x"}`, `0 "" m0 1`)
	o = Options{Wide: []string{"door"}, Metrics: []string{"door"}}
	decoded(t, o, `{"":[],"door":1}`, `0 "" m0 1`)
}

func TestSeq(t *testing.T) {
	for seq, want := range map[string]string{
		"0": " #0", "9223372036854775807": " #9223372036854775807", "null": "",
		"9223372036854775808": "!", "18446744073709551617": "!", "99999999999999999999": "!", "1" + strings.Repeat("0", 40): "!",
		"-0": "!", "-1": "!", "5.0": "!", "1e3": "!", "0e0": "!", `"5"`: "!", "true": "!", "[1]": "!", "{}": "!",
	} {
		if want == "!" {
			want = " !seq_format"
		}
		decoded(t, narrow(""), `{"device":"p","metric":"door","value":1,"seq":`+seq+`}`, `0 "p" m1 1`+want)
	}
}

func TestDecodeAppends(t *testing.T) {
	for _, d := range []Decoder{newScanner(t, wide("ms")), newFallback(t, wide("ms"))} {
		var b Batch
		for i := range 100 { // the arena must grow without moving what was borrowed from it
			d.Decode(fmt.Appendf(nil, `{"id":"dev\u0069ce-%d","door":"\u0041%d"}`, i, i), &b)
		}
		d.Decode([]byte(`[{"id":"x","door":1},`), &b)
		require.Len(t, b.Readings, 101)
		for i := range 100 {
			require.Equal(t, fmt.Sprintf(`0 "device-%d" m1 "A%d"`, i, i), show(b.Readings[i]))
		}
		require.Equal(t, event.Malformed, b.Readings[100].Bad)
		b.Reset()
		require.Empty(t, b.Readings)
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Value: "v"}, "metric: a narrow message needs the name of its metric field"},
		{Options{Metric: "m"}, "value: a narrow message needs the name of its value field"},
		{Options{Metric: "m", Value: "v", Unit: "min"}, `unit "min" must be s, ms, us or ns`},
		{Options{Metric: "m", Value: "v", Metrics: []string{"a", "b", "a"}}, `metric "a" is declared twice`},
		{Options{Metric: "m", Value: "v", Metrics: []string{"a", ""}}, "metric 1 has no name"},
		{Options{Wide: []string{"a", "a"}}, `wide field "a" is declared twice`},
		{Options{Metric: "m", Value: "m"}, `field "m" is declared for two purposes`},
		{Options{Device: "a", Wide: []string{"b", "a"}}, `field "a" is declared for two purposes`},
	} {
		_, err := NewScanner(c.o)
		require.EqualError(t, err, c.want)
		_, err = NewFallback(c.o)
		require.EqualError(t, err, c.want)
	}
	_, err := NewScanner(Options{Device: "id", Metric: "a", Value: "b", Wide: []string{"a", "b"}})
	require.NoError(t, err, "the narrow fields of a wide message are ignored")
}
