package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/statestore/badgerstore"
)

// diskStore lets an engine under test use Badger.
type diskStore struct {
	*badgerstore.Store
	asked func() // called when a marker is asked for; nil: nobody cares
}

func (s diskStore) Task(p int32) LocalTask { return diskTask{s.Store.Task(p), s.asked} }

type diskTask struct {
	*badgerstore.Task
	asked func()
}

func (t diskTask) Marker() (Marker, bool, error) {
	if t.asked != nil {
		t.asked()
	}
	m, ok, err := t.Task.Marker()
	return Marker{Lineage: m.Lineage, Seq: m.Seq, BootID: m.BootID, Sealed: m.Sealed, Snapshot: m.Snapshot}, ok, err
}

func (t diskTask) Mark(m Marker) error {
	return t.Task.Mark(badgerstore.Marker{Lineage: m.Lineage, Seq: m.Seq, BootID: m.BootID, Sealed: m.Sealed, Snapshot: m.Snapshot})
}

func openDisk(tb testing.TB, dir string) diskStore {
	tb.Helper()
	store, err := badgerstore.Open(dir, badgerstore.Options{BallastBytes: -1, BootID: "boot"})
	require.NoError(tb, err)
	return diskStore{Store: store}
}

// ordinary is a pipeline as they are: a window of a minute, a rule on it, repeats
// told by their sequence number.
const ordinary = `
name: test
kafka: {brokers: [localhost:9092]}
source:
  topic: readings
  reading: {device: device, metric: metric, time: ts, unit: ms, value: value, seq: seq}
time: {wait_for_late: 5s, idle_after: 10m, max_future_skew: 10s}
windows:
  - {name: temp, metric: temperature, tumbling: 1m, compute: [mean, min, max, count], emit: {topic: aggregates}}
rules:
  - {name: hot, when: temp.mean, levels: {alarm: {above: 80, clear_below: 75}}}
alerts: {topic: alerts}
state: {dir: ./state}
`

// flow is readings of a fleet whose devices speak in turn.
type flow struct {
	*bench
	flowOptions
	client *kgo.Client
	from   int64 // event time of the first round
	next   int   // number of the next reading
}

type flowOptions struct {
	pipeline string
	devices  int
	every    int // milliseconds of event time between two readings of a device
	churn    int // devices that a round replaces by new ones

	partitions int32 // 0: one
	memory     int64 // state.memory; 0: the default
}

func newFlow(tb testing.TB, o flowOptions) *flow {
	b := newBench(tb, benchOptions{pipeline: o.pipeline, createTime: true, partitions: o.partitions})
	if o.memory > 0 {
		b.plan.Pipeline.State.Memory = o.memory
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(100_000))
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	return &flow{bench: b, flowOptions: o, client: client, from: time.Now().Add(-time.Hour).UnixMilli() / 1000 * 1000}
}

// send appends the next n readings to the source.
func (f *flow) send(n int) {
	f.t.Helper()
	for range n {
		device, round := f.next%f.devices, f.next/f.devices
		r := reading{fmt.Sprintf("pump-%07d", device+round*f.churn), f.from + int64(round*f.every+device%f.every), 20 + float64((device+round)%100)/10, round}
		f.client.Produce(context.Background(), &kgo.Record{Topic: "readings", Partition: int32(device) % max(1, f.partitions), Value: []byte(r.String())}, nil)
		f.next++
	}
	require.NoError(f.t, f.client.Flush(context.Background()))
}

var errKilled = errors.New("killed")

// kill ends an engine as SIGKILL would: it neither hands over nor leaves the
// group.
func (r *running) kill() {
	r.engine.fail(errKilled)
	require.ErrorIs(r.t, r.ended(r.t), errKilled)
}

// moments remembers when each point of the protocol was first reached.
type moments struct {
	mu    sync.Mutex
	first map[string]time.Time
	wait  string
	found chan struct{}
}

func awaiting(point string) *moments {
	return &moments{first: map[string]time.Time{}, wait: point, found: make(chan struct{})}
}

