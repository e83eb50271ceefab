package expr

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/roster"
)

// site is a line of a roster.
type site struct {
	text   string
	number float64
	truth  bool
}

func (s site) Text(int) string    { return s.text }
func (s site) Number(int) float64 { return s.number }
func (s site) Bool(int) bool      { return s.truth }

func environment(w Want) Environment {
	return Environment{
		Fields: []string{"temperature", "humidity", "count"},
		Labels: []roster.Label{{Name: "site"}, {Name: "limit", Kind: roster.Number}, {Name: "indoor", Kind: roster.Bool}, {Name: "spare part"}},
		Want:   w,
	}
}

func sample() *Input {
	return &Input{
		Device: []byte("pump-1"), Metric: "pressure", Value: 21.5, Time: 1_772_366_400_123,
		Fields: []float64{20, 0.5, 3}, Labels: site{"north", 80, true},
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		source string
		want   float64
		slow   bool
	}{
		{source: "(value - 32) * 5 / 9", want: (21.5 - 32) * 5 / 9},
		{source: "1 / 2", want: 0.5},
		{source: "7 % 4 + int(value)", want: 24},
		{source: "int(-2.9)", want: -2},
		{source: "2 ** 10 + 2 ^ 3", want: 1032},
		{source: "9007199254740993 * 1", want: 9007199254740993},
		{source: "9223372036854775807 + 1", want: math.MinInt64},
		{source: "time % 1000", want: 123},
		{source: "time / 1000", want: 1_772_366_400.123},
		{source: "temperature * humidity + count", want: 13},
		{source: "value > 20 ? value : 0", want: 21.5},
		{source: "value < 20 ? value : value < 10 ? 1 : 2", want: 2},
		{source: "if value < 20 { 1 } else { temperature }", want: 20},
		{source: "max(0, value)", want: 21.5},
		{source: "max(1, 2, 3) % 2", want: 1},
		{source: "min(value, 3, time)", want: 3},
		{source: "abs(-value) + abs(-3) + floor(1.5) + ceil(2) + round(2.5)", want: 21.5 + 3 + 1 + 2 + 3},
		{source: "labels.limit - value", want: 58.5},
		{source: "+value - -3", want: 24.5},
		{source: "let k = value + 273.15; k * 2", want: 589.3, slow: true},
		{source: "mean(value, temperature)", want: 20.75, slow: true},
		{source: "len(device)", want: 6, slow: true},
		{source: "float(\"2.5\")", want: 2.5, slow: true},
		{source: "value | max(3)", want: 21.5},
	} {
		p, err := Compile(c.source, environment(Number))
		require.NoError(t, err, c.source)
		got, err := p.Number(sample())
		require.NoError(t, err, c.source)
		assert.InDelta(t, c.want, got, 1e-9, c.source)
		assert.Equal(t, !c.slow, p.Fast(), c.source)
	}
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		source string
		want   bool
		slow   bool
	}{
		{source: `metric in ["temperature", "pressure"]`, want: true},
		{source: `metric not in ["temperature", "pressure"]`},
		{source: `value in [1, 21.5]`, want: true},
		{source: `time in [1.5, 1772366400123]`, want: true},
		{source: `value in []`},
		{source: `device == "pump-1" and value >= 21.5`, want: true},
		{source: `device startsWith "pump-" && !(device endsWith "2") || false`, want: true},
		{source: `device contains "ump" and device < "q" and device > "o"`, want: true},
		{source: `labels.site == "north" and labels.indoor and value < labels.limit`, want: true},
		{source: `labels["spare part"] != ""`, want: true},
		{source: `20 < value and value < 22`, want: true},
		{source: `not labels.indoor`},
		{source: `(value > 3) == labels.indoor`, want: true},
		{source: `(value > 3 ? device : metric) == "pump-1"`, want: true},
		{source: `device matches "^pump-[0-9]+$"`, want: true, slow: true},
		{source: `upper(labels.site) == "NORTH"`, want: true, slow: true},
		{source: `device[0:4] == "pump"`, want: true, slow: true},
		{source: `device + metric == "pump-1pressure"`, want: true, slow: true},
		{source: `value in [temperature, 1.5]`, slow: true},
	} {
		p, err := Compile(c.source, environment(Condition))
		require.NoError(t, err, c.source)
		got, err := p.Condition(sample())
		require.NoError(t, err, c.source)
		assert.Equal(t, c.want, got, c.source)
		assert.Equal(t, !c.slow, p.Fast(), c.source)
	}
}

