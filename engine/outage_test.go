package engine

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// gate is a dialer whose connections can be made to swallow everything, as a
// network does that is cut without a word.
type gate struct{ closed atomic.Bool }

func (g *gate) dial(ctx context.Context, network, host string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	return &gatedConn{Conn: c, gate: g}, nil
}

type gatedConn struct {
	net.Conn
	gate *gate
}

func (c *gatedConn) Write(p []byte) (int, error) {
	if c.gate.closed.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// PROTOCOL 6: a stop ends also when the brokers have fallen silent with a
// transaction under way; nothing is lost by it.
func TestStopWhileBrokersAreSilent(t *testing.T) {
	t.Parallel()
	lines := history(600)
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	o := b.options(store)
	g := &gate{}
	o.ClientOptions = []kgo.Opt{kgo.Dialer(g.dial)}
	cut := make(chan struct{})
	var once sync.Once
	run := b.start(o)
	b.produce(0, lines[:300]...)
	run.settled(0, 300)
	b.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		if r := req.(*kmsg.ProduceRequest); r.TransactionID == nil || g.closed.Load() {
			return nil, nil, false
		}
		g.closed.Store(true)
		once.Do(func() { close(cut) })
		return nil, nil, true // never answered
	})
	b.produce(0, lines[300:]...)
	<-cut
	stopped := make(chan struct{})
	go func() { run.wait(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(60 * time.Second):
		require.Fail(t, "the stop hangs")
	}
	b.fold(store)
	b.sameOutputs(lines)
}

// PROTOCOL 8: a topic that is replaced under a running pipeline is refused, not
// waited for.
func TestSourceRecreatedWhileRunning(t *testing.T) {
	t.Parallel()
	b := newBench(t, benchOptions{pipeline: patient})
	run := b.start(b.options(newMemoryStore()))
	b.produce(0, history(20)...)
	run.settled(0, 21)
	require.NoError(t, b.cluster.DeleteTopic("readings"))
	require.NoError(t, b.cluster.CreateTopic("readings", 1, map[string]string{"message.timestamp.type": "LogAppendTime"}))
	err := run.ended(t)
	var refused *RefusedError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "while the pipeline ran")
}

// Kafka's limit is one of batches: many small outputs must not make one that the
// topic refuses.
func TestTopicWithSmallBatches(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	require.NoError(t, b.cluster.CreateTopic("aggregates", 1, map[string]string{"max.message.bytes": "5000"}))
	lines := history(2_000)
	b.fold(newMemoryStore(), lines...)
	b.sameOutputs(lines)
}

// Ready is said only when every owned task is live; one that keeps failing is
// not forgotten, and its counters do not vanish.
func TestNotReadyWhileOneTaskIsDown(t *testing.T) {
	t.Parallel()
	b := newBench(t, benchOptions{pipeline: patient, partitions: 2})
	run := b.start(b.options(newMemoryStore()))
	b.produce(1, history(20)...)
	run.settled(0, 0)
	run.settled(1, 21)
	before := run.engine.Status()[1].Counters
	b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit, kmsg.InitProducerID}, TxnID: "weir.test.1", Err: kerr.UnknownServerError, Count: -1})
	b.produce(1, history(20)...)
	eventually(t, "the task is down", func() bool { return !run.engine.Ready() })
	for range 100 {
		require.False(t, run.engine.Ready())
		require.Len(t, run.engine.Status(), 2)
		require.Equal(t, before, run.engine.Status()[1].Counters)
		<-time.After(2 * time.Millisecond)
	}
	run.wait()
}

// A stop before the brokers ever answered is a clean one.
func TestStopWhileWaitingForBrokers(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	o := b.options(newMemoryStore())
	o.Brokers = []string{"127.0.0.1:1"}
	run := b.start(o)
	select {
	case err := <-run.end:
		require.Failf(t, "ended by itself", "%v", err)
	case <-time.After(700 * time.Millisecond): // it has tried once and waits
	}
	require.NoError(t, run.wait())
}
