package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/internal/brokers"
	"github.com/weirstream/weir/internal/fleet"
)

const examplesDir = "../../configs/examples"

func example(t *testing.T, name string) *configs.Pipeline {
	t.Helper()
	p, err := loadPipeline(filepath.Join(examplesDir, name), func(d configs.Diagnostic) { t.Log(d) })
	require.NoError(t, err)
	return p
}

func testLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// started is an instance at work.
type started struct {
	*instance
	stop  context.CancelFunc
	ended chan error
}

func start(t *testing.T, p *configs.Pipeline) *started {
	t.Helper()
	return startWith(t, p, func(*instance) {})
}

// startWith is start for who wants something of the instance before it is at work.
func startWith(t *testing.T, p *configs.Pipeline, before func(*instance)) *started {
	t.Helper()
	i, err := openInstance(p, instanceOptions{Logger: testLog()})
	require.NoError(t, err)
	before(i)
	ctx, cancel := context.WithCancel(context.Background())
	s := &started{instance: i, stop: cancel, ended: make(chan error, 1)}
	go func() { s.ended <- i.Run(ctx) }()
	return s
}

func (s *started) end(t *testing.T) {
	t.Helper()
	s.stop()
	require.NoError(t, <-s.ended)
	s.Close()
}

func (s *started) counters() (c task.Counters) {
	for _, status := range s.work().engine.Status() {
		c = c.Add(status.Counters)
	}
	return c
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 30*time.Second, 10*time.Millisecond, what)
}

// readTopic returns what a read_committed consumer sees in a topic.
func readTopic(t *testing.T, topic string, seeds ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	require.NoError(t, err)
	defer client.Close()
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topic)
	require.NoError(t, err)
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	var lines []string
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		require.NoError(t, ctx.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			if !r.Attrs.IsControl() {
				lines = append(lines, string(r.Value))
			}
		})
	}
	return lines
}

// The job that is usually a function with a map in memory: the mean of the last
// ten readings, an alert above 80. Five readings before a restart and five after
// it are ten.
func TestRollingAverageExample(t *testing.T) {
	p := example(t, "rolling-average-alert.yaml")
	dir := t.TempDir()
	p.Kafka.Embedded.Dir, p.State.Dir, p.MQTT.Port = filepath.Join(dir, "kafka"), filepath.Join(dir, "state"), 0
	began := time.Now().Add(-time.Minute)
	send := func(s *started, device string, from int, values ...float64) {
		waitFor(t, "bridge connected", func() bool { return s.bridgeCounts().Connected })
		publisher, err := fleet.OpenMQTT(fleet.MQTTOptions{Broker: s.mqtt.URL(), Gateways: 1})
		require.NoError(t, err)
		for i, v := range values {
			text := fmt.Sprintf(`{"metric":"temperature","ts":%q,"value":%g,"seq":%d}`,
				began.Add(time.Duration(from+i)*time.Second).UTC().Format(time.RFC3339), v, from+i)
			require.NoError(t, publisher.Publish(context.Background(), fleet.Message{Device: device, Site: "north", JSON: []byte(text)}))
		}
		require.NoError(t, publisher.Close(context.Background()))
	}
	s := start(t, p)
	send(s, "oven-1", 0, 81, 82, 83, 84, 85)
	send(s, "oven-2", 0, 70, 95, 70, 95, 70, 70, 70, 70, 70, 70)
	waitFor(t, "folded", func() bool { return s.counters().Processed == 15 })
	assert.Empty(t, readTopic(t, p.Alerts.Topic, s.kafka.Addr()), "five readings are not ten, and oven-2 averages 75")
	s.end(t)

	s = start(t, p)
	send(s, "oven-1", 5, 86, 87, 88, 89, 90)
	waitFor(t, "alert", func() bool { return len(readTopic(t, p.Alerts.Topic, s.kafka.Addr())) == 1 })
	alert := readTopic(t, p.Alerts.Topic, s.kafka.Addr())[0]
	assert.Contains(t, alert, `"device":"oven-1","state":"firing"`)
	assert.Contains(t, alert, `"value":85.5`)
	assert.Contains(t, alert, `oven-1: the last 10 readings average 85.5, above 80`)
	s.end(t)
}

// A cold store warms up over half an hour and is cooled again: a warning, the
// critical level after its hold, and each level left at its own threshold.
func TestColdChainExample(t *testing.T) {
	p := example(t, "cold-chain.yaml")
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 3})
	require.NoError(t, err)
	defer kafka.Close()
	p.Kafka.Brokers, p.State.Dir = []string{kafka.Addr()}, t.TempDir()
	s := start(t, p)
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addr()))
	require.NoError(t, err)
	defer client.Close()
	day := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	fiveMinutes := []float64{4, 5, 9, 11, 11, 12, 9, 7.5, 6, 4, 4, 4}
	n := 0
	for i, mean := range fiveMinutes {
		for _, d := range []float64{-1, 0, 1} {
			text := fmt.Sprintf(`{"device":"store-7","metric":"temperature","ts":%q,"value":%g,"seq":%d}`,
				day.Add(time.Duration(i)*5*time.Minute+time.Duration(n%3)*90*time.Second).Format(time.RFC3339), mean+d, n)
			require.NoError(t, client.ProduceSync(context.Background(), &kgo.Record{Topic: "readings", Key: []byte("store-7"), Value: []byte(text)}).FirstErr())
			n++
		}
	}
	waitFor(t, "folded", func() bool { return s.counters().Processed == uint64(n) })
	var story []string
	for _, line := range readTopic(t, p.Alerts.Topic, kafka.Addr()) {
		var a struct {
			Rule, State, Level, At string
			Value                  float64
		}
		require.NoError(t, json.Unmarshal([]byte(line), &a))
		story = append(story, fmt.Sprintf("%s %s %s %s %g", a.At[11:16], a.Rule, a.State, a.Level, a.Value))
	}
	assert.Equal(t, []string{
		"08:15 too-warm firing warning 9",
		"08:30 too-warm firing critical 12", // above 10 since 08:20, held 10 minutes
		"08:40 too-warm firing warning 7.5", // below 8, not yet below 7
		"08:45 too-warm resolved warning 6",
	}, story)
	aggregates := readTopic(t, "aggregates", kafka.Addr())
	assert.Len(t, grepLines(aggregates, `"window":"temp_5m"`), 11, "the twelfth waits for late readings")
	assert.Contains(t, strings.Join(aggregates, "\n"), `"start":"2026-03-01T08:00:00.000Z","end":"2026-03-01T08:30:00.000Z","revision":1,"final":true,"mean":8.666666666666666}`)
	s.end(t)

	t.Run("state", func(t *testing.T) { lookIntoState(t, p) })
}

