//go:build real

package soak

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/fleet"
	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

const (
	partitions = 4
	devices    = 10_000 // that speak at any moment
	life       = 3 * time.Minute
	bridged    = 20 // one reading in so many comes over MQTT
	sampling   = 5 * time.Second
)

// pipeline is the file of the run.
func pipeline(p rig.Pipeline, kafka, mqtt string) string {
	return fmt.Sprintf(`
name: %[1]s
kafka: {brokers: [%[2]s]}
source: {topic: %[3]s}
mqtt: {broker: %[4]q, subscribe: [{filter: "plant/+/+/telemetry", qos: 1}], device: "{topic.2}"}
time: {wait_for_late: 5s, idle_after: 20s, max_future_skew: 30s}
state: {dir: $STATE, forget_after: 90s}
windows:
  - {name: ten, metric: temperature, tumbling: 10s, compute: [count, mean, max], emit: {topic: %[1]s.aggregates}}
  - {name: minute, metric: temperature, hopping: {size: 1m, every: 10s}, compute: [mean, stddev], emit: {topic: %[1]s.aggregates}}
  - {name: last, metric: temperature, rolling: 30s, compute: [mean], emit: {on: never}}
  - {name: newest, metric: temperature, count: 10, compute: [min], emit: {on: never}}
  - {name: visit, metric: temperature, session: {gap: 15s}, compute: [count, range, p95], emit: {topic: %[1]s.aggregates}}
  - {name: fleet, metric: temperature, tumbling: 10s, by: all, compute: [mean, count], emit: {topic: %[1]s.aggregates}}
rules:
  - {name: hot, when: ten.mean, levels: {warning: {above: 50, clear_below: 45}, critical: {above: 70, clear_below: 60, hold: 10s}}, keep_firing: 5s, repeat_every: 1m}
  - {name: rising, when: last.mean - newest.min, levels: {warning: {above: 20, clear_below: 10}}, escalate: [{after: 5s, unless: acked, severity: page}]}
  - {name: gone, no_data: {after: 30s}}
alerts: {topic: %[1]s.alerts, mqtt: {topic: "alerts/{{device}}"}}
`, p.Name, strings.ReplaceAll(kafka, ",", ", "), p.Source, mqtt)
}

// duration reads a setting of the environment.
func duration(t *testing.T, name string, otherwise time.Duration) time.Duration {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err, name)
	return d
}

func TestSoak(t *testing.T) {
	length := duration(t, "WEIR_SOAK_FOR", 30*time.Second)
	rate := 20_000.0
	if text := os.Getenv("WEIR_SOAK_RATE"); text != "" {
		var err error
		rate, err = strconv.ParseFloat(text, 64)
		require.NoError(t, err, "WEIR_SOAK_RATE")
	}
	kafka := rig.OpenCluster(t, realbrokers.Kafka(t))
	mosquitto := realbrokers.Mosquitto(t)
	name := rig.UniqueName("soak")
	p := rig.Pipeline{Name: name, Source: name + ".readings"}
	newest := map[string]string{"retention.bytes": "67108864", "segment.bytes": "16777216"}
	kafka.Topic(p.Source, partitions, map[string]string{"message.timestamp.type": "LogAppendTime", "retention.bytes": "67108864", "segment.bytes": "16777216"})
	kafka.Topic(name+".aggregates", partitions, newest)
	kafka.Topic(name+".alerts", partitions, newest)
	kafka.Forget(p.Journal(), p.Quarantine(), p.Groups().Source, p.Groups().Journal(), p.Groups().Quarantine(), "weir."+name+".commands")
	w := rig.NewProcess(t, rig.Program{Binary: rig.BuildWeir(t, rig.BuildOptions{}), Pipeline: name, File: pipeline(p, kafka.Addr, mosquitto.URL())})
	w.Start()
	w.Ready(partitions)

	toKafka, err := fleet.OpenKafka(p.Source, kafka.Brokers()...)
	require.NoError(t, err)
	toMQTT, err := fleet.OpenMQTT(fleet.MQTTOptions{Broker: mosquitto.URL()})
	require.NoError(t, err)
	direct, bridge := newChurn(t, "k-", rate*(1-1.0/bridged), devices*(bridged-1)/bridged), newChurn(t, "m-", rate/bridged, devices/bridged)
	sending := []*rig.Sending{rig.Send(t, direct, toKafka, 1), rig.Send(t, bridge, toMQTT, 1)}

	look := &looker{t: t, w: w, kafka: kafka, p: p}
	all := series{measures: look.measures()}
	began := time.Now()
	tick := time.NewTicker(sampling)
	defer tick.Stop()
	for time.Since(began) < length {
		<-tick.C
		if row, ok := look.row(); ok {
			all.add(time.Since(began), row)
		}
	}
	direct.ended.Store(true)
	bridge.ended.Store(true)
	sent := int64(0)
	for _, s := range sending {
		sent += s.Wait(2 * time.Minute).Sent
	}
	rig.Await(t, "all readings counted", 2*time.Minute, func() (bool, string) {
		have := rig.Outcome(w.Metrics(), "in")
		return have >= sent, fmt.Sprintf("%d of %d", have, sent)
	})
	report(t, &all, w.Metrics(), sent)
	w.Stop()
}

func newChurn(t *testing.T, prefix string, rate float64, n int) *churn {
	start := event.Time(time.Now().UnixMilli())
	f, err := fleet.New(fleet.Options{
		Devices: n, Seed: 1, Rate: rate, Start: start, Duplicates: 0.02, OutOfOrder: 0.01, Late: 0.005, Overheating: n / 100,
	})
	require.NoError(t, err)
	return &churn{fleet: f, prefix: prefix, life: life, start: start}
}

// report prints what was found, keeps all samples where WEIR_SOAK_DIR says, and fails where something grew.
func report(t *testing.T, all *series, end map[string]float64, sent int64) {
	sum := int64(0)
	for _, class := range []string{"processed", "filtered", "late", "future", "bad", "duplicate", "retained"} {
		sum += rig.Outcome(end, class)
	}
	assert.Equal(t, rig.Outcome(end, "in"), sum, "readings in, and the sum of what became of them")
	if dir := os.Getenv("WEIR_SOAK_DIR"); dir != "" {
		file, err := os.Create(filepath.Join(dir, "soak.csv"))
		require.NoError(t, err)
		defer file.Close()
		require.NoError(t, all.writeCSV(file))
	}
	if len(all.at) < 60 {
		t.Logf("%d readings in %v: too short to say what grows", sent, all.at[len(all.at)-1].Round(time.Second))
		return
	}
	found := all.findings()
	var text strings.Builder
	table(&text, found)
	t.Logf("%d readings in %v, %d forgotten devices, %d alert events, %d window results\n%s", sent, all.at[len(all.at)-1].Round(time.Second),
		sumOf(end, "weir_devices_forgotten_total"), sumOf(end, "weir_alert_events_total"), sumOf(end, "weir_window_results_total"), text.String())
	for _, f := range found {
		assert.False(t, f.grew(), "%s grew from %s to %s", f.name, f.show(f.early), f.show(f.late))
	}
}
