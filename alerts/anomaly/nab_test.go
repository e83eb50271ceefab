package anomaly_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

// series is one file of the reference folder.
type series struct {
	times  []event.Time
	values []float64
}

// reference returns a path in the reference folder, or skips the test.
func reference(t *testing.T, elements ...string) string {
	t.Helper()
	dir := os.Getenv("WEIR_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "reference")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no reference folder at %s: set WEIR_REFERENCE to measure on it", dir)
	}
	return filepath.Join(append([]string{dir}, elements...)...)
}

func readRows(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.Greater(t, len(rows), 1)
	return rows[1:]
}

func readSeries(t *testing.T, path string) series {
	t.Helper()
	var s series
	for _, row := range readRows(t, path) {
		at, err := time.Parse("2006-01-02 15:04:05", row[0])
		require.NoError(t, err)
		v, err := strconv.ParseFloat(row[1], 64)
		require.NoError(t, err)
		s.times = append(s.times, event.Time(at.UnixMilli()))
		s.values = append(s.values, v)
	}
	return s
}

// span is a labelled window, both ends in it, as indices into a series.
type span struct{ first, last int }

// sigmoid is the weight of a detection at a place relative to a window: -1 is its
// left end, 0 its right one, and beyond 3 widths a detection is plainly false
// (Lavin and Ahmad, Evaluating Real-time Anomaly Detection Algorithms, ICMLA 2015).
func sigmoid(place float64) float64 {
	if place > 3 {
		return -1
	}
	return 2/(1+math.Exp(5*place)) - 1
}

// outcome is how the alarms of one file meet its windows.
type outcome struct {
	windows, found, falseAlarms int
	score                       float64 // raw, of the standard profile
	delay                       event.Time
	weeks                       float64
}

// score takes alarms, as indices in rising order, as NAB's standard profile does:
// 1 for the first detection in a window, less the later it comes, -1 for a window
// missed, 0.11 of the sigmoid for each false alarm, and nothing for the first 15 %
// (of at most 5000 samples) of a file.
func score(s series, windows []span, alarms []int) outcome {
	probation := int(math.Min(0.15*float64(len(s.times)), 0.15*5000))
	o := outcome{windows: len(windows)}
	o.weeks = float64(s.times[len(s.times)-1]-s.times[probation]) / float64(anomaly.Week)
	found := make([]bool, len(windows))
	for _, i := range alarms {
		if i < probation {
			continue
		}
		in, before := -1, -1
		for n, w := range windows {
			if i >= w.first && i <= w.last {
				in = n
			}
			if w.last < i {
				before = n
			}
		}
		switch {
		case in >= 0:
			if found[in] {
				continue
			}
			found[in] = true
			o.found++
			w := windows[in]
			o.score += sigmoid(-float64(w.last-i+1)/float64(w.last-w.first+1)) / sigmoid(-1)
			o.delay += s.times[i] - s.times[w.first]
		default:
			o.falseAlarms++
			place := math.Inf(1)
			if before >= 0 {
				w := windows[before]
				place = float64(i-w.last) / float64(w.last-w.first)
			}
			o.score += 0.11 * sigmoid(place)
		}
	}
	o.score -= float64(o.windows - o.found)
	return o
}

// alarmsOf runs a detector over a series and returns the samples that alarm.
func alarmsOf(t *testing.T, o anomaly.Options, s series) []int {
	t.Helper()
	d := compiled(t, o)
	w := make([]uint64, d.Words())
	var at []int
	for i := range s.times {
		if d.Step(w, s.times[i], s.values[i]).Alarm {
			at = append(at, i)
		}
	}
	return at
}

func readWindows(t *testing.T, s series, spans [][2]string) []span {
	t.Helper()
	at := func(text string) int {
		when, err := time.Parse("2006-01-02 15:04:05.000000", text)
		require.NoError(t, err)
		for i, x := range s.times {
			if x >= event.Time(when.UnixMilli()) {
				return i
			}
		}
		require.Fail(t, "no sample at "+text)
		return 0
	}
	var windows []span
	for _, w := range spans {
		windows = append(windows, span{at(w[0]), at(w[1])})
	}
	return windows
}

