package replay

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/codec"
)

var updateFlag = flag.Bool("update", false, "rewrite the expected texts of testdata")

func parse(t testing.TB, name, src string) *configs.Pipeline {
	p, ds := configs.Parse(name, []byte(src), configs.Options{})
	require.False(t, ds.HasErrors(), "%v", ds)
	return p
}

func options(p *configs.Pipeline) Options {
	r := p.Source.Reading
	return Options{Message: codec.Options{
		Device: r.Device, Metric: r.Metric, Time: r.Time, Unit: r.Unit, Value: r.Value, Seq: r.Seq, Wide: r.Metrics, Metrics: p.Metrics,
	}}
}

func scenarios(t *testing.T, path string) *configs.Scenarios {
	src, err := os.ReadFile(path)
	require.NoError(t, err)
	all, ds := configs.ParseScenarios(path, src, configs.ScenarioOptions{Load: func(name string) (*configs.Pipeline, error) {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			return nil, errors.New("no such file")
		}
		return parse(t, name, string(text)), nil
	}})
	require.Empty(t, ds)
	return all
}

func run(t *testing.T, s *configs.Scenario, p *configs.Pipeline) Verdict {
	v, err := Run(s, p, options(p))
	require.NoError(t, err)
	return v
}

// The alert machine, in the words of its users.
func TestMachine(t *testing.T) {
	all := scenarios(t, "testdata/machine.test.yaml")
	for i := range all.Tests {
		s := &all.Tests[i]
		t.Run(s.Name, func(t *testing.T) {
			v := run(t, s, all.Pipeline)
			require.True(t, v.Passed, "%s", v.Diff())
		})
	}
}

// State survives a restart at every moment: all tests pass just so with a restart
// behind every arrival.
func TestRestartsEverywhere(t *testing.T) {
	all := scenarios(t, "testdata/machine.test.yaml")
	for i := range all.Tests {
		s := &all.Tests[i]
		t.Run(s.Name, func(t *testing.T) {
			s.Steps = nil
			for _, r := range Records(s, all.Pipeline) {
				s.Steps = append(s.Steps, configs.ScenarioStep{At: r.Append - s.Start})
			}
			s.Steps = append(s.Steps, configs.ScenarioStep{At: s.End})
			v := run(t, s, all.Pipeline)
			require.True(t, v.Passed, "%s", v.Diff())
		})
	}
}

// A test that fails shows what it expected and what it found.
func TestDiffs(t *testing.T) {
	var b strings.Builder
	for _, path := range []string{"testdata/failing.test.yaml", "testdata/windows-failing.test.yaml", "testdata/steps-failing.test.yaml"} {
		all := scenarios(t, path)
		for i := range all.Tests {
			v := run(t, &all.Tests[i], all.Pipeline)
			require.False(t, v.Passed, all.Tests[i].Name)
			fmt.Fprintf(&b, "%s\n%s\n", all.Tests[i].Name, v.Diff())
		}
	}
	const golden = "testdata/diffs.txt"
	if *updateFlag {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
		return
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

// Messages are as the pipeline reads them, whatever its fields are called.
func TestMessages(t *testing.T) {
	wide, narrow := configs.Reading{Device: "id", Time: "at", Metrics: []string{"a", "b"}}, configs.Reading{Device: "device", Metric: "metric", Time: "ts", Value: "value", Seq: "seq"}
	m := message{device: `p"1`, at: 1_772_323_200_005, seq: 7, values: []metricValue{{"a", 1.5}}}
	for unit, text := range map[string]string{"": `"2026-03-01T00:00:00.005Z"`, "s": "1772323200.005", "ms": "1772323200005", "us": "1772323200005000", "ns": "1772323200005000000"} {
		narrow.Unit, wide.Unit = unit, unit
		require.Equal(t, `{"device":"p\"1","ts":`+text+`,"seq":7,"metric":"a","value":1.5}`, string(m.encode(&narrow)))
		require.Equal(t, `{"id":"p\"1","at":`+text+`,"a":1.5,"b":-2}`, string((&message{
			device: m.device, at: m.at, seq: -1, values: append(m.values, metricValue{"b", -2}),
		}).encode(&wide)))
	}
	require.Equal(t, `{"device":"d","metric":"a","value":1.5}`, string((&message{device: "d", at: event.Time(1), seq: -1, values: m.values}).encode(
		&configs.Reading{Device: "device", Metric: "metric", Value: "value"})))
}
