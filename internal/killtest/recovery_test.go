//go:build real

package killtest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/fleet"
	"github.com/weirstream/weir/internal/realbrokers"
)

const (
	recoveryLoad = 5      // readings of each device before the first kill
	recoveryRate = 10_000 // readings a second while it is killed
	newestCount  = 3      // readings in the count window
)

// recoveryGoal is the time to the first output that an operator is promised after kill -9 with local state.
const recoveryGoal = time.Second

// scenario is what else happens between the kill and the next start.
type scenario struct {
	name   string
	times  int
	remove func(w *weir) string // what is deleted; nil: nothing
	// again kills the process that had to start from the journal a second time, while it writes its local copy anew, and measures the
	// one after that.
	again bool
}

func scenarios() []scenario {
	return []scenario{
		{name: "kill -9, local state kept", times: 5},
		{name: "kill -9, local state lost, identity kept", times: 3, remove: (*weir).badgerDir},
		{name: "the same, and kill -9 while it is rewritten", times: 5, remove: (*weir).badgerDir, again: true},
		{name: "kill -9, state directory lost", times: 2, remove: (*weir).stateDir},
		{name: "kill -9, local state kept, afterwards", times: 3},
	}
}

// recoveryPipeline names what a test reads and writes.
type recoveryPipeline struct{ name, source, aggregates, alerts string }

func (p recoveryPipeline) file(kafka string) string {
	return fmt.Sprintf(`
name: %s
kafka: {brokers: [%s]}
source: {topic: %s}
time: {wait_for_late: 30s, idle_after: 24h, max_future_skew: 5m}
windows:
  - {name: tumbling, metric: temperature, tumbling: 1m, compute: [count, min, max, last], emit: {topic: %[4]s}}
  - {name: newest, metric: temperature, count: %[5]d, compute: [count, min, max, last], emit: {topic: %[4]s, on: change}}
rules:
  - name: hot
    when: newest.min
    levels: {warning: {above: 60, clear_below: 50, hold: 20s}}
    message: "{{device}} is at {{value}}"
alerts: {topic: %[6]s}
state: {dir: $STATE}
`, p.name, strings.ReplaceAll(kafka, ",", ", "), p.source, p.aggregates, newestCount, p.alerts)
}

func TestRecovery(t *testing.T) {
	realbrokers.Kcat(t)
	devices := int(setting(t, "WEIR_RECOVERY_DEVICES", 100_000))
	kafka := openCluster(t)
	name := uniqueName("recovery")
	p := recoveryPipeline{name: name, source: name + ".readings", aggregates: name + ".aggregates", alerts: name + ".alerts"}
	kafka.source(p.source, partitions)
	kafka.forget(p.aggregates, p.alerts, "weir."+p.name+".quarantine", "weir."+p.name+".journal")
	w := newWeir(t, buildWeir(t), p.name, p.file(kafka.addr))

	f, err := fleet.New(fleet.Options{
		Devices: devices, Seed: 1, Rate: recoveryRate, Start: fleetStart(),
		Overheating: devices / 100, HeatFor: 60 * time.Second, HeatEvery: 2 * time.Minute,
	})
	require.NoError(t, err)
	model := newModel()
	w.start()
	w.ready(partitions, false)
	toKafka := func() fleet.Publisher {
		publisher, err := fleet.OpenKafka(p.source, strings.Split(kafka.addr, ",")...)
		require.NoError(t, err)
		return publisher
	}
	load := &limited{fleet: f, left: int64(devices) * recoveryLoad, seen: model.take}
	send(t, load, toKafka(), 0).wait(5 * time.Minute)
	await(t, "load committed", 5*time.Minute, func() (bool, string) { w.alive(); return kafka.consumed(p.name, p.source) })
	saved := checkpoints(w)
	await(t, "a checkpoint of every task", 2*time.Minute, func() (bool, string) {
		have := checkpoints(w)
		return have >= saved+partitions, fmt.Sprintf("%d of %d", have, saved+partitions)
	})
	t.Logf("%d devices in %d partitions, %d readings; the state takes %.0f MB of memory", devices, partitions,
		devices*recoveryLoad, w.metrics()["weir_state_bytes"]/1e6)

	flow := &limited{fleet: f, left: 1 << 40, seen: model.take}
	sending := send(t, flow, toKafka(), 1)
	table := []string{fmt.Sprintf("%-44s %12s %12s   %s", "", "first output", "all tasks", "state of each task: restored in, from")}
	for _, s := range scenarios() {
		var firsts []time.Duration
		for i := range s.times {
			start := restart{remove: s.remove, firstOnly: s.again}
			letFlow(t, kafka, w, p)
			first, all := start.measure(t, kafka, w, p)
			if s.again {
				<-time.After(time.Duration(i) * 30 * time.Millisecond) // where in the writing it is hit
				first, all = restart{}.measure(t, kafka, w, p)
			}
			firsts = append(firsts, first)
			table = append(table, fmt.Sprintf("%-44s %10.3f s %10.3f s   %s", s.name, first.Seconds(), all.Seconds(), w.lastRecovery()))
		}
		slices.Sort(firsts)
		if s.remove == nil {
			assert.Less(t, firsts[len(firsts)/2], recoveryGoal, "median of %s", s.name)
		}
	}
	t.Logf("from the exec of the new process to its first committed output, with %d readings/s flowing:\n%s", recoveryRate, strings.Join(table, "\n"))

	flow.ended.Store(true)
	sending.wait(time.Minute)
	await(t, "all committed", 2*time.Minute, func() (bool, string) { w.alive(); return kafka.consumed(p.name, p.source) })
	w.stop()
	for _, topic := range []string{p.aggregates, p.alerts, "weir." + p.name + ".journal"} {
		kafka.requireNothingOpen(topic)
	}
	model.requireOutputs(t, kafka.read(p.aggregates))
	events := kafka.read(p.alerts)
	require.NotEmpty(t, events)
	requireGapless(t, events)
	requireIDs(t, p.name, events)
	t.Logf("%d window results of %d readings are those of the model; weir-seq of %d alert events is gapless", model.results, model.readings, len(events))
}

