//go:build real

package killtest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/internal/fleet"
	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

const (
	recoveryLoad = 5      // readings of each device before the first kill
	recoveryRate = 10_000 // readings a second while it is killed
	newestCount  = 3      // readings in the count window
)

// scenario is what else happens between the kill and the next start.
type scenario struct {
	name   string
	times  int
	remove func(w *rig.Process) string // what is deleted; nil: nothing
	// again kills the process that had to start from the journal a second time, while it writes its local copy anew, and measures the
	// one after that.
	again bool
}

func scenarios() []scenario {
	return []scenario{
		{name: "kill -9, local state kept", times: 5},
		{name: "kill -9, local state lost, identity kept", times: 3, remove: (*rig.Process).BadgerDir},
		{name: "the same, and kill -9 while it is rewritten", times: 5, remove: (*rig.Process).BadgerDir, again: true},
		{name: "kill -9, state directory lost", times: 2, remove: (*rig.Process).StateDir},
		{name: "kill -9, local state kept, afterwards", times: 3},
	}
}

// recoveryPipeline names what a test reads and writes. It does not look for repeats: a reading folded twice would hide behind that.
type recoveryPipeline struct {
	rig.Pipeline
	aggregates, alerts string
}

func (p recoveryPipeline) file(kafka string) string {
	return fmt.Sprintf(`
name: %s
kafka: {brokers: [%s]}
source: {topic: %s}
time: {wait_for_late: 30s, idle_after: 24h, max_future_skew: 5m}
dedupe: {by: off}
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
`, p.Name, strings.ReplaceAll(kafka, ",", ", "), p.Source, p.aggregates, newestCount, p.alerts)
}

func TestRecovery(t *testing.T) {
	realbrokers.Kcat(t)
	devices := int(setting(t, "WEIR_RECOVERY_DEVICES", 100_000))
	kafka := openCluster(t)
	name := rig.UniqueName("recovery")
	p := recoveryPipeline{Pipeline: rig.Pipeline{Name: name, Source: name + ".readings"}, aggregates: name + ".aggregates", alerts: name + ".alerts"}
	kafka.Source(p.Source, partitions)
	kafka.Forget(p.aggregates, p.alerts, "weir."+p.Name+".quarantine", "weir."+p.Name+".journal")
	w := rig.NewProcess(t, rig.Program{Binary: rig.BuildWeir(t, rig.BuildOptions{}), Pipeline: p.Name, File: p.file(kafka.Addr)})

	f, err := fleet.New(fleet.Options{
		Devices: devices, Seed: 1, Rate: recoveryRate, Start: fleetStart(),
		Overheating: devices / 100, HeatFor: 60 * time.Second, HeatEvery: 2 * time.Minute,
	})
	require.NoError(t, err)
	model := newModel()
	w.Start()
	w.Ready(partitions)
	toKafka := func() fleet.Publisher {
		publisher, err := fleet.OpenKafka(p.Source, strings.Split(kafka.Addr, ",")...)
		require.NoError(t, err)
		return publisher
	}
	load := &limited{fleet: f, left: int64(devices) * recoveryLoad, seen: model.take}
	rig.Send(t, load, toKafka(), 0).Wait(5 * time.Minute)
	rig.Await(t, "load committed", 5*time.Minute, func() (bool, string) { w.Alive(); return kafka.Consumed(p.Pipeline) })
	saved := checkpoints(w)
	last, since := saved, time.Now()
	rig.Await(t, "a checkpoint of every task", 2*time.Minute, func() (bool, string) {
		have := checkpoints(w)
		if have != last {
			last, since = have, time.Now()
		}
		// A task that had saved everything before takes no other; what is due comes within 30 s.
		return have >= saved+partitions || time.Since(since) > 40*time.Second, fmt.Sprintf("%d of %d", have, saved+partitions)
	})
	t.Logf("%d devices in %d partitions, %d readings; the state takes %.0f MB of memory", devices, partitions,
		devices*recoveryLoad, w.Metrics()["weir_state_bytes"]/1e6)

	flow := &limited{fleet: f, left: 1 << 40, seen: model.take}
	sending := rig.Send(t, flow, toKafka(), 1)
	measureAll(t, kafka, w, p)
	flow.ended.Store(true)
	sending.Wait(time.Minute)
	processed := int64(0)
	rig.Await(t, "all committed", 2*time.Minute, func() (bool, string) {
		processed = rig.Outcome(w.Metrics(), "processed")
		if processed < int64(model.readings) {
			return false, fmt.Sprintf("%d of %d readings processed", processed, model.readings)
		}
		return kafka.Consumed(p.Pipeline)
	})
	require.EqualValues(t, model.readings, processed, "readings processed: dedupe is off, so one folded twice shows")
	w.Stop()
	for _, topic := range []string{p.aggregates, p.alerts, "weir." + p.Name + ".journal"} {
		kafka.RequireNothingOpen(topic)
	}
	model.requireOutputs(t, kafka.Read(p.aggregates))
	events := kafka.Read(p.alerts)
	require.NotEmpty(t, events)
	requireGapless(t, events)
	requireIDs(t, p.Name, events)
	t.Logf("%d window results of %d readings are those of the model; weir-seq of %d alert events is gapless", model.results, model.readings, len(events))
}

