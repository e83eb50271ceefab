package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/ingest/codec"
	"github.com/weirstream/weir/internal/brokers"
)

const testPipeline = `
name: test
kafka: {brokers: [localhost:9092]}
source:
  topic: readings
  reading: {device: device, metric: metric, time: ts, unit: ms, value: value, seq: seq}
time: {wait_for_late: 1s, idle_after: 5s, max_future_skew: 10s}
windows:
  - name: temp
    metric: temperature
    tumbling: 1s
    compute: [count, sum, mean, min, max, last]
    emit: {topic: aggregates, on: close}
rules:
  - name: hot
    when: temperature
    levels: {critical: {above: 80, clear_below: 70}}
alerts: {topic: alerts}
commit_interval: 10ms
state: {dir: ./state, forget_after: 1h}
`

// bench is a cluster, a pipeline and whatever local disks its engines leave.
type bench struct {
	t       testing.TB
	cluster *kfake.Cluster
	plan    *task.Plan
	client  *kgo.Client
	admin   *kadm.Client
	log     *slog.Logger

	sent      int64 // to partition 0
	tailCells int   // makes checkpoints as frequent as a test needs them
}

type benchOptions struct {
	partitions int32
	pipeline   string
	folder     string // where the pipeline file is
	createTime bool   // the brokers do not stamp append times
}

func newBench(t testing.TB, o benchOptions) *bench {
	t.Helper()
	if o.partitions == 0 {
		o.partitions = 1
	}
	if o.pipeline == "" {
		o.pipeline = testPipeline
	}
	cluster := startCluster(t, o)
	plan := compileIn(t, o.folder, o.pipeline)
	p := plan.Pipeline
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	level := slog.LevelError
	if os.Getenv("WEIR_LOG") != "" {
		level = slog.LevelDebug
	}
	b := &bench{t: t, cluster: cluster, plan: plan, client: client, admin: kadm.NewClient(client),
		log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))}
	stamp := map[string]string{"message.timestamp.type": "LogAppendTime"}
	if o.createTime {
		stamp = nil
	}
	require.NoError(t, cluster.CreateTopic(p.Source.Topic, o.partitions, stamp))
	return b
}

func compile(t testing.TB, pipeline string) *task.Plan {
	t.Helper()
	return compileIn(t, "", pipeline)
}

func compileIn(t testing.TB, folder, pipeline string) *task.Plan {
	t.Helper()
	p, diagnostics := configs.Parse(filepath.Join(folder, "test.yaml"), []byte(pipeline), configs.Options{ReadFile: os.ReadFile})
	require.False(t, diagnostics.HasErrors(), "%s", diagnostics)
	plan, err := task.Compile(p)
	require.NoError(t, err)
	return plan
}

// startCluster starts a broker that stamps append times, or the bare one, which
// never does.
func startCluster(t testing.TB, o benchOptions) *kfake.Cluster {
	t.Helper()
	if o.createTime {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
		require.NoError(t, err)
		t.Cleanup(cluster.Close)
		return cluster
	}
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{})
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	return kafka.Cluster()
}

func (b *bench) options(store Store) Options {
	source := b.plan.Pipeline.Source.Reading
	return Options{
		Plan: b.plan, Brokers: b.cluster.ListenAddrs(), Instance: "test-instance", BootID: "boot", Store: store, Logger: b.log, JournalSlack: -1,
		NewDecoder: func(in DeviceIn) (codec.Decoder, error) {
			device := source.Device
			if in == Header {
				device = ""
			}
			return codec.NewScanner(codec.Options{
				Device: device, Metric: source.Metric, Time: source.Time, Unit: source.Unit, Value: source.Value, Seq: source.Seq,
				Wide: source.Metrics, Metrics: b.plan.Pipeline.Metrics,
			})
		},
	}
}

// running is an engine at work.
type running struct {
	t      testing.TB
	engine *Engine
	stop   context.CancelFunc
	once   sync.Once
	end    chan error
	err    error
}

func (b *bench) start(o Options) *running {
	b.t.Helper()
	e, err := New(o)
	require.NoError(b.t, err)
	if b.tailCells > 0 {
		e.tailCells = b.tailCells
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: b.t, engine: e, stop: cancel, end: make(chan error, 1)}
	go func() { r.end <- e.Run(ctx) }()
	b.t.Cleanup(func() { r.wait() })
	return r
}

// wait stops the engine cleanly and returns how it ended.
func (r *running) wait() error {
	r.stop()
	r.once.Do(func() { r.err = <-r.end })
	return r.err
}

// ended waits for an engine that ends by itself.
func (r *running) ended(t testing.TB) error {
	t.Helper()
	select {
	case err := <-r.end:
		r.once.Do(func() { r.err = err })
		return err
	case <-time.After(60 * time.Second):
		require.Fail(t, "engine did not end")
		return nil
	}
}

// produce appends messages to a partition of the source.
func (b *bench) produce(partition int32, values ...string) {
	b.t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: b.plan.Pipeline.Source.Topic, Partition: partition, Value: []byte(v)}
	}
	require.NoError(b.t, b.client.ProduceSync(context.Background(), records...).FirstErr())
	if partition == 0 {
		b.sent += int64(len(values))
	}
}

// fold runs an engine on the store from start to clean stop, while messages are
// appended to partition 0, which it must all commit.
func (b *bench) fold(store Store, values ...string) {
	b.t.Helper()
	run := b.start(b.options(store))
	b.produce(0, values...)
	run.settled(0, b.sent)
	require.NoError(b.t, run.wait())
}

type reading struct {
	device string
	at     int64
	value  float64
	seq    int
}

func (r reading) String() string {
	return fmt.Sprintf(`{"device":%q,"metric":"temperature","ts":%d,"value":%g,"seq":%d}`, r.device, r.at, r.value, r.seq)
}

// read returns the committed records of a topic's partition, one a line.
func (b *bench) read(topic string, partition int32) (lines []string) {
	b.t.Helper()
	for _, r := range b.records(topic, partition) {
		lines = append(lines, string(r.Value))
	}
	return lines
}

// records are the committed records of a topic's partition.
func (b *bench) records(topic string, partition int32) (list []*kgo.Record) {
	b.t.Helper()
	ends, err := b.admin.ListCommittedOffsets(context.Background(), topic)
	require.NoError(b.t, err)
	end, ok := ends.Lookup(topic, partition)
	if !ok || end.Err != nil || end.Offset == 0 {
		return nil
	}
	starts, err := b.admin.ListStartOffsets(context.Background(), topic)
	require.NoError(b.t, err)
	start, _ := starts.Lookup(topic, partition)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(start.Offset)}}))
	require.NoError(b.t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for position := start.Offset; position < end.Offset; {
		fetches := client.PollFetches(ctx)
		require.NoError(b.t, ctx.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			position = r.Offset + 1
			if !r.Attrs.IsControl() {
				list = append(list, r)
			}
		})
	}
	return list
}

// settled waits until the engine has committed the source up to offset.
func (r *running) settled(partition int32, offset int64) {
	r.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		for _, s := range r.engine.Status() {
			if s.Partition == partition && s.State == Live && s.Offset >= offset {
				return
			}
		}
		select {
		case err := <-r.end:
			r.once.Do(func() { r.err = err })
			require.NoError(r.t, err, "engine ended")
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			require.Failf(r.t, "not committed", "want offset %d of partition %d, have %+v", offset, partition, r.engine.Status())
		}
	}
}

func grep(lines []string, part string) []string {
	var found []string
	for _, l := range lines {
		if strings.Contains(l, part) {
			found = append(found, l)
		}
	}
	return found
}
