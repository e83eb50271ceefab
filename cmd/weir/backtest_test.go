package main

import (
	"context"
	"encoding/json"
	"errors"
	stdflag "flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/internal/brokers"
)

var updateFlag = stdflag.Bool("update", false, "rewrite the expected texts of testdata")

// golden compares text with a file, without how long it took.
func golden(t *testing.T, name, text string) {
	t.Helper()
	text = regexp.MustCompile(`in [0-9.]+ s: [0-9]+ readings/s`).ReplaceAllString(text, "in some time")
	path := filepath.Join("testdata", name)
	if *updateFlag {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the tests with -update and review the new file")
	assert.Equal(t, string(want), text)
}

// march is what three stores said on a day: one warms up twice, one is fine, one is
// cold, and some of it is late, repeated or rubbish.
func march(t *testing.T) string {
	var b strings.Builder
	line := func(minute int, device string, value float64) {
		at := time.Date(2026, 3, 1, 8, minute, 0, 0, time.UTC)
		fmt.Fprintf(&b, `{"device":%q,"metric":"temperature","ts":%q,"value":%g,"seq":%d}`+"\n", device, at.Format(time.RFC3339), value, minute)
	}
	for minute := range 180 {
		value := 4.0
		switch {
		case minute >= 30 && minute < 60, minute >= 70 && minute < 80:
			value = 11
		case minute >= 170:
			value = 9
		}
		line(minute, "store-1", value)
		line(minute, "store-2", 5)
		line(minute, "store-3", 3-float64(minute)/40)
	}
	line(179, "store-1", 9)
	line(60, "store-1", 30)
	b.WriteString("rubbish\n")
	path := filepath.Join(t.TempDir(), "march.ndjson")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

var coldChain = filepath.Join(examplesDir, "cold-chain.yaml")

func TestBacktest(t *testing.T) {
	out, errs, err := execute(t, "backtest", coldChain, "--input", march(t))
	require.NoError(t, err)
	golden(t, "backtest.txt", out+errs)
	out, _, err = execute(t, "backtest", coldChain, "--input", march(t), "--top", "1")
	require.NoError(t, err)
	assert.Contains(t, out, "... and 3 more (--top 0 prints all)\n")
}

func TestBacktestCompare(t *testing.T) {
	text, err := os.ReadFile(coldChain)
	require.NoError(t, err)
	other := filepath.Join(t.TempDir(), "other.yaml")
	changed := strings.NewReplacer("hold: 10m", "hold: 20m", "clear_below: 7}", "clear_below: 3}", "name: freezing", "name: frost").Replace(string(text))
	require.NoError(t, os.WriteFile(other, []byte(changed), 0o600))
	out, _, err := execute(t, "backtest", coldChain, "--input", march(t), "--compare", other)
	require.NoError(t, err)
	golden(t, "compare.txt", strings.ReplaceAll(out, other, "other.yaml"))
	same, _, err := execute(t, "backtest", coldChain, "--input", march(t), "--compare", coldChain)
	require.NoError(t, err)
	assert.Contains(t, same, "no episode would change\n")
}

func TestBacktestJSON(t *testing.T) {
	out, _, err := execute(t, "backtest", coldChain, "--input", march(t), "--json")
	require.NoError(t, err)
	var r backtestResult
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	c := r.Readings
	assert.Equal(t, uint64(543), c.All)
	assert.Equal(t, c.All, c.Processed+c.Filtered+c.Late+c.Future+c.Bad+c.Duplicate)
	assert.Equal(t, 3, r.Devices)
	require.NotEmpty(t, r.Episodes)
	assert.Equal(t, "store-1", r.Episodes[0].Device)
	assert.Len(t, r.Rules, 2)
}

// A range of a topic gives what a file with the same messages gives.
func TestBacktestOfATopic(t *testing.T) {
	server, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 3})
	require.NoError(t, err)
	defer server.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(server.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	partitionOf, err := kafka.Partitioner("murmur2")
	require.NoError(t, err)
	text, err := os.ReadFile(march(t))
	require.NoError(t, err)
	device := regexp.MustCompile(`"device":"([^"]+)"`)
	for line := range strings.Lines(string(text)) {
		rec := &kgo.Record{Topic: "readings", Value: []byte(strings.TrimSpace(line))}
		if found := device.FindStringSubmatch(line); found != nil {
			rec.Key = []byte(found[1])
			rec.Partition = int32(partitionOf(rec.Key, 3))
		}
		client.Produce(context.Background(), rec, nil)
	}
	require.NoError(t, client.Flush(context.Background()))

	topic := func(args ...string) backtestResult {
		out, _, err := execute(t, append([]string{"backtest", coldChain, "--kafka", "readings", "--brokers", server.Addr(), "--json"}, args...)...)
		require.NoError(t, err)
		var r backtestResult
		require.NoError(t, json.Unmarshal([]byte(out), &r))
		return r
	}
	out, _, err := execute(t, "backtest", coldChain, "--input", march(t), "--json")
	require.NoError(t, err)
	var file backtestResult
	require.NoError(t, json.Unmarshal([]byte(out), &file))
	all := topic()
	assert.Equal(t, file.Readings, all.Readings)
	for i := range file.Episodes {
		if file.Episodes[i].EndsAt != "" { // append times are those of today
			assert.Equal(t, file.Episodes[i], all.Episodes[i])
		}
	}
	assert.Zero(t, topic("--to", "2026-01-01T00:00:00Z").Readings.All)
	assert.Zero(t, topic("--from", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)).Readings.All)
	assert.Equal(t, uint64(543), topic("--from", "2026-01-01T00:00:00Z").Readings.All)
}

