package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/internal/brokers"
)

// everythingPipeline has all that metrics are of.
const everythingPipeline = `
name: plant
kafka: {embedded: {dir: DIR/kafka, partitions: 2}}
source: {topic: readings}
mqtt: {broker: BROKER, subscribe: [{filter: "plant/#"}]}
devices: {roster: ROSTER}
time: {wait_for_late: 0s, idle_after: 2s}
derive: {half: {from: temperature, value: value / 2}}
windows:
  - {name: second, metric: half, tumbling: 1s, compute: [mean], emit: {topic: aggregates}}
  - {name: all_1s, metric: temperature, tumbling: 1s, by: all, compute: [count, sum], emit: {topic: fleet}}
rules:
  - {name: hot, when: temperature, levels: {warning: {above: 50}, critical: {above: 80}}}
  - {name: silent, no_data: 1h}
  - {name: sum, when: all_1s.sum, levels: {alarm: {above: 100}}}
alerts:
  topic: alerts
  mqtt: {topic: "alerts/{{device}}"}
  alertmanager: {url: "PAGER"}
state: {dir: DIR/state}
`

// documented is a line of a table of docs/METRICS.md.
type documented struct {
	kind   string
	labels []string
	series string // the bound, a sum
	groups bool
}

func readDocumented(t *testing.T) map[string]documented {
	t.Helper()
	text, err := os.ReadFile("../../docs/METRICS.md")
	require.NoError(t, err)
	all := map[string]documented{}
	word := regexp.MustCompile("`(\\w+)`")
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 8 || !strings.HasPrefix(cells[1], " `weir_") {
			continue
		}
		name := strings.Trim(cells[1], " `")
		d := documented{kind: strings.TrimSpace(cells[2]), series: strings.TrimSpace(cells[4]), groups: strings.TrimSpace(cells[5]) == "yes"}
		for _, found := range word.FindAllStringSubmatch(cells[3], -1) {
			d.labels = append(d.labels, found[1])
		}
		require.NotContains(t, all, name)
		require.Greater(t, len(strings.TrimSpace(cells[6])), 5, name)
		all[name] = d
		if d.groups {
			all[strings.Replace(name, "weir_", "weir_group_", 1)] = d
		}
	}
	return all
}

// bound works a bound out: a sum of terms like 7 P, L and 2.
func bound(t *testing.T, sum string, of map[string]int) int {
	t.Helper()
	total := 0
	for _, term := range strings.Split(sum, " + ") {
		product := 1
		for _, factor := range strings.Fields(term) {
			n, err := strconv.Atoi(factor)
			if err != nil {
				require.Contains(t, of, factor, sum)
				n = of[factor]
			}
			product *= n
		}
		total += product
	}
	return total
}

// plantBench is a running pipeline with all that metrics are of.
type plantBench struct {
	*reloaded
	registry *prometheus.Registry
}

func newPlantBench(t *testing.T) *plantBench {
	t.Helper()
	broker, err := brokers.StartMQTT(brokers.MQTTOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = broker.Close() })
	roster := filepath.Join(t.TempDir(), "fleet.csv")
	require.NoError(t, os.WriteFile(roster, []byte("device,site\npump-1,Kiel\n"), 0o600))
	src := strings.NewReplacer("ROSTER", roster, "BROKER", broker.URL(), "PAGER", newPager(t).URL).Replace(everythingPipeline)
	b := &plantBench{}
	b.reloaded = startReloaded(t, src)
	b.registry = b.outside.registry
	return b
}

// sendAll sends a reading of each of so many devices, of which two are hot, and one that cannot be read.
func (b *plantBench) sendAll(devices, seq int) {
	b.t.Helper()
	var records []*kgo.Record
	at := time.Now().UTC().Format(time.RFC3339Nano)
	for i := range devices {
		device := fmt.Sprintf("pump-%d", i)
		value := 20
		if i < 2 {
			value = 60 + 30*i
		}
		text := fmt.Sprintf(`{"device":%q,"metric":"temperature","ts":%q,"value":%d,"seq":%d}`, device, at, value, seq)
		records = append(records, &kgo.Record{Topic: "readings", Key: []byte(device), Value: []byte(text)})
	}
	records = append(records, &kgo.Record{Topic: "readings", Key: []byte("x"), Value: []byte("{")})
	require.NoError(b.t, b.sender.ProduceSync(context.Background(), records...).FirstErr())
}

// exported is a metric as a scrape has it.
type exported struct {
	kind    string
	labels  []string // of its first series
	series  int
	samples []sampled
}

// sampled is one value: of a histogram, how much it has observed.
type sampled struct {
	labels map[string]string
	value  float64
}

func (b *plantBench) families() map[string]exported {
	b.t.Helper()
	families, err := b.registry.Gather()
	require.NoError(b.t, err)
	all := map[string]exported{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "weir_") {
			continue
		}
		e := exported{kind: strings.ToLower(f.GetType().String()), series: len(f.Metric)}
		for _, l := range f.Metric[0].Label {
			e.labels = append(e.labels, l.GetName())
		}
		for _, m := range f.Metric {
			if m.Histogram != nil {
				e.series += len(m.Histogram.Bucket) + 2 // and +Inf, sum and count
			}
			s := sampled{labels: map[string]string{}, value: m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())}
			for _, l := range m.Label {
				s.labels[l.GetName()] = l.GetValue()
			}
			e.samples = append(e.samples, s)
		}
		all[f.GetName()] = e
	}
	return all
}

// value is the sum of a metric's series whose labels hold all these, as name=value.
func (b *plantBench) value(name string, labels ...string) float64 {
	b.t.Helper()
	sum := 0.0
	for _, s := range b.families()[name].samples {
		if !slices.ContainsFunc(labels, func(l string) bool { k, v, _ := strings.Cut(l, "="); return s.labels[k] != v }) {
			sum += s.value
		}
	}
	return sum
}

