package task

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// arroyo is the folder of another engine's golden outputs; without it the test is
// skipped.
func arroyo(t *testing.T) string {
	folder := os.Getenv("WEIR_REFERENCE")
	if folder == "" {
		folder = "../../../shared/reference"
	}
	folder = filepath.Join(folder, "arroyo")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no reference data (WEIR_REFERENCE names its folder): %v", err)
	}
	return folder
}

// Another engine's golden output of a hopping window, through codec and task.
func TestHoppingWindowsAgreeWithArroyo(t *testing.T) {
	folder := arroyo(t)
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
		got = append(got, window{arroyoTime(w.Start), arroyoTime(w.End), w.Count, w.Min, w.Max})
	}
	require.NotEmpty(t, want)
	require.Equal(t, want, got)
}

// Its sessions, one device to each of its users.
func TestSessionWindowsAgreeWithArroyo(t *testing.T) {
	folder := arroyo(t)
	p := mustPlant(t, `
source: {topic: readings, reading: {device: user_id, time: timestamp, seq: "", metrics: [counter]}}
dedupe: {by: off}
time: {wait_for_late: 0s}
windows:
- {name: visit, metric: counter, session: {gap: 20s}, compute: [count], emit: {topic: aggregates}}
`)
	for _, line := range linesOf(t, filepath.Join(folder, "impulse.ndjson")) {
		var impulse struct {
			Timestamp time.Time
			Counter   int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &impulse))
		user := impulse.Counter
		if user%10 == 0 {
			user = 0
		}
		at := event.Time(impulse.Timestamp.UnixMilli())
		value := fmt.Sprintf(`{"user_id":%d,"timestamp":%q,"counter":%d}`, user, stamp(at), impulse.Counter)
		require.NoError(t, p.fold(Record{Append: at, Value: []byte(value)}))
	}
	require.Empty(t, p.taken(), "no session ends while the stream lasts")
	// Wall time closes no session, but devices that are forgotten end theirs.
	first := p.task.Clock() + p.plan.idleAfter
	p.advance(Now{Wall: first})
	p.taken() // all of them, provisionally
	p.advance(Now{Wall: first + p.plan.forget, Mono: int64(p.plan.forget)})

	type visit struct {
		Start, End string
		Rows       int
		User       int `json:"user_id"`
	}
	var want, got []visit
	for _, line := range linesOf(t, filepath.Join(folder, "session_20s.expected.ndjson")) {
		var v visit
		require.NoError(t, json.Unmarshal([]byte(line), &v))
		want = append(want, v)
	}
	for _, o := range p.taken() {
		var w struct {
			Device, Metric, Window, Pipeline string
			Start, End                       time.Time
			Count, Revision                  int
			Final                            bool
		}
		decodeStrictly(t, o.value, &w)
		require.True(t, w.Final)
		require.Equal(t, 2, w.Revision)
		user, err := strconv.Atoi(w.Device)
		require.NoError(t, err)
		got = append(got, visit{arroyoTime(w.Start), arroyoTime(w.End), w.Count, user})
	}
	require.NotEmpty(t, want)
	require.ElementsMatch(t, want, got)
}

// arroyoTime is how that engine writes times: without a zone, and without a
// fraction where it is zero.
func arroyoTime(t time.Time) string {
	return strings.TrimSuffix(t.Format("2006-01-02T15:04:05.000"), ".000")
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
