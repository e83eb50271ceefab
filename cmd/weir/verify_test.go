package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/brokers"
	"github.com/weirstream/weir/internal/fleet"
)

// verified is a pipeline with every kind of window, emission and rule.
const verified = `
name: verified
kafka: {brokers: ["localhost:9092"]}
source: {topic: readings}
time: {wait_for_late: 300ms, idle_after: 400ms, max_future_skew: 1m}
windows:
  - {name: second, metric: temperature, tumbling: 1s, compute: [mean, min, max, count, sum, last], emit: {topic: aggregates}}
  - {name: hops, metric: temperature, hopping: {size: 1s, every: 250ms}, compute: [mean], emit: {topic: hops}}
  - {name: changes, metric: temperature, tumbling: 500ms, compute: [count, mean], emit: {topic: changes, on: change}}
  - {name: five, metric: temperature, count: 5, compute: [mean], emit: {topic: aggregates}}
  - {name: quiet, metric: temperature, tumbling: 1s, compute: [max]}
rules:
  - {name: mean, when: second.mean, levels: {warning: {above: 22, clear_below: 21.5}, critical: {above: 24, hold: 1s}}}
  - {name: hot, when: quiet.max, levels: {alarm: {above: 25}}, message: "{{device}} {{value | printf \"%.2f\"}} {{active_for}} {{window.end}}"}
  - {name: cold, when: temperature, levels: {low: {below: 18, hold: 500ms}, lower: {below: 16, clear_above: 17}}}
  - {name: newest, when: five.mean, levels: {high: {above: 23}}}
alerts: {topic: alerts}
state: {forget_after: 2s}
`

// fleetTo sends a simulated fleet for a while.
func fleetTo(t *testing.T, address string, seed uint64, n int64) {
	t.Helper()
	source, err := fleet.New(fleet.Options{
		Devices: 40, Seed: seed, Rate: 1000, Start: event.Time(time.Now().UnixMilli()),
		Duplicates: 0.05, Late: 0.02, Future: 0.01, OutOfOrder: 0.05, Overheating: 3, HeatAfter: time.Second, HeatFor: 2 * time.Second,
	})
	require.NoError(t, err)
	publisher, err := fleet.OpenKafka("readings", address)
	require.NoError(t, err)
	_, err = fleet.Send(context.Background(), source, publisher, fleet.SendOptions{Count: n, Speed: 1})
	require.NoError(t, err)
	require.NoError(t, publisher.Close(context.Background()))
}

func verifyJSON(t *testing.T, p *configs.Pipeline) (verifySummary, error) {
	t.Helper()
	var out strings.Builder
	err := verify(context.Background(), p, verifyFlags{json: true, wait: 20 * time.Second}, &out)
	var s verifySummary
	require.NoError(t, json.Unmarshal([]byte(out.String()), &s), "%v", err)
	return s, err
}

// The engine and the model agree on a fleet that repeats itself, comes late and
// from the future, falls silent, is forgotten and comes back; one record too many
// is found.
func TestVerify(t *testing.T) {
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 3})
	require.NoError(t, err)
	defer kafka.Close()
	p, err := parsePipeline("verified.yaml", []byte(verified), func(d configs.Diagnostic) { t.Log(d) })
	require.NoError(t, err)
	p.Kafka.Brokers, p.State.Dir = []string{kafka.Addr()}, t.TempDir()

	s := start(t, p)
	fleetTo(t, kafka.Addr(), 1, 4000)
	waitFor(t, "forgotten", func() bool {
		devices := 0
		for _, task := range s.work().engine.Status() {
			devices += task.Devices
		}
		return s.counters().In >= 4000 && devices == 0
	})
	fleetTo(t, kafka.Addr(), 2, 2000)
	s.end(t)
	s = start(t, p) // a restart in the middle of what the devices say
	fleetTo(t, kafka.Addr(), 3, 1000)

	summary, err := verifyJSON(t, p)
	require.NoError(t, err, "%v", summary.Differences)
	assert.True(t, summary.Verified)
	assert.Equal(t, 7000, summary.Readings)
	assert.Equal(t, 7000, summary.Topics["readings"])
	assert.Positive(t, summary.Aggregates)
	assert.Positive(t, summary.Alerts)
	assert.Positive(t, summary.Quarantined)
	assert.Positive(t, summary.Facts)
	t.Logf("%+v", summary)

	var people strings.Builder
	require.NoError(t, verify(context.Background(), p, verifyFlags{wait: 20 * time.Second}, &people))
	assert.Contains(t, people.String(), "0 open transactions: verified\n")
	assert.Equal(t, 4, strings.Count(people.String(), "\n"))

	s.end(t) // or it may say something behind the record to come
	alert := fmt.Sprintf(`{"schema":"weir.alert/1","pipeline":%q,"rule":"hot","device":"device-00001","startsAt":"2026-03-01T08:00:00.000Z","episode":{"event":1},"cause":{"offset":3}}`, p.Name)
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.ProduceSync(context.Background(), &kgo.Record{Topic: "alerts", Partition: 1, Key: []byte("device-00001"), Value: []byte(alert)}).FirstErr())
	summary, err = verifyJSON(t, p)
	require.ErrorContains(t, err, "verify: 2 differences")
	assert.False(t, summary.Verified)
	var kinds []string
	for _, d := range summary.Differences {
		kinds = append(kinds, d.Kind)
		assert.Equal(t, int64(3), d.Source)
	}
	assert.ElementsMatch(t, []string{"unexpected", "sequence"}, kinds)
}
