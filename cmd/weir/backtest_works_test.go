package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/internal/brokers"
)

// twoSites is a history of two sites, one of which draws too much for a while.
func twoSites() (lines []string, devices []string, at []time.Time) {
	for minute := range 120 {
		for _, device := range []string{"meter-1", "meter-2", "meter-3"} {
			watts := 50
			if minute >= 30 && minute < 60 && device != "meter-3" {
				watts = 150
			}
			when := time.Date(2026, 3, 1, 8, minute, 0, 0, time.UTC)
			lines = append(lines, fmt.Sprintf(`{"device":%q,"metric":"watts","ts":%q,"value":%d}`, device, when.Format(time.RFC3339), watts))
			devices, at = append(devices, device), append(at, when)
		}
	}
	return lines, devices, at
}

// Windows over several devices look back like others: a file and a topic of several
// partitions give the same episodes.
func TestBacktestOfSites(t *testing.T) {
	pipeline := filepath.Join(examplesDir, "silent-devices.yaml")
	lines, devices, at := twoSites()
	path := filepath.Join(t.TempDir(), "sites.ndjson")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
	back := func(args ...string) backtestResult {
		out, _, err := execute(t, append([]string{"backtest", pipeline, "--json"}, args...)...)
		require.NoError(t, err)
		var r backtestResult
		require.NoError(t, json.Unmarshal([]byte(out), &r))
		return r
	}
	file := back("--input", path)
	var load []episodeJSON
	for _, e := range file.Episodes {
		if e.Rule == "site-load" {
			load = append(load, e)
		}
	}
	require.Len(t, load, 1)
	assert.Equal(t, "Hamburg", load[0].Device)
	assert.Equal(t, "labels.site", load[0].By)
	assert.Equal(t, "2026-03-01T08:45:00Z", load[0].FiredAt)
	assert.Equal(t, "2026-03-01T09:15:00Z", load[0].EndsAt)
	assert.InDelta(t, 150, load[0].Peak, 1e-9)
	assert.Equal(t, 3, file.Devices)

	server, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 4})
	require.NoError(t, err)
	defer server.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(server.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	partitionOf, err := kafka.Partitioner("murmur2")
	require.NoError(t, err)
	for i, line := range lines {
		key := []byte(devices[i])
		client.Produce(context.Background(), &kgo.Record{
			Topic: "readings", Key: key, Partition: int32(partitionOf(key, 4)), Value: []byte(line), Timestamp: at[i],
		}, nil)
	}
	require.NoError(t, client.Flush(context.Background()))
	topic := back("--kafka", "readings", "--brokers", server.Addr())
	assert.Equal(t, file.Readings, topic.Readings)
	for _, e := range topic.Episodes {
		if e.Rule == "site-load" {
			assert.Equal(t, load[0], e)
		}
	}
	out, _, err := execute(t, "backtest", pipeline, "--input", path, "--compare", pipeline)
	require.NoError(t, err)
	assert.Contains(t, out, "no episode would change\n")
}
