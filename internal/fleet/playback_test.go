package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func drain(t *testing.T, s Source) []Message {
	t.Helper()
	var out []Message
	for {
		m, ok, err := s.Message()
		require.NoError(t, err)
		if !ok {
			return out
		}
		out = append(out, m)
	}
}

func TestPlaybackMergesDevices(t *testing.T) {
	const file = `n,mote,humidity,temperature,note
1,a,45.90,27.97,
2,a,,27.95,"wet, cold"
1,b,NaN,1e3,x
`
	p, err := NewPlayback(strings.NewReader(file), PlaybackOptions{
		Device: "mote", Columns: []string{"temperature", "humidity", "note"}, Interval: 5 * time.Second, Start: start,
	})
	require.NoError(t, err)
	var lines []string
	for _, m := range drain(t, p) {
		lines = append(lines, m.Topic()+" "+string(m.JSON))
	}
	assert.Equal(t, []string{
		`plant/lab/a/telemetry {"device":"a","ts":"2023-11-14T22:13:20.000Z","seq":0,"temperature":27.97,"humidity":45.9}`,
		`plant/lab/b/telemetry {"device":"b","ts":"2023-11-14T22:13:20.000Z","seq":0,"temperature":1000,"humidity":"NaN","note":"x"}`,
		`plant/lab/a/telemetry {"device":"a","ts":"2023-11-14T22:13:25.000Z","seq":1,"temperature":27.95,"note":"wet, cold"}`,
	}, lines)
	assert.Equal(t, 3, p.Len())
	assert.Equal(t, 2, p.Devices())
	assert.Equal(t, 5*time.Second, p.Span())
}

func TestPlaybackRefuses(t *testing.T) {
	good := PlaybackOptions{Device: "d", Columns: []string{"v"}, Interval: time.Second}
	for _, c := range []struct {
		file   string
		change func(*PlaybackOptions)
		want   string
	}{
		{"d,v\n", func(o *PlaybackOptions) { o.Interval = 0 }, "playback: interval=0s must be at least 1ms"},
		{"d,v\n", func(o *PlaybackOptions) { o.Device = "x" }, `playback: there is no column "x"; the columns are ["d" "v"]`},
		{"d,v\n", func(o *PlaybackOptions) { o.Columns = []string{"v", "w"} }, `playback: there is no column "w"; the columns are ["d" "v"]`},
		{"d,v\n", func(o *PlaybackOptions) { o.Columns = nil }, `playback: no columns to send; the columns are ["d" "v"]`},
		{"", func(*PlaybackOptions) {}, "playback: read the names of the columns: EOF"},
		{"d,v\na,1\nb\n", func(*PlaybackOptions) {}, "playback: record on line 3: wrong number of fields"},
	} {
		o := good
		c.change(&o)
		_, err := NewPlayback(strings.NewReader(c.file), o)
		assert.EqualError(t, err, c.want)
	}
}

func TestPlaybackOfTheMotes(t *testing.T) {
	reference := os.Getenv("WEIR_REFERENCE")
	if reference == "" {
		reference = filepath.Join("..", "..", "..", "shared", "reference")
	}
	file, err := os.Open(filepath.Join(reference, "wsn", "motes_1_2.csv"))
	if os.IsNotExist(err) {
		t.Skip("the reference data is not here; set WEIR_REFERENCE")
	}
	require.NoError(t, err)
	defer file.Close()
	p, err := NewPlayback(file, PlaybackOptions{
		Device: "mote_id", Columns: []string{"temperature", "humidity"}, Interval: 5 * time.Second, Start: start,
	})
	require.NoError(t, err)
	messages := drain(t, p)
	assert.Equal(t, 2, p.Devices())
	require.Greater(t, len(messages), 8000)
	assert.Equal(t, `{"device":"1","ts":"2023-11-14T22:13:20.000Z","seq":0,"temperature":27.97,"humidity":45.93}`, string(messages[0].JSON))
	for i := 1; i < len(messages); i++ {
		require.GreaterOrEqual(t, messages[i].Due, messages[i-1].Due)
	}
}