// What is exported is documented, with its type, its labels and its number of series, and what is documented is
// exported; and the fleet has no part in how much that is.
func TestMetricsAreThoseOfTheDocument(t *testing.T) {
	b := newPlantBench(t)
	doc := readDocumented(t)
	b.sendAll(10, 1)
	waitFor(t, "all there is", func() bool {
		all := b.families()
		for name := range doc { // unordered: all or not
			if all[name].series == 0 {
				return false
			}
		}
		return b.value("weir_devices") == 10 && b.value("weir_group_alerts_firing") == 1 && all["weir_event_time_lag_seconds"].series == 2
	})
	few := b.families()
	assert.Equal(t, slices.Sorted(maps.Keys(doc)), slices.Sorted(maps.Keys(few)))
	counts := map[string]int{}
	total := map[bool]int{}
	for name, f := range few { // unordered: each by itself
		d := doc[name]
		groups := strings.HasPrefix(name, "weir_group_")
		of := map[string]int{"P": 2, "R": 2, "L": 3, "O": 2}
		if groups {
			of["R"], of["L"] = 1, 1
		}
		assert.Equal(t, d.kind, f.kind, name)
		want := append([]string{"pipeline"}, d.labels...)
		if name == "weir_build_info" {
			want = d.labels
		}
		assert.ElementsMatch(t, want, f.labels, name)
		counts[name] = f.series
		total[groups] += counts[name]
		if most := bound(t, d.series, of); groups && name == "weir_group_readings_total" {
			assert.Equal(t, most-2, counts[name], "no partial is retained")
		} else {
			assert.Equal(t, most, counts[name], name)
		}
	}
	text, err := os.ReadFile("../../docs/METRICS.md")
	require.NoError(t, err)
	sums := regexp.MustCompile(`\*\*(\d+ P [^*]+)\*\*`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, sums, 2)
	assert.Equal(t, bound(t, sums[0][1], map[string]int{"P": 2, "R": 2, "L": 3, "O": 2}), total[false], "weir_ together")
	assert.Equal(t, bound(t, sums[1][1], map[string]int{"P": 2, "R": 1, "L": 1}), total[true], "weir_group_ together")

	b.sendAll(1000, 2)
	waitFor(t, "a thousand devices", func() bool { return b.value("weir_devices") == 1000 && b.value("weir_lag_records") == 0 })
	for name, f := range b.families() { // unordered: each by itself
		assert.Equal(t, counts[name], f.series, name)
	}
	b.close()
}

// What metrics say of a pipeline at work, before and after a restart of its tasks by a reload.
func TestMetricsTell(t *testing.T) {
	b := newPlantBench(t)
	b.sendAll(10, 1)
	waitFor(t, "alerts", func() bool { return b.value("weir_rule_alert_events_total", "rule=hot", "state=firing") == 2 })
	assert.Equal(t, 1.0, b.value("weir_rule_alerts_firing", "rule=hot", "level=warning"))
	assert.Equal(t, 1.0, b.value("weir_rule_alerts_firing", "rule=hot", "level=critical"))
	assert.Equal(t, 0.0, b.value("weir_rule_alerts_firing", "rule=silent"))
	assert.Equal(t, 2.0, b.value("weir_recoveries_total", "from=nothing"))
	waitFor(t, "quarantine", func() bool { return b.value("weir_quarantined_total", "reason=malformed") == 1 })
	assert.Equal(t, 1.0, b.value("weir_quarantined_total"))
	waitFor(t, "caught up", func() bool {
		return b.value("weir_lag_records") == 0 && b.value("weir_committed_offset") == b.value("weir_end_offset")
	})
	assert.Equal(t, 0.0, b.value("weir_lag_seconds"))
	assert.Less(t, b.value("weir_event_time_lag_seconds"), 60.0)
	assert.Positive(t, b.value("weir_rebalances_total"))
	assert.Zero(t, b.value("weir_partitions_lost_total"))
	assert.Equal(t, 2.0, b.value("weir_partitions_assigned"))
	assert.Positive(t, b.value("weir_state_bytes"))
	assert.Positive(t, b.value("weir_state_resident_bytes"))
	assert.Positive(t, b.value("weir_store_bytes"))
	assert.InDelta(t, time.Now().Unix(), b.value("weir_last_commit_timestamp_seconds", "partition=0"), 60)
	print := b.families()["weir_pipeline_info"].samples[0].labels["fingerprint"]
	assert.Len(t, print, 16)

	src, err := os.ReadFile(b.path)
	require.NoError(t, err)
	b.write(strings.Replace(string(src), "above: 100", "above: 101", 1))
	status, said := b.post()
	require.Equal(t, 200, status, said)
	assert.NotEqual(t, print, b.families()["weir_pipeline_info"].samples[0].labels["fingerprint"])
	assert.Equal(t, 1.0, b.value("weir_rule_alerts_firing", "rule=hot", "level=warning"), "counted from the state")
	assert.Equal(t, 1.0, b.value("weir_rule_alerts_firing", "rule=hot", "level=critical"))
	assert.Equal(t, 2.0, b.value("weir_recoveries_total", "from=copy"))
	assert.Zero(t, b.value("weir_recoveries_total", "from=nothing"), "a new engine counts anew")
	assert.Positive(t, b.value("weir_checkpoints_total")+b.value("weir_checkpoint_duration_seconds"))
	b.sendAll(2, 2)
	waitFor(t, "folded", func() bool { return b.value("weir_readings_total", "outcome=in") == 14 })
	b.close()
}
