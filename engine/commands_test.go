package engine

import (
	"context"
	"errors"
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
