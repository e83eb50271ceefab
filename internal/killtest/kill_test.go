//go:build real

package killtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/fleet"
	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

const partitions = 4

// killRun is the size of TestKill.
type killRun struct {
	readings int64 // repeats not counted
	devices  int
	kills    int
	seed     uint64
}

func newKillRun(t *testing.T) killRun {
	t.Helper()
	r := killRun{
		readings: int64(setting(t, "WEIR_KILL_READINGS", 1_000_000)),
		kills:    int(setting(t, "WEIR_KILLS", 20)),
		seed:     setting(t, "WEIR_KILL_SEED", uint64(time.Now().UnixNano()%1_000_000)),
	}
	// 100 readings of each device at least, so that windows close and alerts come and go.
	r.devices = int(min(10_000, max(100, r.readings/100)))
	return r
}

func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	v, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return v
}

// fleet is the fleet both pipelines read. Every device takes one reading a second.
func (r killRun) fleet(t *testing.T, repeats bool, seen func(fleet.Reading)) fleet.Source {
	t.Helper()
	f, err := fleet.New(fleet.Options{
		Devices: r.devices, Seed: r.seed, Start: fleetStart(),
		Duplicates: 0.05, OutOfOrder: 0.01, Late: 0.005, Overheating: r.devices / 20,
	})
	require.NoError(t, err)
	return &limited{fleet: f, left: r.readings, repeats: repeats, seen: seen}
}

// killPipeline has every kind of window, a metric made from another, labels and limits from a roster, and the rules of killRules. All of
// it goes by event time alone: readings arrive at other times in a pipeline that is never killed.
type killPipeline struct {
	rig.Pipeline
	roster             string // a file
	rules              string // and what inhibits what, as the file has it
	aggregates, alerts string
	mqtt               string // URL; empty: readings arrive in the source by themselves
}

func newKillPipeline(role string, of killPipeline) killPipeline {
	name := rig.UniqueName("kill-" + role)
	return killPipeline{Pipeline: rig.Pipeline{Name: name, Source: name + ".readings"}, roster: of.roster, rules: of.rules, aggregates: name + ".aggregates", alerts: name + ".alerts"}
}

