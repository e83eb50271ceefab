package main

import (
	"encoding/xml"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// table: goldens are rewritten with `go test ./bench -update`.
var update = flag.Bool("update", false, "rewrite the goldens")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestPercentile(t *testing.T) {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = float64(i + 1)
	}
	require.Equal(t, 500.0, percentile(values, 50))
	require.Equal(t, 990.0, percentile(values, 99))
	require.Equal(t, 999.0, percentile(values, 99.9))
	require.Equal(t, 1000.0, percentile(values, 100))
	require.Equal(t, 1.0, percentile(values, 0))
	require.Equal(t, 7.0, percentile([]float64{7}, 99))
	require.True(t, math.IsNaN(percentile(nil, 50)))
	require.Equal(t, spread{Min: 1, Median: 2.5, Max: 4, N: 4}, spreadOf([]float64{4, 1, 3, 2}))
	require.Equal(t, spread{Min: 1, Median: 2, Max: 9, N: 3}, spreadOf([]float64{9, 1, 2}))
}

func TestStat(t *testing.T) {
	s, err := parseStat("42 (a ) b) S 7 9 9 0 -1 4194560 1 2 3 4 150 50 8 9 20 0 1 0")
	require.NoError(t, err)
	require.Equal(t, processStat{pid: 42, parent: 7, group: 9, cpu: 2 * time.Second}, s)
	_, err = parseStat("nothing of that kind")
	require.Error(t, err)
	own, err := readStat(os.Getpid())
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), own.pid)
	require.Positive(t, residentBytes(os.Getpid()))
}

func TestPlots(t *testing.T) {
	for name, svg := range map[string][]byte{
		"bars.svg": drawBars("Readings <each second>", []bar{{"weir", spread{900, 1000, 1100, 3}}, {"kafka-streams", spread{80, 80, 80, 1}}, {"nothing", spread{}}}),
		"lines.svg": drawLines("Latency, ms", []line{{"weir", []float64{1, 2, 4, 6, 9}}, {"flink-heap", []float64{400, 800, 1100, math.NaN(), 1300}},
			{"flink-rocksdb", []float64{410, 810, 1110, 1200, 1301}}}),
	} {
		decoder := xml.NewDecoder(strings.NewReader(string(svg)))
		for {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else {
				require.NoError(t, err, name)
			}
		}
		golden(t, name, svg)
	}
}

// invented are results of two runs, of which one engine's are wrong.
func invented() []result {
	when := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	all := []result{{At: when, Measure: "machine", Facts: map[string]string{"cores": "2", "kernel": "Linux"}}}
	right, wrong := &verdict{Compared: 10, OneIn: 1}, &verdict{Compared: 10, OneIn: 1, Missing: 2}
	add := func(measure, name string, engine string, run int, v *verdict, figures map[string]float64) {
		all = append(all, result{At: when, Measure: measure, Case: name, Order: 10_000, Engine: engine, Run: run, Verdict: v, Figures: figures, Command: "go run ./bench -measure " + measure})
	}
	for run := 1; run <= 2; run++ {
		n := float64(run)
		f := func(speed float64) map[string]float64 {
			return map[string]float64{"readings": 100_000, "devices": 10_000, "readings_per_cpu_s": speed * n, "readings_per_wall_s": speed * n, "wall_s": 3, "rss_peak_bytes": 5e8, "live_heap_bytes": 4e6}
		}
		add("catchup", "10,000 devices", "weir", run, right, f(1_000_000))
		add("catchup", "10,000 devices", "kafka-streams", run, right, f(50_000*n))
		add("catchup", "10,000 devices", "flink-heap", run, wrong, f(9_999_999))
		add("catchup", "10,000 devices", "ceiling-scan", run, nil, f(4_000_000))
		add("latency", "10,000 readings/s", "weir", run, right, map[string]float64{"append_p50_ms": 3, "append_p90_ms": 4, "append_p99_ms": 7 * n, "append_p999_ms": 20, "append_max_ms": 21})
		add("restart", "10,000 devices, local state kept", "weir", run, right, map[string]float64{"first_output_s": 0.4})
		add("scale", "rules=4", "weir", run, right, f(900_000))
		add("steady", "10,000 readings/s", "weir", run, right, map[string]float64{"cpu_share": 0.04 * n, "mallocs_per_reading": 0.02})
	}
	return append(all, result{At: when, Measure: "mqtt", Case: "live", Engine: "weir", Run: 1, Failed: "mosquitto not found\nmore of it"})
}

func TestReport(t *testing.T) {
	p := compose(invented())
	p.Files = []string{"results/invented.jsonl"}
	text, err := p.render()
	require.NoError(t, err)
	require.NotContains(t, string(text), "9,999,999", "figures of a wrong engine are never shown")
	require.NotContains(t, string(text), "10,000,000")
	require.NotContains(t, string(text), "NaN")
	golden(t, "RESULTS.md", text)
}

func TestResultsSurviveTheirFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a", "b.jsonl")
	j, err := openJournal(file)
	require.NoError(t, err)
	for _, r := range invented() {
		require.NoError(t, j.add(r))
	}
	require.NoError(t, j.close())
	got, err := readResults([]string{file})
	require.NoError(t, err)
	require.Equal(t, invented(), got)
	require.NoError(t, writeReport([]string{file}, t.TempDir()))
}

func TestSteadyFiguresAreComparedWithTheirLike(t *testing.T) {
	run := func(whole, steady float64) result {
		f := map[string]float64{"x": whole}
		if steady > 0 {
			f["steady_x"] = steady
		}
		return result{Figures: f}
	}
	for _, c := range []struct {
		a, b result
		want float64
	}{
		{run(10, 20), run(5, 10), 2},
		{run(10, 20), run(5, 0), 2}, // not 4
		{run(10, 0), run(5, 10), 1},
		{run(10, 0), run(5, 0), 2},
	} {
		require.Equal(t, c.want, bySteady("x")(c.a, c.b))
	}
}

func TestBenchmarkFigures(t *testing.T) {
	out := "goos: linux\nBenchmarkFold/devices=10000-2 \t 2000000\t       512.5 ns/op\t       0.08 windows/op\t      11 B/op\t       0 allocs/op\nPASS\n"
	require.Equal(t, map[string]float64{"ns_per_op": 512.5, "windows_per_op": 0.08, "B_per_op": 11, "allocs_per_op": 0}, benchmarkFigures(out))
	require.Empty(t, benchmarkFigures("PASS"))
}

func TestQuickRunsJudgeNoGoal(t *testing.T) {
	all := invented()
	all[0].Quick = true
	for _, row := range compose(all).Goals.Rows {
		require.Equal(t, "not judged", row[len(row)-1])
	}
}
