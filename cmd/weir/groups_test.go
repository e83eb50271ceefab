package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
)

const fleetPipeline = `
name: fleet
kafka: {embedded: {dir: DIR/kafka, partitions: 2}}
source: {topic: readings}
time: {wait_for_late: 100ms, idle_after: 1s}
windows:
  - {name: all_1s, metric: temperature, tumbling: 1s, by: all, compute: [count, sum], emit: {topic: fleet}}
rules:
  - {name: hot, when: all_1s.sum, levels: {alarm: {above: 100}}, message: "{{group}} is hot"}
state: {dir: DIR/state}
`

// A pipeline with windows over several devices runs two engines in one process,
// each with its own store, group and series, and goes on after a restart.
func TestFleetWindows(t *testing.T) {
	p, err := parsePipeline("fleet.yaml", []byte(strings.ReplaceAll(fleetPipeline, "DIR", t.TempDir())), func(configs.Diagnostic) {})
	require.NoError(t, err)
	for round := range 2 {
		var o *outside
		s := startWith(t, p, func(i *instance) {
			o, err = newOutside([]*instance{i})
			require.NoError(t, err)
		})
		require.NoError(t, o.listen("127.0.0.1:0"))
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- o.serve(ctx) }()
		get := func(path string) string {
			resp, err := http.Get("http://" + o.addr() + path)
			require.NoError(t, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			return string(body)
		}
		waitFor(t, "ready", func() bool { return get("/readyz") == "ready\n" })
		client, err := kgo.NewClient(kgo.SeedBrokers(s.brokers...))
		require.NoError(t, err)
		at := time.Now().UTC().Truncate(time.Second).Add(1500 * time.Millisecond) // never late, whatever the time
		for i := range 20 {
			device := fmt.Sprintf("pump-%d", i)
			value := fmt.Sprintf(`{"device":%q,"metric":"temperature","ts":%q,"value":%d,"seq":%d}`, device, at.Format(time.RFC3339Nano), i, round)
			require.NoError(t, client.ProduceSync(context.Background(), &kgo.Record{Topic: "readings", Key: []byte(device), Value: []byte(value)}).FirstErr())
		}
		client.Close()
		waitFor(t, "the window has closed", func() bool {
			return len(grepLines(readTopic(t, "fleet", s.brokers...), `"final":true,"count":20,"sum":190`)) == round+1
		})
		alerts := readTopic(t, "weir.fleet.alerts", s.brokers...)
		assert.Len(t, grepLines(alerts, `"group":"all","by":"all","state":"firing"`), 1, "it still fires after the restart")
		assert.Contains(t, alerts[0], `"summary":"all is hot"`)
		waitFor(t, "committed", func() bool {
			text := get("/metrics")
			return strings.Contains(text, `weir_group_alert_events_total{partition=`) && strings.Contains(text, fmt.Sprintf("weir_group_alerts_firing{pipeline=\"fleet\"} %d", 1))
		})
		assert.Contains(t, get("/metrics"), `weir_readings_ungrouped_total{partition="0",pipeline="fleet"} 0`)
		cancel()
		require.NoError(t, <-served)
		s.end(t)
		require.DirExists(t, filepath.Join(stateDir(p), "groups", "badger"))
	}
	t.Run("state", func(t *testing.T) { lookIntoGroups(t, p) })
}

// lookIntoGroups runs `weir state groups` on what the pipeline left.
func lookIntoGroups(t *testing.T, p *configs.Pipeline) {
	plan, err := task.CompileGroups(p)
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, withPlan(groupPlace(p), plan, func(s *stateFiles) error { return s.groups(&out) }))
	assert.Equal(t, 1, strings.Count(out.String(), "\n"))
	assert.Regexp(t, `^{"group":"all","by":"all","clock":"20[^"]+Z","kept_until":"20[^"]+Z","rules":\[{"rule":"hot","state":"firing","level":"alarm","since":"20[^"]+"}\]}`, out.String())
}
