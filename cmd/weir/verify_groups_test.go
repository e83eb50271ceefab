package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/brokers"
)

// verifiedGroups has windows over several devices beside one of each by itself, in the same topics.
const verifiedGroups = `
name: verified
kafka: {brokers: ["localhost:9092"]}
source: {topic: readings}
devices: {roster: ROSTER}
time: {wait_for_late: 300ms, idle_after: 400ms, max_future_skew: 2s}
windows:
  - {name: own, metric: temperature, tumbling: 1s, compute: [mean, count], emit: {topic: aggregates}}
  - {name: fleet, metric: temperature, tumbling: 1s, by: all, compute: [mean, min, max, count, p95, ewma], emit: {topic: aggregates}}
  - {name: site, metric: temperature, hopping: {size: 1s, every: 250ms}, by: labels.site, compute: [mean, last, stddev], emit: {topic: sites}}
rules:
  - {name: mean, when: own.mean, levels: {warning: {above: 22, clear_below: 21.5}}}
  - {name: fleet, when: fleet.p95, levels: {warning: {above: 21}}, message: "{{group}}: {{value}}"}
  - {name: site, when: site.mean, levels: {low: {below: 20, clear_above: 20.5}, lower: {below: 18, hold: 500ms}}}
alerts: {topic: alerts}
state: {forget_after: 2s}
`

// sites is a roster of the simulated fleet: a third of the devices is nowhere.
func sites(t *testing.T) string {
	t.Helper()
	b := "device,site\n"
	for i := range 40 {
		site := []string{"Hamburg", "Bremen", ""}[i%3]
		b += fmt.Sprintf("device-%05d,%s\n", i, site)
	}
	path := filepath.Join(t.TempDir(), "roster.csv")
	require.NoError(t, os.WriteFile(path, []byte(b), 0o644))
	return path
}

// The engines and the model agree on windows over several devices, also behind a
// restart; a partial that is there twice is found.
func TestVerifyGroups(t *testing.T) {
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 3})
	require.NoError(t, err)
	defer kafka.Close()
	path := sites(t)
	p, err := parsePipeline("verified.yaml", []byte(strings.ReplaceAll(verifiedGroups, "ROSTER", path)), func(d configs.Diagnostic) { t.Log(d) })
	require.NoError(t, err)
	p.Kafka.Brokers, p.State.Dir = []string{kafka.Addr()}, t.TempDir()
	flags := verifyFlags{wait: 20 * time.Second, rosters: []string{path}}

	for seed := range uint64(2) {
		s := start(t, p)
		fleetTo(t, kafka.Addr(), seed, 3000)
		waitFor(t, "folded", func() bool { return s.counters().In >= 3000 })
		s.end(t)
	}
	s := start(t, p)
	waitFor(t, "ready", s.work().groups.ready)
	var people strings.Builder
	err = verify(context.Background(), p, flags, &people)
	require.NoError(t, err, people.String())
	assert.Regexp(t, `(?m)^windows over several devices: [1-9]\d* readings gathered, [1-9]\d* in [1-9]\d* partials .*, [1-9]\d* ungrouped, \d+ not due yet; [1-9]\d* aggregates, [1-9]\d* alerts$`, people.String())
	assert.Contains(t, people.String(), "groups of partition 2: ")
	s.end(t)

	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ConsumeTopics(p.PartialsTopic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	require.NoError(t, err)
	defer client.Close()
	var again *kgo.Record
	for again == nil {
		client.PollFetches(context.Background()).EachRecord(func(r *kgo.Record) {
			if len(r.Key) > 0 {
				again = r
			}
		})
	}
	require.NoError(t, client.ProduceSync(context.Background(), &kgo.Record{Topic: p.PartialsTopic, Partition: again.Partition, Key: again.Key, Value: again.Value}).FirstErr())
	s = start(t, p) // which folds it
	people.Reset()
	err = verify(context.Background(), p, flags, &people)
	require.Error(t, err)
	assert.Contains(t, people.String(), "unexpected in weir.verified.partials at")
	assert.Contains(t, people.String(), "conservation in weir.verified.partials")
	s.end(t)
}