// Both ways refuse the same.
func TestFaults(t *testing.T) {
	for source, want := range map[string]error{
		"value / 0":                 ErrNotFinite,
		"0 / (value - value)":       ErrNotFinite,
		"(value - value) / 0":       ErrNotFinite,
		"labels.limit":              ErrNotFinite, // of a device without labels
		"10 ** 400":                 ErrNotFinite,
		"time % (time - time)":      ErrWhole,
		"int(value * 1e300)":        ErrWhole,
		"int(labels.limit)":         ErrWhole,
		"float(device)":             nil,
		"float(trim(\"\"))":         nil,
		"len(device[0:2]) % int(0)": nil,
	} {
		p, err := Compile(source, environment(Number))
		require.NoError(t, err, source)
		in := sample()
		in.Labels = nil
		_, err = p.Number(in)
		require.Error(t, err, source)
		_, slow := finite(p.slow.number(in))
		require.Error(t, slow, source)
		if want != nil {
			require.ErrorIs(t, err, want, source)
		}
	}
}

func TestADeviceWithoutLabels(t *testing.T) {
	for source, want := range map[string]bool{
		`labels.site == ""`:          true,
		`value > labels.limit`:       false,
		`value <= labels.limit`:      false,
		`labels.indoor`:              false,
		`upper(labels.site) == ""`:   true,
		`mean(labels.limit, 1) == 1`: false,
	} {
		p, err := Compile(source, environment(Condition))
		require.NoError(t, err)
		in := sample()
		in.Labels = nil
		got, err := p.Condition(in)
		require.NoError(t, err)
		assert.Equal(t, want, got, source)
		slow, err := p.slow.condition(in)
		require.NoError(t, err)
		assert.Equal(t, want, slow, source)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for _, c := range []struct {
		source string
		want   Want
		say    string
	}{
		{"valu > 3", Condition, "1:1 there is no valu (valu of device metric value time temperature humidity count)"},
		{"value >\n  vlaue", Condition, "2:3 there is no vlaue (vlaue of device metric value time temperature humidity count)"},
		{"value > labels.limt", Condition, "1:16 there is no label limt (limt of site limit indoor spare part, a label)"},
		{"labels", Number, "1:1 labels must be followed by the name of a label, as in labels.site"},
		{"len(labels)", Number, "1:5 labels must be followed by the name of a label, as in labels.site"},
		{"labels[device]", Number, "1:7 labels must be followed by the name of a label, as in labels.site"},
		{"$env", Number, "1:1 there is no $env ($env of device metric value time temperature humidity count)"},
		{"now().Unix()", Number, "1:1 now cannot be called here: an expression is worked out for every reading, without loops and without a clock"},
		{"date(device).Unix()", Number, "1:1 date cannot be called here: an expression is worked out for every reading, without loops and without a clock"},
		{"len(repeat(device, 1000000))", Number, "1:5 repeat cannot be called here: an expression is worked out for every reading, without loops and without a clock"},
		{"sum(map(1..1000000, #))", Number, "1:10 ranges are lists of whole numbers; write x >= 1 and x <= 5 for a number between the two"},
		{"value in 1..5", Condition, "1:11 ranges are lists of whole numbers; write x >= 1 and x <= 5 for a number between the two"},
		{"any([1], # > value)", Condition, "1:10 lists and maps cannot be made here, other than a list of values after in"},
		{"sqrt(value)", Number, "1:1 there is no function sqrt (sqrt of " + strings.Join(functions(), " ") + ")"},
		{"let d = device + device; len(d + d)", Number, "1:5 let is for numbers and conditions only"},
		{"value", Condition, "0:0 must be a condition, true or false, and is a number"},
		{"value > 1", Number, "0:0 must be a number, and is a condition"},
		{"device", Number, "0:0 must be a number, and is a text"},
		{"nil ?? nil", Number, "0:0 must be a number, and is of no certain kind"},
		{"value > 1 ? 1 : device", Number, "0:0 must be a number, and is of no certain kind"},
		{"value > device", Condition, "1:7 invalid operation: > (mismatched types float64 and string)"},
		{"value % 2 == 0", Condition, "1:7 invalid operation: % (mismatched types float64 and int); % is for whole numbers, such as int(value)"},
		{"value +", Number, "1:7 the expression ends before it is complete"},
		{"", Number, "1:1 the expression ends before it is complete"},
		{`device matches "("`, Condition, "1:8 error parsing regexp: missing closing ): `(`"},
		{strings.Repeat("value + ", 250) + "1", Number, "0:0 the expression has 2001 characters; the most is 2000"},
	} {
		_, err := Compile(c.source, environment(c.want))
		require.Error(t, err, c.source)
		var e *Error
		require.ErrorAs(t, err, &e)
		say := fmt.Sprintf("%d:%d %s", e.Line, e.Col, e)
		if e.Name != "" {
			label := ""
			if e.Label {
				label = ", a label"
			}
			say += fmt.Sprintf(" (%s of %s%s)", e.Name, strings.Join(e.Known, " "), label)
		}
		assert.Equal(t, c.say, say, c.source)
	}
}

func TestWhatAProgramNames(t *testing.T) {
	p, err := Compile(`count > max(humidity, 2) and labels.indoor and value < labels.limit`, environment(Condition))
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2}, p.Fields())
	assert.Equal(t, []int{1, 2}, p.Labels())
	assert.True(t, p.Fast())
}

