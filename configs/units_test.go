package configs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

func TestSpans(t *testing.T) {
	for s, want := range map[string]event.Time{
		"0s": 0, "1ms": 1, "90s": 90_000, "1h30m": 5_400_000, "1d2h3m4s5ms": 93_784_005, "36500d": longestSpan,
	} {
		got, problem := parseSpan(s)
		assert.Empty(t, problem, s)
		assert.Equal(t, want, got, s)
	}
	for s, part := range map[string]string{
		"": "not a duration", "s": "not a duration", "30": "has no unit; write 30s", "30000000": "write 30000000ms",
		"1h30": "number without a unit", "1.5h": "whole numbers", "-1s": "negative", "1w": `unknown unit "w"`,
		"1s1m": "large to small", "1s1s": "large to small", "36501d": "too long", "99999999999999999999s": "too long",
		"1 h": "unknown unit", "day": "calendar",
	} {
		_, problem := parseSpan(s)
		assert.Contains(t, problem, part, s)
	}
}

func TestSpansRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := event.Time(rapid.Int64Range(0, longestSpan).Draw(t, "span"))
		got, problem := parseSpan(formatSpan(want))
		assert.Empty(t, problem)
		assert.Equal(t, want, got)
		assert.NotEmpty(t, saySpan(want))
	})
}

func TestSizes(t *testing.T) {
	for s, want := range map[string]int64{"5B": 5, "512MB": 512e6, "1GiB": 1 << 30, "2TiB": 2 << 40, "3KB": 3000} {
		got, problem := parseSize(s)
		assert.Empty(t, problem, s)
		assert.Equal(t, want, got, s)
	}
	for s, part := range map[string]string{
		"": "not a size", "MB": "not a size", "1.5GB": "not a size", "-1MB": "not a size", "512": "no unit",
		"1mb": "did you mean MB?", "9999999999TB": "too large", "99999999999999999999B": "too large",
	} {
		_, problem := parseSize(s)
		assert.Contains(t, problem, part, s)
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"wait_for_late", "idle_after", "max_future_skew", "late", "mean", "max"}
	for word, want := range map[string]string{
		"waitForLate": "wait_for_late", "wait-for-late": "wait_for_late", "idle": "idle_after", "laet": "late",
		"maen": "mean", "average": "mean", "maximum": "max", "zzz": "", "": "", "x": "",
	} {
		assert.Equal(t, want, nearest(word, keys), word)
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "ab", 2}, {"mean", "maen", 1}, {"kitten", "sitting", 3}, {"abc", "abc", 0}} {
		assert.Equal(t, c.want, editDistance(c.a, c.b), c)
	}
	word := rapid.StringMatching(`[abc]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := editDistance(a, b)
		assert.Equal(t, d, editDistance(b, a))
		assert.Equal(t, a == b, d == 0)
		assert.LessOrEqual(t, d, max(len(a), len(b)))
		assert.GreaterOrEqual(t, d, max(len(a)-len(b), len(b)-len(a)))
	})
	assert.Equal(t, 64, editDistance(strings.Repeat("a", 65), "a"))
}

func TestDivisorNear(t *testing.T) {
	for _, c := range []struct{ size, every, want event.Time }{
		{60_000, 7000, 6000}, {600_000, 70_000, 60_000}, {86_400_000, 5 * 3_600_000, 4 * 3_600_000}, {7, 3, 1},
	} {
		assert.Equal(t, c.want, divisorNear(c.size, c.every), c)
	}
}

// A file may say that its times are no numbers.
func TestTextTime(t *testing.T) {
	src := "name: p\nkafka: {brokers: [h:1]}\nsource: {topic: r, reading: {unit: rfc3339}}\nrules:\n- {name: hot, when: t, levels: {alarm: {above: 8}}}\nalerts: {topic: a}\n"
	p, found := Parse("p.yaml", []byte(src), Options{})
	assert.Empty(t, found)
	assert.Empty(t, p.Source.Reading.Unit)
	assert.Contains(t, p.Explain(ExplainOptions{}), "its time in ts as RFC 3339")
}

func TestSimilar(t *testing.T) {
	topics := []string{"sensor-readings", "readings-2", "raedings", "Readings", "rea", "read_ings.v2", "alerts", "orders", "re"}
	assert.Equal(t, []string{"Readings", "raedings", "rea", "read_ings.v2", "readings-2", "sensor-readings"}, Similar("readings", topics, 6))
	assert.Equal(t, []string{"Readings", "readings-2"}, Similar("readings", topics, 2))
	assert.Empty(t, Similar("temperature", topics, 5))
	assert.Empty(t, Similar("", nil, 5))
}