// measureAll goes through the scenarios and prints the table.
func measureAll(t *testing.T, kafka *rig.Cluster, w *rig.Process, p recoveryPipeline) {
	t.Helper()
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
			table = append(table, fmt.Sprintf("%-44s %10.3f s %10.3f s   %s", s.name, first.Seconds(), all.Seconds(), lastRecovery(t, w)))
		}
		slices.Sort(firsts)
		table = append(table, fmt.Sprintf("%-44s %10.3f s", "  median", firsts[len(firsts)/2].Seconds()))
	}
	t.Logf("from the exec of the new process to its first committed output, with %d readings/s flowing:\n%s", recoveryRate, strings.Join(table, "\n"))

}

// letFlow waits until another second's readings are committed, so that the kill hits a process that works.
func letFlow(t *testing.T, kafka *rig.Cluster, w *rig.Process, p recoveryPipeline) {
	t.Helper()
	before := rig.Total(kafka.Committed(p.Pipeline))
	rig.Await(t, "flow", time.Minute, func() (bool, string) {
		w.Alive()
		return rig.Total(kafka.Committed(p.Pipeline)) >= before+recoveryRate, "the flow stands"
	})
}

// restart is a kill and the start after it.
type restart struct {
	remove    func(*rig.Process) string // what is lost between the two; nil: nothing
	firstOnly bool                      // does not wait for all partitions
}

// measure kills and starts again, and returns how long it took from the exec to the first new output record of any partition, and of
// every partition, as a read_committed consumer sees them.
func (s restart) measure(t *testing.T, kafka *rig.Cluster, w *rig.Process, p recoveryPipeline) (first, all time.Duration) {
	t.Helper()
	w.Kill()
	if s.remove != nil {
		require.NoError(t, os.RemoveAll(s.remove(w)))
	}
	starts := map[int32]kgo.Offset{}
	for partition, end := range kafka.Ends(p.aggregates) {
		starts[partition] = kgo.NewOffset().At(end)
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(kafka.Addr, ",")...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(20*time.Millisecond), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{p.aggregates: starts}))
	require.NoError(t, err)
	defer consumer.Close()
	require.NoError(t, consumer.Ping(t.Context()))
	w.Start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen := map[int32]bool{}
	for len(seen) < partitions && !(s.firstOnly && len(seen) > 0) {
		fetches := consumer.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "no output within a minute of the start\n%s", w.LogTail())
		fetches.EachRecord(func(r *kgo.Record) {
			if first == 0 {
				first = time.Since(w.Started())
			}
			seen[r.Partition] = true
		})
	}
	return first, time.Since(w.Started())
}

// lastRecovery is how long the tasks of the present life took to restore their state, and from what, by its log.
func lastRecovery(t *testing.T, w *rig.Process) string {
	t.Helper()
	text, err := os.ReadFile(w.LogFile())
	require.NoError(t, err)
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

func checkpoints(w *rig.Process) int {
	return int(w.Metrics()["weir_checkpoint_duration_seconds_count"])
}
