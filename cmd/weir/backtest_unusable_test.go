package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// spoiled is a file of readings of which none can be used.
func spoiled(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const bad = `{"device":"store-1","metric":"temperature","ts":1772366400000,"value":4}
{"device":"store-2","metric":"temperature","ts":1772366400000,"value":5}

[{"device":"store-1","metric":"temperature","ts":"2026-03-01T08:00:00Z","value":"warm"},{"device":"store-2","metric":"temperature","ts":"2026-03-01T08:00:00Z"}]
rubbish
{"device":"store-3","temperature":4}
`

// Where nothing of history can be used, it is told why, by reason with the first message of each, and the command fails.
func TestBacktestOfNothingUsable(t *testing.T) {
	for _, flags := range [][]string{nil, {"--sort"}} {
		path := spoiled(t, "bad.ndjson", bad)
		out, _, err := execute(t, append([]string{"backtest", coldChain, "--input", path}, flags...)...)
		require.EqualError(t, err, "backtest: none of 6 readings could be used: they were bad, too late or ahead of their append times")
		assert.False(t, strings.Contains(err.Error(), "usage"))
		golden(t, "unusable.txt", out)
	}
	out, _, err := execute(t, "backtest", coldChain, "--input", spoiled(t, "bad.ndjson", bad), "--json")
	require.Error(t, err)
	var r backtestResult
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.Len(t, r.Unusable, 5)
	assert.EqualValues(t, "time_format", r.Unusable[4].Reason)
	assert.EqualValues(t, 2, r.Unusable[4].Readings)
	assert.Equal(t, int64(1), r.Unusable[4].First.Line)
}

// A metric that nothing asks for is no bad reading, and no use either.
func TestBacktestOfAnotherMetric(t *testing.T) {
	_, _, err := execute(t, "backtest", coldChain, "--input", spoiled(t, "other.ndjson", `{"device":"store-1","metric":"temp","ts":"2026-03-01T08:00:00Z","value":4}`))
	require.EqualError(t, err, "backtest: none of 1 readings could be used: of 1 no window or rule uses the metric, or they do not meet where")
}

func TestBacktestOfRowsThatCannotBeUsed(t *testing.T) {
	out, _, err := execute(t, "backtest", coldChain, "--input", spoiled(t, "bad.csv", "device,metric,ts,value\nstore-1,temperature,2026-03-01T08:00:00Z,4\nstore-1,temperature,2026-03-01T08:01:00Z,warm\n"))
	require.NoError(t, err)
	assert.Regexp(t, `value_type +1 +row 2 +field "value" is "warm", and must be a number`, out)
}
