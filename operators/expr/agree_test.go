package expr

import (
	"fmt"
	"math"
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

// writer writes expressions of every shape that closures take, and of some that
// they do not.
type writer struct{ pick func(n int) int }

func (w writer) of(choices ...string) string { return choices[w.pick(len(choices))] }

func (w writer) number(depth int) string {
	if depth <= 0 {
		return w.of("value", "time", "temperature", "humidity", "labels.limit", "0", "1", "2", "3", "1000", "0.5", "1e300", "-1", "2.0", "9223372036854775807", "9007199254740993")
	}
	switch w.pick(9) {
	case 0, 1, 2:
		return fmt.Sprintf("(%s %s %s)", w.number(depth-1), w.of("+", "-", "*", "/", "**"), w.number(depth-1))
	case 3:
		return fmt.Sprintf("%s(%s)", w.of("abs", "floor", "ceil", "round", "float", "int", "-", "+"), w.number(depth-1))
	case 4:
		return fmt.Sprintf("%s(%s, %s)", w.of("min", "max"), w.number(depth-1), w.number(depth-2))
	case 5:
		return fmt.Sprintf("%s(%s)", w.of("min", "max", "mean", "median"), w.number(depth-1))
	case 6:
		return fmt.Sprintf("(%s ? %s : %s)", w.condition(depth-1), w.number(depth-1), w.number(depth-2))
	case 7:
		return fmt.Sprintf("(%s %% %s)", w.whole(depth-1), w.whole(depth-1))
	default:
		return w.whole(depth)
	}
}

func (w writer) whole(depth int) string {
	if depth <= 0 {
		return w.of("time", "0", "1", "7", "-3", "9223372036854775807")
	}
	switch w.pick(4) {
	case 0:
		return fmt.Sprintf("int(%s)", w.number(depth-1))
	case 1:
		return fmt.Sprintf("%s(%s)", w.of("abs", "-", "max", "min"), w.whole(depth-1))
	case 2:
		return fmt.Sprintf("(%s %s %s)", w.whole(depth-1), w.of("+", "-", "*", "%"), w.whole(depth-1))
	default:
		return fmt.Sprintf("(%s ? %s : %s)", w.condition(depth-1), w.whole(depth-1), w.whole(depth-1))
	}
}

func (w writer) condition(depth int) string {
	if depth <= 0 {
		return w.of("true", "false", "labels.indoor", "(value > 1)", `(metric == "a")`)
	}
	switch w.pick(7) {
	case 0, 1:
		return fmt.Sprintf("(%s %s %s)", w.condition(depth-1), w.of("and", "or", "==", "!=", "&&", "||"), w.condition(depth-1))
	case 2:
		return fmt.Sprintf("(%s (%s))", w.of("not", "!"), w.condition(depth-1))
	case 3:
		return fmt.Sprintf("(%s %s %s)", w.number(depth-1), w.of("<", ">", "<=", ">=", "==", "!="), w.number(depth-1))
	case 4:
		return fmt.Sprintf("(%s %s %s)", w.text(), w.of("<", ">", "<=", ">=", "==", "!=", "contains", "startsWith", "endsWith"), w.text())
	case 5:
		return fmt.Sprintf("(%s %s [%s, %s, -3, 1.5])", w.number(depth-1), w.of("in", "not in"), w.number(0), w.of("0", "1", "2.5"))
	default:
		return fmt.Sprintf(`(%s in ["a", "", "pump"])`, w.text())
	}
}

func (w writer) text() string {
	return w.of("device", "metric", "labels.site", `"a"`, `""`, `"pump"`, `(value > 1 ? device : metric)`, `upper(device)`)
}

func (w writer) input() *Input {
	numbers := []float64{0, math.Copysign(0, -1), 1, -1, 2, 0.5, -2.5, 1e18, 1e300, -1e300, math.MaxFloat64, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(1), math.Inf(-1), 9007199254740993}
	n := func() float64 { return numbers[w.pick(len(numbers))] }
	in := &Input{
		Device: []byte(w.of("a", "pump", "pump-1", "ä")), Metric: w.of("a", "b", ""),
		Value: n(), Time: event.Time(w.pick(5) * 1_000_000_007), Fields: []float64{n(), n(), n()},
	}
	if w.pick(3) > 0 {
		in.Labels = site{w.of("", "a", "north"), n(), w.pick(2) > 0}
	}
	return in
}

// agree compiles an expression and compares the two ways on an input; it reports
// whether the closures could do it.
func agree(t require.TestingT, source string, want Want, in *Input) bool {
	p, err := Compile(source, environment(want))
	require.NoError(t, err, source)
	if !p.Fast() {
		return false
	}
	if want == Condition {
		fast, fastErr := p.quick.condition(in)
		slow, slowErr := p.slow.condition(in)
		require.Equal(t, slowErr == nil, fastErr == nil, "%s on %+v: fast %v, slow %v", source, in, fastErr, slowErr)
		require.Equal(t, slow, fast, "%s on %+v", source, in)
		return true
	}
	fast, fastErr := finite(p.quick.number(in))
	slow, slowErr := finite(p.slow.number(in))
	require.Equal(t, slowErr == nil, fastErr == nil, "%s on %+v: fast %v, slow %v", source, in, fastErr, slowErr)
	if fastErr == nil {
		require.Equal(t, math.Float64bits(slow), math.Float64bits(fast), "%s on %+v: fast %v, slow %v", source, in, fast, slow)
	}
	return true
}

func TestWaysAgree(t *testing.T) {
	tried, fast := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := writer{pick: func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }}
		agree(t, w.condition(3), Either, w.input())
		for range 5 {
			tried++
			if agree(t, w.number(3), Number, w.input()) {
				fast++
			}
			if agree(t, w.condition(3), Condition, w.input()) {
				fast++
			}
		}
	})
	require.Greater(t, fast, tried/2, "most of %d were to be done by closures", 2*tried)
}

// FuzzWaysAgree makes the expression of a seed, or takes a text as it is.
func FuzzWaysAgree(f *testing.F) {
	f.Add(int64(1), "")
	f.Add(int64(2), "max(1, value) % 2")
	f.Add(int64(3), "value > 0 ? value : 0")
	f.Add(int64(4), `time in [1, 2.5] ? -value : abs(-0.0)`)
	f.Add(int64(5), `let a = 1; a + value`)
	f.Fuzz(func(t *testing.T, seed int64, text string) {
		r := rand.New(rand.NewSource(seed))
		w := writer{pick: r.Intn}
		agree(t, w.number(4), Number, w.input())
		agree(t, w.condition(4), Condition, w.input())
		agree(t, w.condition(4), Either, w.input())
		if strings.Contains(text, "\x00") {
			return
		}
		for _, want := range []Want{Number, Condition, Either} {
			if _, err := Compile(text, environment(want)); err == nil {
				agree(t, text, want, w.input())
			}
		}
	})
}
