package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/alerts/commands"
)

const commandsTopic = "weir.test.commands"

// command writes records of key and value to the topic of commands; no value takes back.
func (b *bench) command(keysAndValues ...string) {
	b.t.Helper()
	for i := 0; i < len(keysAndValues); i += 2 {
		r := &kgo.Record{Topic: commandsTopic, Key: []byte(keysAndValues[i])}
		if v := keysAndValues[i+1]; v != "" {
			r.Value = []byte(v)
		}
		require.NoError(b.t, b.client.ProduceSync(context.Background(), r).FirstErr())
	}
}

func silenceOf(t testing.TB, name, value string) (string, string) {
	t.Helper()
	m, err := commands.NewMatcher("device", "=", value)
	require.NoError(t, err)
	s := commands.Silence{Kind: commands.KindSilence, Name: name, Matchers: []commands.Matcher{m}, Start: 0, End: 1 << 41}
	return s.Key(), string(s.AppendValue(nil))
}

func (r *running) commanded(offset int64) {
	r.t.Helper()
	eventually(r.t, "commands read", func() bool { return r.engine.Commands().Offset == offset })
}

// The topic is made, followed while the pipeline runs and read from its beginning by
// the next process, before its tasks are live.
func TestCommandsAreFollowed(t *testing.T) {
	b := newBench(t, benchOptions{partitions: 3})
	store := newMemoryStore()
	run := b.start(b.options(store))
	run.settled(0, 0)
	require.Equal(t, CommandsStatus{}, run.engine.Commands())
	configs, err := run.engine.configs(t.Context(), commandsTopic)
	require.NoError(t, err)
	require.Equal(t, "compact", configs["cleanup.policy"])

	key, value := silenceOf(t, "a", "pump-1")
	b.command(key, value, "nonsense", "{}", "ack/x", "")
	run.commanded(1)
	eventually(t, "all read", func() bool { return run.engine.Commands().Ignored == 1 })
	b.command(key, "")
	run.commanded(4)
	require.Equal(t, CommandsStatus{Offset: 4, Taken: 1, TakenBack: 2, Ignored: 1}, run.engine.Commands())
	require.NoError(t, run.wait())

	b.command(key, value)
	run = b.start(b.options(store))
	run.settled(2, 0)
	require.Equal(t, CommandsStatus{Offset: 5, Taken: 2, TakenBack: 2, Ignored: 1}, run.engine.Commands())
	require.Len(t, run.engine.commands.newest().Silences(), 1)
	require.NoError(t, run.wait())
}

// Readings are folded while commands cannot be read, and what comes meanwhile is there
// when they can.
func TestTroubleWithCommandsDelaysNothing(t *testing.T) {
	b := newBench(t, benchOptions{})
	run := b.start(b.options(newMemoryStore()))
	run.settled(0, 0)
	key, value := silenceOf(t, "a", "pump-1")
	b.command(key, value)
	run.commanded(1)
	fault := b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: commandsTopic, Err: kerr.TopicAuthorizationFailed, Count: 1 << 30})
	b.command(key, "")
	eventually(t, "refused", func() bool { return fault.Hits() > 0 })
	b.produce(0, reading{"pump-1", time.Now().UnixMilli(), 90, 1}.String())
	run.settled(0, 1)
	require.Len(t, b.read("alerts", 0), 1)
	require.Equal(t, int64(1), run.engine.Commands().Offset, "what is known stays in force")
	fault.Remove()
	run.commanded(2)
	require.Equal(t, CommandsStatus{Offset: 2, Taken: 1, TakenBack: 1}, run.engine.Commands(), "nothing is counted twice")
	require.Zero(t, run.engine.Totals().Recoveries)
	require.NoError(t, run.wait())
}

// A topic that was deleted and made again is read from its beginning.
func TestCommandsBeginAnew(t *testing.T) {
	b := newBench(t, benchOptions{})
	run := b.start(b.options(newMemoryStore()))
	run.settled(0, 0)
	key, value := silenceOf(t, "a", "pump-1")
	b.command(key, value, key, value, key, value)
	run.commanded(3)
	_, err := b.admin.DeleteTopics(t.Context(), commandsTopic)
	require.NoError(t, err)
	compact := "compact"
	_, err = b.admin.CreateTopic(t.Context(), 1, 1, map[string]*string{"cleanup.policy": &compact}, commandsTopic)
	require.NoError(t, err)
	other, value := silenceOf(t, "b", "pump-1")
	client, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...)) // one that does not know the topic of before
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: commandsTopic, Key: []byte(other), Value: []byte(value)}).FirstErr())
	eventually(t, "read again", func() bool {
		list := run.engine.commands.newest().Silences()
		return len(list) == 1 && list[0].Name == "b"
	})
	require.NoError(t, run.wait())
}