// A topic whose devices lie elsewhere than declared is refused, as run refuses it.
func TestBacktestOfAMisplacedTopic(t *testing.T) {
	server, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 3})
	require.NoError(t, err)
	defer server.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(server.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	for p := range int32(3) {
		text := `{"device":"store-1","metric":"temperature","value":4}`
		require.NoError(t, client.ProduceSync(context.Background(), &kgo.Record{Topic: "readings", Partition: p, Key: []byte("store-1"), Value: []byte(text)}).FirstErr())
	}
	_, _, err = execute(t, "backtest", coldChain, "--kafka", "readings", "--brokers", server.Addr())
	assert.ErrorContains(t, err, "declare the partitioner that the producers use")
	assert.Regexp(t, "where (source.partitioner=(crc32|fnv1a|crc32 or fnv1a) would|no partitioner that weir knows would) put it", err.Error())
}

func TestBacktestFlags(t *testing.T) {
	for args, want := range map[string]string{
		"":                                    "name the history with either --input FILE or --kafka TOPIC",
		"--input a --kafka b":                 "name the history with either",
		"--input a --from x":                  "--from, --to and --brokers go with --kafka",
		"--kafka a --sort":                    "go with --input",
		"--kafka a --from yesterday":          "--from yesterday is not a time",
		"--input a --format xml":              "--format xml must be ndjson or csv",
		"--input a --set site=b":              "only device and metric can be set",
		"--input a.ndjson --column device=id": "--column goes with CSV files",
		"--input a --every -1s":               "--every must be at least 1ms",
		"--input a --top -1":                  "--top must not be negative",
	} {
		_, _, err := execute(t, append([]string{"backtest", coldChain}, strings.Fields(args)...)...)
		require.ErrorContains(t, err, want, args)
		assert.ErrorAs(t, err, new(usageError), args)
	}
	_, _, err := execute(t, "backtest", coldChain, "--input", filepath.Join(t.TempDir(), "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.False(t, errors.As(err, new(usageError)))
}

func TestDiff(t *testing.T) {
	text, err := os.ReadFile(coldChain)
	require.NoError(t, err)
	var said strings.Builder
	other := filepath.Join(t.TempDir(), "other.yaml")
	for _, c := range [][2]string{{"above: 8,", "above: 9,"}, {"tumbling: 5m", "tumbling: 10m"}, {"name: freezing", "name: frost"}, {"name: cold-chain", "name: other"}} {
		require.NoError(t, os.WriteFile(other, []byte(strings.Replace(string(text), c[0], c[1], 1)), 0o600))
		out, _, err := execute(t, "diff", coldChain, other)
		require.NoError(t, err)
		fmt.Fprintf(&said, "%s becomes %s\n\n%s\n", c[0], c[1], out)
	}
	golden(t, "diff.txt", said.String())
	out, _, err := execute(t, "diff", "--json", coldChain, other)
	require.NoError(t, err)
	var r diffReport
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	assert.False(t, r.Kept)
	assert.Len(t, r.Parts, 5)
	_, _, err = execute(t, "diff", coldChain)
	assert.ErrorAs(t, err, new(usageError))
}
