package expr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/operators/roster"
)

func TestMentions(t *testing.T) {
	for source, want := range map[string]string{
		"a / b + a":                                  "a@1 b@5 a@9",
		"temp_5m.mean - humidity":                    "temp_5m.mean@1 humidity@16",
		`temp_5m["mean"] > labels.limit`:             "temp_5m.mean@1 labels.limit@19",
		"let x = a; x + max(b, 1)":                   "a@9 b@20",
		"labels.indoor ? abs(w.p95) : nosuch(c)":     "labels.indoor@1 w.p95@21 c@37",
		"w.mean.more":                                "w.mean@1",
		"$env.a + labels":                            "$env.a@1 labels@10",
		"3 > 2":                                      "",
		`labels.site in ["a", "b"] and value in [1]`: "labels.site@1 value@31",
	} {
		all, err := Mentions(source)
		require.NoError(t, err, source)
		var said []string
		for _, m := range all {
			require.Equal(t, 1, m.Line)
			said = append(said, fmt.Sprintf("%s@%d", m.Name, m.Col))
		}
		assert.Equal(t, want, strings.Join(said, " "), source)
	}
	_, err := Mentions("a +")
	require.EqualError(t, err, "the expression ends before it is complete")
	label, is := Mention{Name: "labels.site"}.Label()
	require.True(t, is)
	require.Equal(t, "site", label)
}

// bare is what an expression over results and metrics may name.
func bare() Environment {
	return Environment{
		Fields: []string{"w.mean", "value", "w.max", "w", "time"}, Want: Either, Bare: true,
		Labels: []roster.Label{{Name: "site"}, {Name: "limit", Kind: roster.Number}, {Name: "indoor", Kind: roster.Bool}},
	}
}

func TestBareExpressions(t *testing.T) {
	in := &Input{Fields: []float64{3, 5, 7, 11, 13}, Labels: site{"north", 80, true}}
	for _, c := range []struct {
		source string
		want   float64
		slow   bool
		fields []int
	}{
		{source: "w.mean - value", want: -2, fields: []int{0, 1}},
		{source: "w.mean / w", want: 3.0 / 11, fields: []int{0, 3}},
		{source: `w["max"] ** 2`, want: 49, fields: []int{2}},
		{source: "w.max > w.mean and labels.indoor", want: 1, fields: []int{0, 2}},
		{source: "w.max < time", want: 1, fields: []int{2, 4}},
		{source: "not (w.max < time)", want: 0, fields: []int{2, 4}},
		{source: "let k = w.mean; k > 2", want: 1, fields: []int{0}, slow: true},
		{source: "mean(w.mean, w.max) < 5", want: 0, fields: []int{0, 2}, slow: true},
		{source: "value > 3 ? w.max : 1", want: 7, fields: []int{1, 2}},
		{source: "int(w.max) % 4", want: 3, fields: []int{2}},
	} {
		p, err := Compile(c.source, bare())
		require.NoError(t, err, c.source)
		assert.Equal(t, !c.slow, p.Fast(), c.source)
		assert.Equal(t, c.fields, p.Fields(), c.source)
		got, err := p.Number(in)
		require.NoError(t, err, c.source)
		assert.InDelta(t, c.want, got, 1e-12, c.source)
		again, err := p.slow.number(in)
		require.NoError(t, err, c.source)
		assert.InDelta(t, c.want, again, 1e-12, c.source)
		if p.Fast() {
			assert.Zero(t, testing.AllocsPerRun(10, func() { _, _ = p.Number(in) }), c.source)
		}
	}
	p, err := Compile("w.mean / (w.max - 7)", bare())
	require.NoError(t, err)
	_, err = p.Number(in)
	require.ErrorIs(t, err, ErrNotFinite)
}

func TestWrongBareExpressions(t *testing.T) {
	for source, want := range map[string]string{
		"device == \"a\"": "there is no device",
		"metric":          "there is no metric",
		"w.p95 + 1":       "type float64 has no field p95",
		"w.mean.more":     "type float64 has no field more",
		"v.mean":          "there is no v",
		"labels.site":     "must be a number or a condition, and is a text",
		"w.mean + \"a\"":  "invalid operation: + (mismatched types float64 and string)",
		"$env":            "there is no $env",
		"w[1]":            "type float64[int] is undefined",
	} {
		_, err := Compile(source, bare())
		if assert.Error(t, err, source) {
			assert.Contains(t, err.Error(), want, source)
		}
	}
	e := environment(Number)
	_, err := Compile("w.mean", e)
	require.EqualError(t, err, "there is no w", "a name with a dot is known where the environment has it")
}
