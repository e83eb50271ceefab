package task

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// Another engine's golden output of a hopping window, through codec and task.
func TestHoppingWindowsAgreeWithArroyo(t *testing.T) {
	folder := os.Getenv("WEIR_REFERENCE")
	if folder == "" {
		folder = "../../../shared/reference"
	}
	folder = filepath.Join(folder, "arroyo")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no reference data (WEIR_REFERENCE names its folder): %v", err)
	}
	p := mustPlant(t, `
source: {topic: readings, reading: {device: subtask_index, time: timestamp, seq: "", metrics: [counter]}}
dedupe: {by: off}
time: {wait_for_late: 0s}
windows:
- {name: hop, metric: counter, hopping: {size: 10s, every: 2s}, compute: [count, min, max], emit: {topic: aggregates}}
`)
	var last event.Time
	for _, line := range linesOf(t, filepath.Join(folder, "impulse.ndjson")) {
		var impulse struct{ Timestamp time.Time }
		require.NoError(t, json.Unmarshal([]byte(line), &impulse))
		last = event.Time(impulse.Timestamp.UnixMilli())
		require.NoError(t, p.fold(Record{Append: last, Value: []byte(line)}))
	}
	// The golden holds the windows that were open when the stream ended: here a
	// last reading of the device's closes them, and opens five of its own.
	last += 10_000
	closing := `{"subtask_index":0,"timestamp":"` + stamp(last) + `","counter":0}`
	require.NoError(t, p.fold(Record{Append: last, Value: []byte(closing)}))

	type window struct {
		Start, End      string
		Count, Min, Max float64
	}
	var want, got []window
	for _, line := range linesOf(t, filepath.Join(folder, "hop_10s_every_2s.expected.ndjson")) {
		var w window
		require.NoError(t, json.Unmarshal([]byte(line), &w))
		want = append(want, w)
	}
	for _, o := range p.taken() {
		var w struct {
			Device, Metric, Window, Pipeline string
			Start, End                       time.Time
			Count, Min, Max                  float64
			Revision                         int
			Final                            bool
		}
		decodeStrictly(t, o.value, &w)
		require.True(t, w.Final)
		require.Equal(t, 1, w.Revision)
		require.Equal(t, "0", w.Device)
		const layout = "2006-01-02T15:04:05"
		got = append(got, window{w.Start.Format(layout), w.End.Format(layout), w.Count, w.Min, w.Max})
	}
	require.NotEmpty(t, want)
	require.Equal(t, want, got)
}

func linesOf(t *testing.T, path string) []string {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var lines []string
	for scan := bufio.NewScanner(f); scan.Scan(); {
		lines = append(lines, scan.Text())
	}
	return lines
}
