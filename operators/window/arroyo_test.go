package window_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

// The hopping windows that another engine computed over the same events, first
// and last partial windows included.
func TestHoppingAgainstArroyo(t *testing.T) {
	type hop struct {
		Count      uint64
		Min, Max   float64
		Start, End string
	}
	var events []struct {
		Timestamp time.Time
		Counter   float64
	}
	var want []hop
	readLines(t, "impulse.ndjson", &events)
	readLines(t, "hop_10s_every_2s.expected.ndjson", &want)

	rings, _, err := window.PlanRings([]window.Spec{{
		Name: "hop", Size: 10_000, Every: 2_000, Compute: []string{"min", "max"},
	}}, window.Time{})
	require.NoError(t, err)
	ring := rings[0]
	row := newMovingRow(ring.Cells(), ring.Words())
	var got []hop
	emit := func(r *window.Result) uint8 {
		got = append(got, hop{r.Count, r.Values[0], r.Values[1], second(r.Start), second(r.End)})
		return 0
	}
	var clock event.Time
	for _, e := range events {
		at := event.Time(e.Timestamp.UnixMilli())
		now := operators.Advance(clock, operators.Arrival{Event: at, Append: at})
		ring.Close(row, window.Span{From: clock, To: now}, emit)
		ring.Fold(row, at, e.Counter)
		clock = now
	}
	ring.Flush(row, clock, emit)
	require.Equal(t, want, got)
}

func second(t event.Time) string {
	return time.UnixMilli(int64(t)).UTC().Format("2006-01-02T15:04:05")
}

// readLines decodes a file of the reference data, and skips the test where there
// is none.
func readLines[T any](t *testing.T, name string, into *[]T) {
	t.Helper()
	dir := os.Getenv("WEIR_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "reference")
	}
	f, err := os.Open(filepath.Join(dir, "arroyo", name))
	if os.IsNotExist(err) {
		t.Skipf("no reference data: %v", err)
	}
	require.NoError(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var v T
		require.NoError(t, json.Unmarshal(lines.Bytes(), &v))
		*into = append(*into, v)
	}
}