func nabFiles() []string {
	return []string{
		"ambient_temperature_system_failure", "cpu_utilization_asg_misconfiguration",
		"ec2_request_latency_system_failure", "nyc_taxi", "rogue_agent_key_hold", "rogue_agent_key_updown",
	}
}

// TestNAB measures the detector on six files of the Numenta Anomaly Benchmark, with
// one setting for all of them. Run it with -v to see the table of docs/ANOMALY.md.
func TestNAB(t *testing.T) {
	file, err := os.ReadFile(reference(t, "nab", "windows.json"))
	require.NoError(t, err)
	var labels map[string][][2]string
	require.NoError(t, json.Unmarshal(file, &labels))
	t.Logf("%-37s %7s %5s %5s %8s %8s %6s", "file", "windows", "found", "false", "per week", "delay", "score")
	for _, per := range []event.Time{0, anomaly.Week, 2 * anomaly.Week, 2 * anomaly.Month, 3 * anomaly.Month, anomaly.Year} {
		var sum outcome
		for _, name := range nabFiles() {
			s := readSeries(t, reference(t, "nab", name+".csv"))
			windows := readWindows(t, s, labels[name+".csv"])
			require.NotEmpty(t, windows)
			o := score(s, windows, alarmsOf(t, anomaly.Options{FalseAlarmsPer: per}, s))
			sum.add(o)
			if per == 0 {
				t.Log(o.row(name))
			}
		}
		if per == 0 {
			t.Log(sum.row("all, one false alarm per month"))
			require.GreaterOrEqual(t, sum.found, 11)
			require.Greater(t, normalized(sum), 60.0)
			continue
		}
		t.Log(sum.row(fmt.Sprintf("all, one false alarm per %d days", per/anomaly.Day)))
	}
}

func (o *outcome) add(of outcome) {
	o.windows += of.windows
	o.found += of.found
	o.falseAlarms += of.falseAlarms
	o.score += of.score
	o.delay += of.delay
	o.weeks += of.weeks
}

func (o outcome) row(name string) string {
	return fmt.Sprintf("%-37s %7d %5d %5d %8.2f %8s %6.1f", name, o.windows, o.found, o.falseAlarms,
		float64(o.falseAlarms)/o.weeks, meanDelay(o), normalized(o))
}

// normalized is 0 for a detector that says nothing and 100 for a perfect one.
func normalized(o outcome) float64 {
	return 100 * (o.score + float64(o.windows)) / float64(2*o.windows)
}

func meanDelay(o outcome) string {
	if o.found == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f h", float64(o.delay)/float64(o.found)/float64(anomaly.Hour))
}

// TestScore checks the scorer on a series of 1000 samples with a window in it.
func TestScore(t *testing.T) {
	var s series
	for i := range 1000 {
		s.times = append(s.times, event.Time(i)*anomaly.Hour)
	}
	windows := []span{{400, 499}}
	of := func(alarms ...int) float64 { return normalized(score(s, windows, alarms)) }
	require.Zero(t, of())
	require.InDelta(t, 100, of(400), 1e-9)
	require.Equal(t, of(400), of(400, 401, 499), "a window counts once")
	require.Equal(t, of(400), of(0, 149, 400), "the probation costs nothing")
	require.InDelta(t, 100-5.5, of(150, 400), 1e-9, "0.11 of two")
	require.Greater(t, of(450), of(480))
	require.Greater(t, of(499), 50.0)
	require.Greater(t, of(400, 505), of(400, 600), "just behind a window is half right")
	require.InDelta(t, 100-5.5, of(400, 900), 1e-9)
	o := score(s, windows, []int{200, 460})
	require.Equal(t, 1, o.found)
	require.Equal(t, 1, o.falseAlarms)
	require.Equal(t, 60*anomaly.Hour, o.delay)
}
