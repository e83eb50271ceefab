package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/internal/brokers"
)

// runSimulate runs the command and returns what it wrote.
func runSimulate(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := newSimulateCommand()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

func TestSimulateToStdout(t *testing.T) {
	out, errs, err := runSimulate(t, "--devices", "5", "--rate", "0", "--count", "200",
		"--duplicates", "0.1", "--late", "0.1", "--future", "0.1", "--json")
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 200)
	for _, line := range lines {
		var reading struct {
			Device, Metric string
			Value          *float64
			TS             time.Time
			Seq            *int64
		}
		require.NoError(t, json.Unmarshal([]byte(line), &reading))
		require.NotNil(t, reading.Value)
		require.NotNil(t, reading.Seq)
		require.WithinRange(t, reading.TS, time.Now().Add(-3*time.Hour), time.Now().Add(time.Hour))
	}
	var summary map[string]int
	require.NoError(t, json.Unmarshal([]byte(errs), &summary))
	assert.Equal(t, 200, summary["sent"])
	assert.Equal(t, 5, summary["devices"])
	for _, fault := range []string{"duplicates", "late", "future"} {
		assert.InDelta(t, 20, summary[fault], 15, fault)
	}
}

func TestSimulateToKafka(t *testing.T) {
	k, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}})
	require.NoError(t, err)
	defer k.Close()
	out, errs, err := runSimulate(t, "--devices", "5", "--rate", "0", "--count", "300",
		"--to", "kafka://"+k.Addr()+"/readings", "--json")
	require.NoError(t, err)
	assert.JSONEq(t, `{"sent":300,"duplicates":0,"late":0,"future":0,"out_of_order":0,"devices":5}`, out)
	assert.Empty(t, errs, "quiet where nobody watches")

	c, err := kgo.NewClient(kgo.SeedBrokers(k.Addr()), kgo.ConsumeTopics("readings"))
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for n := 0; n < 300; {
		fetches := c.PollFetches(ctx)
		require.NoError(t, ctx.Err())
		n += fetches.NumRecords()
	}
}

func TestSimulateToMQTTForAWhile(t *testing.T) {
	m, err := brokers.StartMQTT(brokers.MQTTOptions{})
	require.NoError(t, err)
	defer m.Close()
	out, errs, err := runSimulate(t, "--devices", "5", "--rate", "1000", "--for", "200ms", "--to", "mqtt://"+m.Addr())
	require.NoError(t, err)
	assert.Empty(t, out)
	assert.Regexp(t, `^\rsent \d{2,3} messages of 5 devices: 0 duplicates, 0 late, 0 future, 0 out of order\n$`, errs)
}

func TestSimulateCSV(t *testing.T) {
	file := filepath.Join(t.TempDir(), "motes.csv")
	require.NoError(t, os.WriteFile(file, []byte("mote,t\na,1.5\na,2.5\nb,7\n"), 0o600))
	out, _, err := runSimulate(t, "--csv", file, "--device", "mote", "--columns", "t",
		"--interval", "5s", "--start", "2026-01-31T08:00:00+01:00")
	require.NoError(t, err)
	assert.Equal(t, `{"device":"a","ts":"2026-01-31T07:00:00.000Z","seq":0,"t":1.5}
{"device":"b","ts":"2026-01-31T07:00:00.000Z","seq":0,"t":7}
{"device":"a","ts":"2026-01-31T07:00:05.000Z","seq":1,"t":2.5}
`, out)
}

func TestSimulateRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "motes.csv")
	require.NoError(t, os.WriteFile(file, []byte("mote,t\na,1.5\n"), 0o600))
	for want, args := range map[string][]string{
		"simulate: --rate 0 sends as fast as it can: say how many with --count":                       {"--rate", "0"},
		"simulate: --to must be mqtt://host:port, kafka://host:port/topic or -":                       {"--to", "localhost"},
		"simulate: --to http://localhost:1: the scheme must be mqtt, mqtts or kafka":                  {"--to", "http://localhost:1"},
		"simulate: --to kafka://localhost:1: name the topic, as in kafka://localhost:9092/readings":   {"--to", "kafka://localhost:1"},
		"simulate: --count, --for and --speed must not be negative":                                   {"--count", "-1"},
		"simulate: fleet: devices=0 must be at least 1":                                               {"--devices", "0"},
		"simulate: " + file + `: playback: there is no column "device"; the columns are ["mote" "t"]`: {"--csv", file, "--columns", "t"},
		`simulate: --start "yesterday" is not RFC 3339, as 2026-01-31T08:00:00Z is`:                   {"--csv", file, "--device", "mote", "--columns", "t", "--start", "yesterday"},
	} {
		_, _, err := runSimulate(t, args...)
		assert.EqualError(t, err, want)
	}
}
