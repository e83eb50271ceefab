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

// alarmsOf runs a detector over a series.
func alarmsOf(t *testing.T, o anomaly.Options, s series) ([]int, []anomaly.Verdict) {
	t.Helper()
	d := compiled(t, o)
	w := make([]uint64, d.Words())
	var at []int
	var verdicts []anomaly.Verdict
	for i := range s.times {
		if v := d.Step(w, s.times[i], s.values[i]); v.Alarm {
			at = append(at, i)
			verdicts = append(verdicts, v)
		}
	}
	return at, verdicts
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

// TestNAB measures the detector on the Numenta Anomaly Benchmark's files with one
// setting for all. Run it with -v to see the table of docs/ANOMALY.md.
func TestNAB(t *testing.T) {
	file, err := os.ReadFile(reference(t, "nab", "windows.json"))
	require.NoError(t, err)
	var labels map[string][][2]string
	require.NoError(t, json.Unmarshal(file, &labels))
	names := []string{
		"ambient_temperature_system_failure", "cpu_utilization_asg_misconfiguration",
		"ec2_request_latency_system_failure", "nyc_taxi", "rogue_agent_key_hold", "rogue_agent_key_updown",
	}
	sum := outcome{}
	t.Logf("%-37s %7s %5s %9s %5s %9s %6s", "file", "windows", "found", "false", "/week", "delay", "score")
	for _, name := range names {
		s := readSeries(t, reference(t, "nab", name+".csv"))
		windows := readWindows(t, s, labels[name+".csv"])
		require.NotEmpty(t, windows)
		alarms, verdicts := alarmsOf(t, anomaly.Options{}, s)
		if os.Getenv("WEIR_ALARMS") != "" {
			for n, i := range alarms {
				t.Logf("    %s %v %v", time.UnixMilli(int64(s.times[i])).UTC().Format("2006-01-02 15:04"), verdicts[n].Kind, s.values[i])
			}
		}
		o := score(s, windows, alarms)
		t.Logf("%-37s %7d %5d %9d %5.2f %9s %6.1f", name, o.windows, o.found, o.falseAlarms,
			float64(o.falseAlarms)/o.weeks, meanDelay(o), normalized(o))
		sum.windows += o.windows
		sum.found += o.found
		sum.falseAlarms += o.falseAlarms
		sum.score += o.score
		sum.delay += o.delay
		sum.weeks += o.weeks
	}
	t.Logf("%-37s %7d %5d %9d %5.2f %9s %6.1f", "all", sum.windows, sum.found, sum.falseAlarms,
		float64(sum.falseAlarms)/sum.weeks, meanDelay(sum), normalized(sum))
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