// A field may have the name of a function.
func TestAFieldNamedLikeAFunction(t *testing.T) {
	for _, source := range []string{"count * 2", "mean(count * 2)", "count | max(6)"} {
		p, err := Compile(source, environment(Number))
		require.NoError(t, err, source)
		got, err := p.Number(sample())
		require.NoError(t, err, source)
		assert.Equal(t, 6.0, got, source)
	}
}

// The names every expression knows are never those of fields.
func TestFieldsThatCannotBeNamed(t *testing.T) {
	e := environment(Number)
	e.Fields = []string{"value", "time", "labels"}
	in := sample()
	for source, want := range map[string]float64{"value": 21.5, "labels.limit": 80, "labels?.limit | float()": 80, "value | int()": 21} {
		p, err := Compile(source, e)
		require.NoError(t, err, source)
		got, err := p.Number(in)
		require.NoError(t, err, source)
		assert.Equal(t, want, got, source)
		assert.Empty(t, p.Fields())
	}
	_, err := Compile("labels + 1", e)
	require.Error(t, err)
}

// What takes long to check would hold up weir validate and every editor.
func TestLongExpressionsCompileQuickly(t *testing.T) {
	for _, source := range []string{
		strings.Repeat("value > 1 ? 1 : ", 120) + "value",
		strings.Repeat("max(1, ", 240) + "value" + strings.Repeat(")", 240),
		strings.Repeat("(", 900) + "value" + strings.Repeat(")", 900),
		strings.Repeat("-", 1900) + "value",
	} {
		p, err := Compile(source, environment(Number))
		require.NoError(t, err)
		_, err = p.Number(sample())
		require.NoError(t, err)
	}
}

func TestTheFastWayAllocatesNothing(t *testing.T) {
	condition, err := Compile(benchCondition, environment(Condition))
	require.NoError(t, err)
	number, err := Compile(benchNumber, environment(Number))
	require.NoError(t, err)
	in := sample()
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		in.Time++
		if ok, err := condition.Condition(in); !ok || err != nil {
			panic("the condition was to hold")
		}
		if _, err := number.Number(in); err != nil {
			panic(err)
		}
	}))
	faulty, err := Compile("value / 0", environment(Number))
	require.NoError(t, err)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := faulty.Number(in); err == nil {
			panic("the result was not to be finite")
		}
	}))
}

const (
	benchCondition = `metric in ["temperature", "pressure"] and value > -40 and not (device startsWith "test-") and value < labels.limit`
	benchNumber    = `max((value - 32) * 5 / 9, -40) + (time % 1000 > 500 ? 0.5 : 0)`
)

func BenchmarkExpression(b *testing.B) {
	in := sample()
	in.Time = event.Time(1_772_366_400_123)
	condition, err := Compile(benchCondition, environment(Condition))
	require.NoError(b, err)
	number, err := Compile(benchNumber, environment(Number))
	require.NoError(b, err)
	b.Run("condition/fast", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = condition.Condition(in)
		}
	})
	b.Run("condition/slow", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = condition.slow.condition(in)
		}
	})
	b.Run("number/fast", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = number.Number(in)
		}
	})
	b.Run("number/slow", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = number.slow.number(in)
		}
	})
}
