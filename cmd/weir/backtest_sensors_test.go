package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sensors is a recording of two sensors, onto one of which steam is let. It is not part
// of this repository.
type sensors struct {
	path  string
	began time.Time // of its first reading, as backtest counts
	steam [2]time.Time
}

func readSensors(t *testing.T) sensors {
	s := sensors{path: filepath.Join("..", "..", "..", "shared", "reference", "wsn", "motes_1_2.csv"), began: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	if dir := os.Getenv("WEIR_REFERENCE"); dir != "" {
		s.path = filepath.Join(dir, "wsn", "motes_1_2.csv")
	}
	rows, err := os.ReadFile(s.path)
	if err != nil {
		t.Skip("the reference data are not there (WEIR_REFERENCE names their folder)")
	}
	for line := range strings.Lines(string(rows)) {
		cells := strings.Split(strings.TrimSpace(line), ",")
		n, err := strconv.Atoi(cells[0])
		if err != nil || cells[1] != "1" || cells[4] != "1" {
			continue
		}
		s.steam[1] = s.began.Add(time.Duration(n-1) * 5 * time.Second)
		if s.steam[0].IsZero() {
			s.steam[0] = s.steam[1]
		}
	}
	require.False(t, s.steam[0].IsZero())
	return s
}

// look folds the recording and tells how long after the steam each episode began that
// began within it, by rule and device.
func (s sensors) look(t *testing.T, pipeline string) (r backtestResult, within map[string][]time.Duration) {
	out, _, err := execute(t, "backtest", pipeline, "--input", s.path, "--column", "device=mote_id", "--every", "5s", "--sort", "--json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	within = map[string][]time.Duration{}
	for _, e := range r.Episodes {
		at, err := time.Parse(time.RFC3339, e.FiredAt)
		require.NoError(t, err)
		t.Logf("%s on mote %s at reading %d, %.0f s, %s", e.Rule, e.Device, at.Sub(s.began)/(5*time.Second), e.Seconds, e.Kind)
		if !at.Before(s.steam[0]) && !at.After(s.steam[1]) {
			within[e.Rule+" "+e.Device] = append(within[e.Rule+" "+e.Device], at.Sub(s.steam[0]))
		}
	}
	return r, within
}

// A threshold: mote 1 alarms once, within the steam, mote 2 never.
func TestBacktestOfRealSensors(t *testing.T) {
	r, within := readSensors(t).look(t, filepath.Join(examplesDir, "sensor-spill.yaml"))
	require.Len(t, r.Episodes, 1)
	require.Len(t, within["steam 1"], 1)
	assert.LessOrEqual(t, within["steam 1"][0], time.Minute)
	assert.Equal(t, uint64(17668), r.Readings.All)
	assert.Equal(t, "91", strconv.Itoa(int(r.Episodes[0].Peak)))
}

// The same by rules on anomalies, which are told nothing but how often they may be wrong:
// mote 1 alarms within the steam, mote 2 has nothing to say of humidity. docs/ANOMALY.md
// has the episodes.
func TestAnomaliesOfRealSensors(t *testing.T) {
	pipeline := filepath.Join(t.TempDir(), "odd.yaml")
	require.NoError(t, os.WriteFile(pipeline, []byte(`
name: odd
kafka: {brokers: ["localhost:9092"]}
source: {topic: motes, reading: {metrics: [humidity, temperature]}}
rules:
  - {name: odd-humidity, anomaly: humidity}
  - {name: odd-temperature, anomaly: temperature}
`), 0o600))
	r, within := readSensors(t).look(t, pipeline)
	assert.Equal(t, map[string][]time.Duration{"odd-humidity 1": {10 * time.Second}, "odd-temperature 1": {10 * time.Second}}, within)
	for _, e := range r.Episodes {
		assert.NotEqual(t, "odd-humidity 2", e.Rule+" "+e.Device)
	}
	assert.Len(t, r.Episodes, 5)
}
