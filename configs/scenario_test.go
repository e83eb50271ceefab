package configs

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// loadExample answers for the pipelines that files of tests name.
func loadExample(path string) (*Pipeline, error) {
	src, err := os.ReadFile(filepath.Join("examples", path))
	if err != nil {
		return nil, errors.New("no such file")
	}
	p, ds := Parse(path, src, outside())
	if p == nil {
		return nil, errors.New(ds.String())
	}
	return p, nil
}

// What is wrong with a file of tests is said as strictly as of a pipeline.
func TestWrongScenarios(t *testing.T) {
	for _, path := range files(t, "testdata/scenarios/*.yaml") {
		name := strings.TrimSuffix(path, ".yaml")
		t.Run(filepath.Base(name), func(t *testing.T) {
			src, err := os.ReadFile(path)
			require.NoError(t, err)
			all, ds := ParseScenarios(filepath.Base(path), src, ScenarioOptions{Load: loadExample})
			assert.Nil(t, all)
			compareGolden(t, name+".txt", ds.String())
		})
	}
}

func TestScenario(t *testing.T) {
	all, ds := ParseScenarios("t.yaml", []byte(`
pipeline: cold-chain.yaml
tests:
- name: one
  device: store-7
  start: 2026-03-01T08:00:00+01:00
  every: 30s
  series: {temperature: "4 _x2 9+0.5x2"}
  rows: [{at: 10s, metric: temperature, value: 3, arrives: 1m, seq: 4}, {at: 20s, device: other, metric: temperature, value: -1e2}]
  steps: [{at: 3m, restart: true}, {at: 1m, restart: true}]
  expect: [{at: 5m, rule: too-warm, state: firing, value: 9}]
  expect_aggregates: [{window: temp_5m, start: 5m, final: false, values: {mean: 4}}]
  expect_readings: {late: 0}
  none: [freezing]
`), ScenarioOptions{Load: loadExample})
	require.Empty(t, ds)
	nine, no := 9.0, false
	require.Len(t, all.Tests, 1)
	assert.Equal(t, Scenario{
		Name: "one", Line: 4, Devices: []string{"store-7"}, Start: 1_772_348_400_000, Every: 30_000,
		Series: []Series{{"temperature", []SeriesValue{{Value: 4}, {Absent: true}, {Absent: true}, {Value: 9}, {Value: 9.5}}}},
		Rows: []ScenarioRow{
			{At: 10_000, Arrives: 60_000, Device: "store-7", Metric: "temperature", Value: 3, Seq: 4},
			{At: 20_000, Arrives: 20_000, Device: "other", Metric: "temperature", Value: -100, Seq: -1},
		},
		Steps: []ScenarioStep{{At: 60_000}, {At: 180_000}}, End: 180_000,
		Expect:     []ExpectedAlert{{At: 300_000, Rule: "too-warm", Device: "store-7", State: "firing", Value: &nine}},
		Aggregates: []ExpectedAggregate{{Window: "temp_5m", Device: "store-7", Start: 300_000, Final: &no, Values: []ExpectedValue{{"mean", 4}}}},
		Readings:   [6]int64{-1, -1, 0, -1, -1, -1}, None: []string{"freezing"},
	}, all.Tests[0])
}

func TestSeries(t *testing.T) {
	for _, c := range []struct{ notation, values string }{
		{"4", "4"},
		{" 4  5x3 ", "4 5 5 5"},
		{"9+0.5x4", "9 9.5 10 10.5"},
		{"9-3x4", "9 6 3 0"},
		{"-1-1x3", "-1 -2 -3"}, {"-1--1x3", "!"},
		{"-2+1x3 +3", "-2 -1 0 3"},
		{"_ _x2 1", "_ _ _ 1"},
		{"1e3 1e-3+1e+1x2", "1000 0.001 10.001"},
		{"", "! has no values"}, {"4x", "!"}, {"4x0", "! repeats 0 times"}, {"4x-1", "!"}, {"4x+1", "!"}, {"x3", "!"},
		{"1+1", "! rises without end"}, {"1+x3", "!"}, {"nan", "!"}, {"infx2", "!"}, {"0x10", "0 0 0 0 0 0 0 0 0 0"}, {"1_0", "!"}, {"4,5", "!"},
		{"_+1x3", "!"}, {"1x1000001", "! repeats"}, {"1x1000000 1", "! more than"}, {"1e308+1e308x3", "! grows beyond"}, {"1e999", "!"},
	} {
		t.Run(c.notation, func(t *testing.T) {
			values, problem := parseSeries(c.notation)
			if want, wrong := strings.CutPrefix(c.values, "!"); wrong {
				require.NotEmpty(t, problem)
				assert.Contains(t, problem, strings.TrimSpace(want))
				return
			}
			require.Empty(t, problem)
			var words []string
			for _, v := range values {
				if v.Absent {
					words = append(words, "_")
					continue
				}
				words = append(words, fmt.Sprint(v.Value))
			}
			assert.Equal(t, c.values, strings.Join(words, " "))
		})
	}
}

// Whatever is written, a series is either refused or made of finite numbers, as many
// as its items say.
func FuzzSeries(f *testing.F) {
	for _, s := range []string{"4 5x10 9+0.5x20 _x3 10", "1e3-1e-3x2", "x", "_x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		values, problem := parseSeries(s)
		require.Equal(t, problem == "", len(values) > 0)
		require.LessOrEqual(t, len(values), longestSeries)
		for _, v := range values {
			require.False(t, math.IsNaN(v.Value) || math.IsInf(v.Value, 0))
		}
	})
}