// letFlow waits until another second's readings are committed, so that the kill hits a process that works.
func letFlow(t *testing.T, kafka *cluster, w *weir, p recoveryPipeline) {
	t.Helper()
	before := total(kafka.committed(p.name, p.source))
	await(t, "flow", time.Minute, func() (bool, string) {
		w.alive()
		return total(kafka.committed(p.name, p.source)) >= before+recoveryRate, "the flow stands"
	})
}

// restart is a kill and the start after it.
type restart struct {
	remove    func(*weir) string // what is lost between the two; nil: nothing
	firstOnly bool               // does not wait for all partitions
}

// measure kills and starts again, and returns how long it took from the exec to the first new output record of any partition, and of
// every partition, as a read_committed consumer sees them.
func (s restart) measure(t *testing.T, kafka *cluster, w *weir, p recoveryPipeline) (first, all time.Duration) {
	t.Helper()
	w.kill()
	if s.remove != nil {
		require.NoError(t, os.RemoveAll(s.remove(w)))
	}
	starts := map[int32]kgo.Offset{}
	for partition, end := range kafka.ends(p.aggregates) {
		starts[partition] = kgo.NewOffset().At(end)
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(kafka.addr, ",")...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(20*time.Millisecond), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{p.aggregates: starts}))
	require.NoError(t, err)
	defer consumer.Close()
	require.NoError(t, consumer.Ping(t.Context()))
	w.start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen := map[int32]bool{}
	for len(seen) < partitions && !(s.firstOnly && len(seen) > 0) {
		fetches := consumer.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "no output within a minute of the start\n%s", w.logTail())
		fetches.EachRecord(func(r *kgo.Record) {
			if first == 0 {
				first = time.Since(w.life.started)
			}
			seen[r.Partition] = true
		})
	}
	return first, time.Since(w.life.started)
}

// lastRecovery is how long the tasks of the present life took to restore their state, and from what, by its log.
func (w *weir) lastRecovery() string {
	text, err := os.ReadFile(w.logFile())
	require.NoError(w.t, err)
	at := strings.LastIndex(string(text), "http listens")
	var tasks []string
	for line := range strings.Lines(string(text[max(at, 0):])) {
		if !strings.Contains(line, "state recovered") {
			continue
		}
		from := "local"
		if strings.Contains(line, "local_seq=0 ") {
			from = "journal"
		}
		_, took, _ := strings.Cut(line, "took=")
		tasks = append(tasks, strings.TrimSpace(took)+" "+from)
	}
	return strings.Join(tasks, ", ")
}

func checkpoints(w *weir) int { return int(w.metrics()["weir_checkpoint_duration_seconds_count"]) }

// model knows every reading of every device, and from them every result.
type model struct {
	devices  map[string][]point
	readings int
	results  int
}

type point struct {
	at    event.Time
	value float64
}

func newModel() *model { return &model{devices: map[string][]point{}} }

func (m *model) take(r fleet.Reading) {
	m.readings++
	m.devices[r.Device] = append(m.devices[r.Device], point{r.Time, r.Value})
}

// result is what the model and the output have in common.
type result struct {
	Window         string
	End            time.Time
	Count          int
	Min, Max, Last float64
}

// of summarises readings in the order of time.
func of(window string, list []point) result {
	r := result{Window: window, Count: len(list), Min: list[0].value, Max: list[0].value, Last: list[len(list)-1].value}
	for _, p := range list {
		r.Min, r.Max = min(r.Min, p.value), max(r.Max, p.value)
	}
	return r
}

// expected are the results of a device: of its newest readings at each of them, and of each minute that has closed, 30 s after its
// end on the device's own clock.
func (m *model) expected(list []point) (newest, minutes []result) {
	const minute, wait = 60_000, 30_000
	first := 0
	for i, p := range list {
		if i+1 >= newestCount {
			newest = append(newest, of("newest", list[i+1-newestCount:i+1]))
		}
		for first < i && list[first].at/minute*minute+minute+wait <= p.at {
			end := list[first].at/minute*minute + minute
			next := first
			for next < i && list[next].at < end {
				next++
			}
			r := of("tumbling", list[first:next])
			r.End = time.UnixMilli(int64(end)).UTC()
			minutes = append(minutes, r)
			first = next
		}
	}
	return newest, minutes
}

// requireOutputs compares all aggregates with the model, record for record and in order, per device and window.
func (m *model) requireOutputs(t *testing.T, records []record) {
	t.Helper()
	newest, minutes := map[string][]result{}, map[string][]result{}
	for _, rec := range records {
		var r result
		require.NoError(t, json.Unmarshal([]byte(rec.value), &r), rec.value)
		if r.Window == "newest" {
			r.End = time.Time{}
			newest[rec.device] = append(newest[rec.device], r)
		} else {
			minutes[rec.device] = append(minutes[rec.device], r)
		}
	}
	m.results = 0
	for device, list := range m.devices {
		wantNewest, wantMinutes := m.expected(list)
		require.Equal(t, wantNewest, newest[device], "newest of %s", device)
		require.Equal(t, wantMinutes, minutes[device], "tumbling of %s", device)
		m.results += len(wantNewest) + len(wantMinutes)
	}
	require.Len(t, records, m.results, "records of devices that sent nothing")
}