func TestWrongTopicsOfCommands(t *testing.T) {
	for _, c := range []struct {
		partitions int32
		policy     string
		want       string
	}{
		{2, "compact", "has 2 partitions and must have one"},
		{1, "delete", `must have cleanup.policy=compact (is "delete")`},
		{1, "compact,delete", `must have cleanup.policy=compact (is "compact,delete")`},
	} {
		b := newBench(t, benchOptions{})
		require.NoError(t, b.cluster.CreateTopic(commandsTopic, c.partitions, map[string]string{"cleanup.policy": c.policy}))
		run := b.start(b.options(newMemoryStore()))
		err := run.ended(t)
		var refused *RefusedError
		require.True(t, errors.As(err, &refused), "%v", err)
		require.Contains(t, strings.ReplaceAll(err.Error(), "\n", " "), c.want)
	}
}

// A version is never a part of what was there: tasks would lift silences that stand
// further behind, and say so.
func TestCommandsAreReadWhole(t *testing.T) {
	b := newBench(t, benchOptions{})
	first := b.start(b.options(newMemoryStore()))
	first.settled(0, 0)
	require.NoError(t, first.wait())
	const n = 2_000
	var records []*kgo.Record
	for i := range n {
		key, value := silenceOf(t, "s"+string(rune('a'+i%26)), "pump-"+strings.Repeat("x", 200))
		records = append(records, &kgo.Record{Topic: commandsTopic, Key: []byte(key), Value: []byte(value)})
	}
	require.NoError(t, b.client.ProduceSync(t.Context(), records...).FirstErr())
	o := b.options(newMemoryStore())
	o.ClientOptions = []kgo.Opt{kgo.FetchMaxPartitionBytes(4 << 10)} // in many polls
	e, err := New(o)
	require.NoError(t, err)
	seen := make(chan int64, 10)
	e.commands.begin(func() { seen <- e.commands.newest().Offset() })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { e.commands.Run(ctx); close(ended) }()
	require.Equal(t, int64(n), <-seen)
	stop()
	<-ended
}

// What a task said in a transaction that was given up was never said: the event that it
// came with is not there, either.
func TestCommandsOfGivenUpTransactions(t *testing.T) {
	b := newBench(t, benchOptions{})
	run := b.start(b.options(newMemoryStore()))
	run.settled(0, 0)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.TransactionalID("another"))
	require.NoError(t, err)
	defer client.Close()
	say := func(name string, end kgo.TransactionEndTry) {
		key, value := silenceOf(t, name, "pump-1")
		require.NoError(t, client.BeginTransaction())
		require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: commandsTopic, Key: []byte(key), Value: []byte(value)}).FirstErr())
		require.NoError(t, client.EndTransaction(t.Context(), end))
	}
	say("given-up", kgo.TryAbort)
	say("committed", kgo.TryCommit)
	eventually(t, "the second is read", func() bool { return run.engine.Commands().Taken > 0 && run.engine.Commands().Offset >= 3 })
	list := run.engine.commands.newest().Silences()
	require.Len(t, list, 1)
	require.Equal(t, "committed", list[0].Name)
	require.NoError(t, run.wait())
}

// What operators say reaches the tasks: alerts are acknowledged and silenced between two
// readings, and the task takes back what is over, in the transaction of the event.
func TestCommandsReachTasks(t *testing.T) {
	b := newBench(t, benchOptions{})
	store := newMemoryStore()
	run := b.start(b.options(store))
	now := time.Now().UnixMilli()
	b.produce(0, reading{"pump-1", now, 90, 1}.String())
	run.settled(0, 1)
	var alert struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(b.read("alerts", 0)[0]), &alert))

	ack := commands.Ack{ID: alert.ID, Rule: "hot", Whose: commands.Whose{Device: "pump-1"}, Author: "kim", Reason: "on it", At: 1}
	b.command(ack.Key(), string(ack.AppendValue(nil)))
	events := func(n int) []string {
		t.Helper()
		eventually(t, "events", func() bool { return len(b.read("alerts", 0)) >= n })
		lines := b.read("alerts", 0)
		require.Len(t, lines, n)
		return lines
	}
	require.Contains(t, events(2)[1], `"acked":{"author":"kim","reason":"on it","at":"1970-01-01T00:00:00.001Z"}`)
	require.Contains(t, events(2)[1], `"reason":"acked"}`)
	key, value := silenceOf(t, "belt", "pump-1")
	b.command(key, value)
	require.Contains(t, events(3)[2], `"suppressed_by":["silence/belt"]`)

	// The next process knows all of it, and says nothing again.
	require.NoError(t, run.wait())
	run = b.start(b.options(store))
	run.settled(0, 1)
	events(3)
	b.command(key, "")
	require.Contains(t, events(4)[3], `"reason":"unsuppressed"}`)
	b.produce(0, reading{"pump-1", now + 1, 50, 2}.String())
	run.settled(0, 2)
	require.Contains(t, events(5)[4], `"state":"resolved"`)
	require.Contains(t, events(5)[4], `"acked":{`)
	eventually(t, "the ack is taken back", func() bool { return len(run.engine.commands.newest().Acks()) == 0 })
	require.Zero(t, run.engine.Totals().Recoveries)
	require.NoError(t, run.wait())
	require.Equal(t, []string{"ack/" + alert.ID, "silence/belt", "silence/belt -", "ack/" + alert.ID + " -"}, b.keys(commandsTopic))
}