func (m *moments) reach(point string, _ int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.first[point]; !ok {
		m.first[point] = time.Now()
		if point == m.wait {
			close(m.found)
		}
	}
}

// aftermath is what a killed engine leaves: a broker, and the files of its local
// store.
type aftermath struct {
	*flow
	dir string
}

// killed runs an engine over some rounds of readings of the whole fleet, has it save
// its state, sends tail readings more and kills it.
func killed(tb testing.TB, fo flowOptions, tail int) *aftermath {
	const rounds = 8
	f := newFlow(tb, fo)
	dir := tb.TempDir()
	store := openDisk(tb, dir)
	defer store.Close()
	run := f.begin(f.options(store))
	for range rounds {
		f.send(f.devices)
		run.settled(0, int64(f.next))
	}
	run.kill()

	saved := awaiting("marked")
	o := f.options(store)
	o.Failpoint = saved.reach
	f.tailCells = 1
	run = f.begin(o)
	f.send(1_000)
	<-saved.found
	run.settled(0, int64(f.next))
	run.kill()

	f.tailCells = 0
	o = f.options(store)
	o.Pace.HeldBytes = math.MaxInt64 // or a checkpoint amid the tail would shorten it
	run = f.begin(o)
	for left := tail; left > 0; left -= 100_000 {
		f.send(min(left, 100_000))
		run.settled(0, int64(f.next))
	}
	run.kill()
	a := &aftermath{flow: f, dir: tb.TempDir()}
	copyFiles(tb, dir, a.dir)
	return a
}

func (f *flow) begin(o Options) *running { return f.bench.start(o) }

// copyFiles copies a directory of an open store, again if files come or go
// meanwhile.
func copyFiles(tb testing.TB, from, to string) {
	tb.Helper()
	for {
		require.NoError(tb, os.RemoveAll(to))
		err := os.CopyFS(to, os.DirFS(from))
		if err == nil && slices.Equal(fileNames(tb, from), fileNames(tb, to)) {
			return
		}
		if err != nil {
			require.ErrorIs(tb, err, os.ErrNotExist)
		}
	}
}

func fileNames(tb testing.TB, dir string) (names []string) {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(tb, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// BenchmarkRestart is a start after kill -9, from the opening of the local store
// to the first commit. A million devices take half a minute, all but a second or
// two of it before the kill.
func BenchmarkRestart(b *testing.B) {
	for _, devices := range []int{100_000, 1_000_000} {
		var a *aftermath
		whole := b
		b.Run(fmt.Sprintf("devices=%d", devices), func(b *testing.B) {
			if a == nil { // one serves all runs of -count
				a = killed(whole, flowOptions{pipeline: ordinary, devices: devices, every: 10_000}, devices)
			}
			parts := map[string]time.Duration{}
			var state int64
			for b.Loop() {
				b.StopTimer()
				dir := b.TempDir()
				copyFiles(b, a.dir, dir)
				runtime.GC() // what the killed engine left is not the new one's to collect
				m := awaiting("confirmed")
				b.StartTimer()
				began := time.Now()
				store := openDisk(b, dir)
				opened := time.Now()
				store.asked = func() { m.reach("asked", 0) }
				o := a.options(store)
				o.Failpoint = m.reach
				o.Pace.HeldBytes = math.MaxInt64 // or the first start would trim what the next one needs
				run := a.begin(o)
				<-m.found
				b.StopTimer()
				parts["open-ms"] += opened.Sub(began)
				parts["join-ms"] += m.first["asked"].Sub(opened)
				parts["load-ms"] += m.first["restoring"].Sub(m.first["asked"])
				parts["replay-ms"] += m.first["begun"].Sub(m.first["restoring"])
				parts["commit-ms"] += m.first["confirmed"].Sub(m.first["begun"])
				state = run.engine.Status()[0].ResidentBytes
				run.kill()
				require.NoError(b, store.Close())
				b.StartTimer()
			}
			b.ReportMetric(float64(state)/1e6, "state-MB")
			for name, d := range parts {
				b.ReportMetric(1000*d.Seconds()/float64(b.N), name)
			}
		})
	}
}