func grepLines(lines []string, part string) (found []string) {
	for _, l := range lines {
		if strings.Contains(l, part) {
			found = append(found, l)
		}
	}
	return found
}

// lookIntoState runs `weir state` on what the pipeline left.
func lookIntoState(t *testing.T, p *configs.Pipeline) {
	plan, err := task.Compile(p)
	require.NoError(t, err)
	store, err := openStore(p, bootID(), testLog())
	require.NoError(t, err)
	defer store.Close()
	s := &stateFiles{plan: plan, store: store}
	var out strings.Builder
	require.NoError(t, s.list(&out, true))
	assert.Equal(t, 3, strings.Count(out.String(), `"sealed":true`))
	assert.Contains(t, out.String(), `"devices":1`)
	out.Reset()
	require.NoError(t, s.get(&out, "store-7"))
	assert.Contains(t, out.String(), `"clock": "2026-03-01T08:58:00.000Z"`)
	assert.Contains(t, out.String(), `"rule": "too-warm"`)
	require.ErrorContains(t, s.get(&out, "store-8"), `device "store-8" has no local state here`)
	out.Reset()
	require.NoError(t, s.export(&out))
	assert.Equal(t, 1, strings.Count(out.String(), "\n"))
}

// Every example file validates and can be explained.
func TestExamplesExplain(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examplesDir, "*.yaml"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 4)
	for _, file := range files {
		if strings.HasSuffix(file, ".test.yaml") {
			continue
		}
		p := example(t, filepath.Base(file))
		assert.NotEmpty(t, p.Explain(configs.ExplainOptions{}), file)
		_, err := task.Compile(p)
		assert.NoError(t, err, file)
	}
}

// The demo ends with counts that add up, and sees what the fleet did wrong.
func TestDemo(t *testing.T) {
	p, err := demoPipeline(t.TempDir())
	require.NoError(t, err)
	i, err := openInstance(p, instanceOptions{Logger: testLog()})
	require.NoError(t, err)
	defer i.Close()
	latencies := &latencyLog{}
	i.work().engine.Observe(latencies)
	summary, err := playDemo(context.Background(), i, demoFlags{duration: 3 * time.Second, json: true, devices: 50, rate: 500}, testLog(), latencies)
	require.NoError(t, err)
	assert.True(t, summary.conserved(), "%+v", summary)
	assert.Greater(t, summary.Processed, uint64(1_000))
	assert.Positive(t, summary.Duplicate)
	assert.Positive(t, summary.Late)
	assert.Positive(t, summary.Future)
	assert.Zero(t, summary.Bad)
}

// What on-call engineers ask: metrics that add up, health, readiness.
func TestSeenFromOutside(t *testing.T) {
	p := example(t, "demo.yaml")
	dir := t.TempDir()
	p.Kafka.Embedded.Dir, p.State.Dir = filepath.Join(dir, "kafka"), filepath.Join(dir, "state")
	i, err := openInstance(p, instanceOptions{Logger: testLog()})
	require.NoError(t, err)
	defer i.Close()
	o, err := newOutside([]*instance{i})
	require.NoError(t, err)
	require.NoError(t, o.listen("127.0.0.1:0"))
	ctx, cancel := context.WithCancel(context.Background())
	served, ran := make(chan error, 1), make(chan error, 1)
	go func() { served <- o.serve(ctx) }()
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + o.addr() + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	code, text := get("/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Contains(t, text, "pipeline demo")
	go func() { ran <- i.Run(ctx) }()
	waitFor(t, "ready", func() bool { code, _ := get("/readyz"); return code == http.StatusOK })
	code, _ = get("/healthz")
	assert.Equal(t, http.StatusOK, code)
	_, text = get("/metrics")
	for _, name := range []string{
		`weir_readings_total{outcome="processed",partition="0",pipeline="demo"} 0`, `weir_task_live{partition="0",pipeline="demo"} 1`,
		"weir_commit_duration_seconds_count", "weir_checkpoint_duration_seconds", "weir_recovery_duration_seconds_count", "weir_lag_records", "weir_state_bytes",
	} {
		assert.Contains(t, text, name)
	}
	cancel()
	require.NoError(t, <-ran)
	require.NoError(t, <-served)
}