// keys are those of the records of a topic's partition 0, marked where they have no value.
func (b *bench) keys(topic string) (keys []string) {
	b.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	require.NoError(b.t, err)
	defer client.Close()
	end, err := committedEnd(context.Background(), b.admin, topic)
	require.NoError(b.t, err)
	for next := int64(0); next < end; {
		client.PollFetches(b.t.(*testing.T).Context()).EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			switch {
			case r.Attrs.IsControl():
			case r.Value == nil:
				keys = append(keys, string(r.Key)+" -")
			default:
				keys = append(keys, string(r.Key))
			}
		})
	}
	return keys
}

const inhibiting = `
name: test
kafka: {brokers: [localhost:9092]}
source: {topic: readings, reading: {device: device, metric: metric, time: ts, unit: ms, value: value, seq: seq}}
time: {wait_for_late: 1s, idle_after: 5s, max_future_skew: 10s}
devices: {roster: fleet.csv}
rules:
  - {name: hot, when: temperature, levels: {critical: {above: 80}}}
  - {name: power, when: voltage, levels: {warning: {below: 200}, critical: {below: 100}}}
inhibit: [{source: {rule: power, level: critical}, target: {rule: hot}, equal: labels.site}]
alerts: {topic: alerts}
commit_interval: 10ms
state: {dir: ./state, forget_after: 1h}
`

// An alert of one task inhibits those of another with the same label, by way of the
// topic, until it ends.
func TestInhibitionBetweenTasks(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "fleet.csv"), []byte("device,site\nfuse,Hamburg\npump,Hamburg\nfan,Kiel\n"), 0o644))
	b := newBench(t, benchOptions{partitions: 2, pipeline: inhibiting, folder: dir})
	run := b.start(b.options(newMemoryStore()))
	now := time.Now().UnixMilli()
	say := func(partition int32, device, metric string, value float64, seq int) {
		b.produce(partition, fmt.Sprintf(`{"device":%q,"metric":%q,"ts":%d,"value":%g,"seq":%d}`, device, metric, now+int64(seq), value, seq))
	}
	events := func(part string, n int) string {
		t.Helper()
		var found []string
		eventually(t, part, func() bool { found = grep(b.read("alerts", 1), part); return len(found) >= n })
		require.Len(t, found, n)
		return found[n-1]
	}
	say(1, "pump", "temperature", 90, 1)
	require.NotContains(t, events(`"rule":"hot","device":"pump"`, 1), "suppressed")
	say(0, "fuse", "voltage", 150, 1) // a warning is not enough
	say(0, "fuse", "voltage", 50, 2)
	said := events(`"rule":"hot","device":"pump"`, 2)
	require.Contains(t, said, `"suppressed_by":["inhibit/power"]`)
	require.Contains(t, said, `"reason":"suppressed"}`)
	say(1, "fan", "temperature", 90, 1)
	require.NotContains(t, events(`"rule":"hot","device":"fan"`, 1), "suppressed", "another site")
	require.NoError(t, run.wait())

	// The next process knows it from the topic, and says nothing again.
	run = b.start(b.options(newMemoryStore()))
	run.settled(1, 2)
	require.Len(t, run.engine.commands.newest().Inhibitors(), 1)
	say(0, "fuse", "voltage", 230, 3)
	require.Contains(t, events(`"rule":"hot","device":"pump"`, 3), `"reason":"unsuppressed"}`)
	eventually(t, "taken back", func() bool { return len(run.engine.commands.newest().Inhibitors()) == 0 })
	require.NoError(t, run.wait())
	require.Zero(t, run.engine.Totals().Recoveries)
}

// Compaction, or a transaction given up, may leave nothing at the end of the topic: it is
// not waited for.
func TestHoleAtTheEndOfCommands(t *testing.T) {
	b := newBench(t, benchOptions{})
	first := b.start(b.options(newMemoryStore()))
	first.settled(0, 0)
	require.NoError(t, first.wait())
	key, value := silenceOf(t, "a", "pump-1")
	b.command(key, value)
	b.cluster.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		req := r.(*kmsg.ListOffsetsRequest)
		b.cluster.KeepControl()
		if req.Topics[0].Topic != commandsTopic || req.Topics[0].Partitions[0].Timestamp != -1 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		topic, partition := kmsg.NewListOffsetsResponseTopic(), kmsg.NewListOffsetsResponseTopicPartition()
		topic.Topic, partition.Offset = commandsTopic, 5
		topic.Partitions = append(topic.Partitions, partition)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	e, err := New(b.options(newMemoryStore()))
	require.NoError(t, err)
	e.commands.patience = 50 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	eventually(t, "live", e.Ready)
	require.Len(t, e.commands.newest().Silences(), 1)
	b.produce(0, reading{"pump-1", time.Now().UnixMilli(), 90, 1}.String())
	eventually(t, "silenced", func() bool { return len(grep(b.read("alerts", 0), `"suppressed_by":["silence/a"]`)) == 1 })
	stop()
	require.NoError(t, <-ended)
}