// roster names four in five devices, each with a limit of its own.
func (r killRun) roster(t *testing.T) string {
	t.Helper()
	text := []byte("device,site,limit\n")
	for i := range r.devices {
		if i%5 > 0 {
			text = fmt.Appendf(text, "device-%05d,hall %d,%d.5\n", i, i%7, 38+i%4)
		}
	}
	file := filepath.Join(t.TempDir(), "fleet.csv")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

func (p killPipeline) outputs() []string {
	return []string{p.aggregates, p.alerts, p.Quarantine(), p.Journal(), p.Commands()}
}

func (p killPipeline) file(kafka string) string {
	bridge := ""
	if p.mqtt != "" {
		bridge = fmt.Sprintf(`mqtt: {broker: %q, subscribe: [{filter: "plant/+/+/telemetry", qos: 1}], device: "{topic.2}"}`, p.mqtt)
	}
	return fmt.Sprintf(`
name: %s
kafka: {brokers: [%s]}
source: {topic: %s}
%s
time: {wait_for_late: 3s, idle_after: 24h, max_future_skew: 5m}
devices: {roster: %[7]s}
where: 'value > -1000 or labels.site == "nowhere"'
derive: {excess: {from: temperature, value: value - labels.limit}}
windows:
  - {name: tumbling, metric: temperature, tumbling: 5s, compute: [count, sum, min, max, mean, last, p95, stddev], emit: {topic: %[5]s}}
  - {name: visit, metric: temperature, session: {gap: 2500ms}, compute: [count, max, p95, integral], emit: {topic: %[5]s}}
  - {name: above, metric: excess, tumbling: 5s, offset: 2s, compute: [max, slope], emit: {topic: %[5]s}}
  - {name: recent, metric: temperature, rolling: {size: 10s, resolution: 2s}, compute: [p95]}
  - {name: hopping, metric: temperature, hopping: {size: 20s, every: 5s}, compute: [mean, max], emit: {topic: %[5]s}}
  - {name: newest, metric: temperature, count: 10, compute: [mean, last], emit: {topic: %[5]s, on: change}}
%[8]salerts: {topic: %[6]s}
state: {dir: $STATE}
`, p.Name, strings.ReplaceAll(kafka, ",", ", "), p.Source, bridge, p.aggregates, p.alerts, p.roster, p.rules)
}

// moment is when to kill.
type moment struct {
	at    int64         // source records committed, or
	after time.Duration // the age of the process, for one that is still starting
	delay time.Duration // later still, so that any step of a commit can be hit
}

// moments spreads the kills: three in four over the run, the others over the first 1.5 s of a life.
func (r killRun) moments() []moment {
	rng := rand.New(rand.NewPCG(r.seed, 0x6b696c6c))
	var places []int64
	early := 0
	for range r.kills {
		if rng.IntN(4) == 0 {
			early++
		} else {
			places = append(places, 1+rng.Int64N(r.readings*97/100))
		}
	}
	slices.Sort(places)
	var list []moment
	for _, at := range places {
		list = append(list, moment{at: at, delay: time.Duration(rng.IntN(150)) * time.Millisecond})
	}
	for range early {
		list = slices.Insert(list, rng.IntN(len(list)+1), moment{after: time.Duration(rng.IntN(1_500)) * time.Millisecond})
	}
	return list
}

func TestKill(t *testing.T) {
	run := newKillRun(t)
	t.Logf("%d readings of %d devices, %d kills; the same again with WEIR_KILL_SEED=%d WEIR_KILL_READINGS=%d WEIR_KILLS=%d",
		run.readings, run.devices, run.kills, run.seed, run.readings, run.kills)
	realbrokers.Kcat(t)
	mosquitto := realbrokers.Mosquitto(t)
	kafka := openCluster(t)
	binary := rig.BuildWeir(t, rig.BuildOptions{})

	both := killPipeline{roster: run.roster(t), rules: killRules(time.Now())}
	killed, whole := newKillPipeline("killed", both), newKillPipeline("whole", both)
	killed.mqtt = mosquitto.URL()
	for _, p := range []killPipeline{killed, whole} {
		kafka.Source(p.Source, partitions)
		kafka.Forget(p.outputs()...)
		command(t, kafka, p)
	}
	withKills := run.withKills(t, kafka, rig.NewProcess(t, rig.Program{Binary: binary, Pipeline: killed.Name, File: killed.file(kafka.Addr)}), killed)
	without := run.withoutKills(t, kafka, rig.NewProcess(t, rig.Program{Binary: binary, Pipeline: whole.Name, File: whole.file(kafka.Addr)}), whole)

	require.Equal(t, without.processed, withKills.processed, "readings processed")
	require.Equal(t, without.late, withKills.late, "readings late")
	for _, topic := range slices.Concat(killed.outputs(), whole.outputs()) {
		kafka.RequireNothingOpen(topic)
	}
	comparison{whole: whole, killed: killed}.run(t, kafka)
}

// tally is what a run ended with.
type tally struct {
	processed, late int64
}

// withKills sends the fleet over MQTT and kills weir again and again while it reads.
func (r killRun) withKills(t *testing.T, kafka *rig.Cluster, w *rig.Process, p killPipeline) tally {
	t.Helper()
	w.Start()
	w.Ready(partitions)
	publisher, err := fleet.OpenMQTT(fleet.MQTTOptions{Broker: p.mqtt, ClientID: p.Name})
	require.NoError(t, err)
	began := time.Now()
	sending := rig.Send(t, r.fleet(t, true, nil), publisher, 0)
	for i, m := range r.moments() {
		r.killAt(t, kafka, w, p, i+1, m)
	}
	sent := sending.Wait(10 * time.Minute)
	end := r.finish(t, kafka, w, p)
	took := time.Since(began)
	in, duplicates := rig.Outcome(end, "in"), rig.Outcome(end, "duplicate")
	require.Equal(t, r.readings, sent.Sent-sent.Duplicates)
	require.GreaterOrEqual(t, duplicates, sent.Duplicates)
	t.Logf("with kills: %d messages (%d repeats, %d late, %d out of order) sent over MQTT in %.1f s; all committed after %.1f s and %d kills",
		sent.Sent, sent.Duplicates, sent.Late, sent.OutOfOrder, sending.Took.Seconds(), took.Seconds(), r.kills)
	t.Logf("with kills: %d records reached Kafka, %d more than were sent: MQTT's redelivery after each kill", in, in-sent.Sent)
	t.Logf("with kills: %d in = %d processed + %d duplicate + %d late; %d tasks dropped and recovered by themselves",
		in, rig.Outcome(end, "processed"), duplicates, rig.Outcome(end, "late"), w.Logged("task dropped, recovering it"))
	return tally{rig.Outcome(end, "processed"), rig.Outcome(end, "late")}
}

// killAt waits for the moment, kills, and starts again at once.
func (r killRun) killAt(t *testing.T, kafka *rig.Cluster, w *rig.Process, p killPipeline, n int, m moment) {
	t.Helper()
	what := "while starting"
	if m.at > 0 {
		what = "at record " + strconv.FormatInt(m.at, 10)
		rig.Await(t, fmt.Sprintf("kill %d %s", n, what), 5*time.Minute, func() (bool, string) {
			w.Alive()
			done := rig.Total(kafka.Committed(p.Pipeline))
			return done >= m.at, fmt.Sprintf("%d records committed\n%s", done, w.LogTail())
		})
	}
	// The delay is the fault's moment; nothing is waited for.
	if wait := m.delay + max(0, m.after-time.Since(w.Started())); wait > 0 {
		<-time.After(wait)
	}
	age := time.Since(w.Started())
	w.Kill()
	t.Logf("kill %2d %-18s (%7d committed), process %.2f s old", n, what, rig.Total(kafka.Committed(p.Pipeline)), age.Seconds())
	w.Start()
}

// withoutKills puts the fleet into a topic and lets weir read it in peace.
func (r killRun) withoutKills(t *testing.T, kafka *rig.Cluster, w *rig.Process, p killPipeline) tally {
	t.Helper()
	publisher, err := fleet.OpenKafka(p.Source, strings.Split(kafka.Addr, ",")...)
	require.NoError(t, err)
	rig.Send(t, r.fleet(t, false, nil), publisher, 0).Wait(5 * time.Minute)
	began := time.Now()
	w.Start()
	end := r.finish(t, kafka, w, p)
	took := time.Since(began)
	require.Zero(t, rig.Outcome(end, "duplicate"))
	require.Zero(t, w.Logged("task dropped, recovering it"), "recoveries without a fault\n%s", w.LogTail())
	t.Logf("without kills: %d readings straight from Kafka in %.1f s (%.0f/s with the start)", r.readings, took.Seconds(), float64(r.readings)/took.Seconds())
	return tally{rig.Outcome(end, "processed"), rig.Outcome(end, "late")}
}

// finish waits until every reading is processed and everything in the source is committed, stops weir, and returns the last metrics.
func (r killRun) finish(t *testing.T, kafka *rig.Cluster, w *rig.Process, p killPipeline) map[string]float64 {
	t.Helper()
	var m map[string]float64
	rig.Await(t, p.Name+" through", 10*time.Minute, func() (bool, string) {
		m = w.Metrics()
		processed, late := rig.Outcome(m, "processed"), rig.Outcome(m, "late")
		if processed+late < r.readings || rig.Outcome(m, "in") < rig.Total(kafka.Ends(p.Source)) {
			return false, fmt.Sprintf("%d processed, %d late\n%s", processed, late, w.LogTail())
		}
		return kafka.Consumed(p.Pipeline)
	})
	require.Equal(t, r.readings, rig.Outcome(m, "processed")+rig.Outcome(m, "late"), "readings processed or late")
	require.Equal(t, rig.Total(kafka.Ends(p.Source)), rig.Outcome(m, "in"), "readings in, of the records in the source")
	sum := int64(0)
	for _, class := range []string{"processed", "filtered", "late", "future", "bad", "duplicate", "retained"} {
		sum += rig.Outcome(m, class)
	}
	require.Equal(t, rig.Outcome(m, "in"), sum, "the classes add up")
	w.Stop()
	return m
}

// comparison is of the pipeline that was never killed and the one that was.
type comparison struct{ whole, killed killPipeline }

// run reads both pipelines' outputs with kcat and compares them.
func (c comparison) run(t *testing.T, kafka *rig.Cluster) {
	t.Helper()
	began := time.Now()
	whole, killed := c.whole, c.killed
	wholeBlank, killedBlank := newBlank(whole.Pipeline), newBlank(killed.Pipeline)

	want, got := kafka.Read(whole.alerts), kafka.Read(killed.alerts)
	requireGapless(t, want)
	requireGapless(t, got)
	requireIDs(t, whole.Name, want)
	requireIDs(t, killed.Name, got)
	wanted := wholeBlank.byDevice(want)
	require.NotEmpty(t, wanted)
	requireSame(t, "alerts", twoRuns{wanted, killedBlank.byDevice(got)})
	requireEverything(t, want)
	t.Logf("%d alert events of %d devices are equal, record for record", wanted.total(), len(wanted))

	want, got = kafka.Read(whole.aggregates), kafka.Read(killed.aggregates)
	for _, window := range []string{"tumbling", "hopping"} {
		requireWindowsOnce(t, want, window)
		requireWindowsOnce(t, got, window)
	}
	wanted = wholeBlank.byDevice(want)
	require.NotEmpty(t, wanted)
	requireSame(t, "aggregates", twoRuns{wanted, killedBlank.byDevice(got)})
	t.Logf("%d aggregates of %d devices are equal, record for record (read and compared in %.1f s)", wanted.total(), len(wanted), time.Since(began).Seconds())
}
