package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
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

// patient is testPipeline without silence: its outputs depend on the readings
// alone, so that two runs can be compared byte by byte.
var patient = strings.NewReplacer("idle_after: 5s", "idle_after: 10m").Replace(testPipeline)

// history is n readings of a few devices, minutes in the past: temperatures that
// cross the rule's threshold now and then, each 20th reading repeated.
func history(n int) []string {
	r := rand.New(rand.NewPCG(7, 7))
	start := time.Now().Add(-30*time.Minute).UnixMilli() / 1000 * 1000
	var lines []string
	for i := range n {
		device := i % 7
		line := reading{fmt.Sprintf("pump-%d", device), start + int64(i)*40, float64(40 + r.IntN(50)), i / 7}.String()
		lines = append(lines, line)
		if i%20 == 19 {
			lines = append(lines, line)
		}
	}
	return lines
}

// uninterrupted is what an engine makes of the lines when nothing goes wrong.
func uninterrupted(t *testing.T, lines []string) (aggregates, alerts []string) {
	t.Helper()
	b := newBench(t, benchOptions{pipeline: patient})
	b.produce(0, lines...)
	run := b.start(b.options(newMemoryStore()))
	run.settled(0, int64(len(lines)))
	require.NoError(t, run.wait())
	aggregates, alerts = b.read("aggregates", 0), b.read("alerts", 0)
	require.NotEmpty(t, aggregates)
	require.NotEmpty(t, alerts)
	return aggregates, alerts
}

// sameOutputs compares a disturbed run with the uninterrupted one.
func (b *bench) sameOutputs(lines []string) {
	b.t.Helper()
	aggregates, alerts := uninterrupted(b.t.(*testing.T), lines)
	sameLines(b.t, "aggregates", aggregates, b.read("aggregates", 0))
	sameLines(b.t, "alerts", timeless(alerts), timeless(b.read("alerts", 0)))
}

// timeless are alerts without the clock of their task, which is that of the brokers and
// so another one in every run.
func timeless(alerts []string) (list []string) {
	for _, a := range alerts {
		before, clock, found := strings.Cut(a, `"task":"`)
		if _, after, ok := strings.Cut(clock, `"`); found && ok {
			a = before + after
		}
		list = append(list, a)
	}
	return list
}

// sameLines compares record by record and shows the first difference only.
func sameLines(t testing.TB, what string, want, have []string) {
	t.Helper()
	for i := range min(len(want), len(have)) {
		if byItself(want[i]) != byItself(have[i]) {
			require.Failf(t, what+" differ", "record %d of %d (%d):\nwant %s\nhave %s", i, len(want), len(have), want[i], have[i])
		}
	}
	require.Len(t, have, len(want), what)
}

// byItself is an output without the clock of its task, which is of the brokers: two runs
// append at different times.
func byItself(line string) string {
	before, after, found := strings.Cut(line, `,"task":"`)
	if _, rest, ok := strings.Cut(after, `"`); found && ok {
		return before + rest
	}
	return line
}

// PROTOCOL 3 and 6: whatever step a process freezes at, its successor finishes
// the work, and the frozen one, waking up as a zombie, changes nothing.
func TestFreezeAtEveryStep(t *testing.T) {
	for _, c := range []struct {
		point string
		at    int32 // which time it is reached; 1: the first commit of all
	}{
		{"begun", 1}, {"produced", 1}, {"offset_sent", 1}, {"ended", 1}, {"confirmed", 1}, {"flushed", 1}, {"marked", 1},
		{"begun", 2}, {"produced", 2}, {"offset_sent", 2}, {"ended", 2}, {"confirmed", 2},
	} {
		t.Run(fmt.Sprintf("%s %d", c.point, c.at), func(t *testing.T) {
			t.Parallel()
			point, at := c.point, c.at
			lines := history(2_000)
			b := newBench(t, benchOptions{pipeline: patient})
			store := newMemoryStore()
			o := b.options(store)
			frozen, thaw := make(chan struct{}), make(chan struct{})
			var once sync.Once
			var hits atomic.Int32
			o.Failpoint = func(p string, _ int32) {
				if p == point && hits.Add(1) == at {
					once.Do(func() { close(frozen) })
					<-thaw
				}
			}
			zombie := b.start(o)
			go func() {
				for i := 0; i < len(lines); i += 100 {
					b.produce(0, lines[i:min(i+100, len(lines))]...)
				}
			}()
			select {
			case <-frozen:
			case <-time.After(60 * time.Second):
				require.Fail(t, "never reached "+point)
			}
			next := b.start(b.options(store.copy()))
			next.settled(0, int64(len(lines)))
			close(thaw)
			err := zombie.ended(t)
			var refused *RefusedError
			require.ErrorAs(t, err, &refused, "a process whose seat was taken must say so")
			require.NoError(t, next.wait())
			b.sameOutputs(lines)
		})
	}
}

// PROTOCOL 2: a crash in the middle of recovery is a crash like any other.
func TestFreezeInRecovery(t *testing.T) {
	for _, point := range []string{"restoring", "replaying"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			lines := history(1_000)
			b := newBench(t, benchOptions{pipeline: patient})
			b.produce(0, lines[:500]...)
			first := b.start(b.options(newMemoryStore()))
			first.settled(0, 500)
			require.NoError(t, first.wait())

			frozen, thaw := make(chan struct{}), make(chan struct{})
			var once sync.Once
			o := b.options(newMemoryStore()) // the disk is lost: everything comes from the journal
			o.Failpoint = func(p string, _ int32) {
				if p == point {
					once.Do(func() { close(frozen) })
					<-thaw
				}
			}
			zombie := b.start(o)
			<-frozen
			next := b.start(b.options(newMemoryStore()))
			b.produce(0, lines[500:]...)
			next.settled(0, int64(len(lines)))
			close(thaw)
			require.Error(t, zombie.ended(t))
			require.NoError(t, next.wait())
			b.sameOutputs(lines)
		})
	}
}

// PROTOCOL 3: errors of the broker at every request of a transaction neither
// lose nor repeat anything.
func TestBrokerErrorsInTransaction(t *testing.T) {
	for _, fault := range []struct {
		name string
		kfake.Fault
	}{
		{"produce refused", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "aggregates", Err: kerr.InvalidRecord}},
		{"journal refused", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "weir.test.journal", Err: kerr.InvalidRecord}},
		{"produce timed out though appended", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "alerts", Err: kerr.RequestTimedOut}},
		{"not enough replicas after append", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "alerts", Err: kerr.NotEnoughReplicasAfterAppend}},
		{"offset: illegal generation", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration}},
		{"offset: rebalance", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.RebalanceInProgress}},
		{"offset: coordinator moves", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.NotCoordinator}},
		{"offset: unknown member", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.UnknownMemberID}},
		{"offset: abortable", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.TransactionAbortable}},
		{"end: timed out though done", kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.RequestTimedOut}},
		{"end: unknown error", kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError}},
		{"end: fenced", kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.ProducerFenced}},
		{"end: coordinator loads", kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.CoordinatorLoadInProgress}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			lines := history(1_500)
			b := newBench(t, benchOptions{pipeline: patient})
			run := b.start(b.options(newMemoryStore()))
			b.produce(0, lines[:500]...)
			run.settled(0, 500)
			fault.Fault.Count = 2
			handle := b.cluster.Fault(fault.Fault)
			b.produce(0, lines[500:]...)
			require.NoError(t, waitHits(handle, 1))
			run.settled(0, int64(len(lines)))
			require.NoError(t, run.wait())
			b.sameOutputs(lines)
		})
	}
}

// Brokers that still write the end of the last transaction send a producer
// away with CONCURRENT_TRANSACTIONS. It has to come back soon, not when its
// metadata is old.
func TestBusyTransactionDelaysShortly(t *testing.T) {
	t.Parallel()
	b := newBench(t, benchOptions{pipeline: patient})
	run := b.start(b.options(newMemoryStore()))
	b.produce(0, history(20)...)
	run.settled(0, 20)
	handle := b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "weir.test.journal", Err: kerr.ConcurrentTransactions, Count: 2})
	began := time.Now()
	b.produce(0, history(20)...)
	require.NoError(t, waitHits(handle, 2))
	run.settled(0, 40)
	require.Less(t, time.Since(began), 3*time.Second)
	require.NoError(t, run.wait())
}

func waitHits(h *kfake.FaultHandle, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	return h.Wait(ctx, n)
}

// PROTOCOL 3.4: the reply to EndTxn is cut, once before the broker acted and
// once after: only its offset decides.
// replyCutter is a dialer whose connections lose the reply to the next request of
// a kind: the broker has acted, and the client does not hear.
type replyCutter struct {
	key   kmsg.Key
	armed atomic.Bool
	cut   chan struct{}
}

func (c *replyCutter) dial(ctx context.Context, network, host string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, host)
	return &cutConn{Conn: conn, cutter: c}, err
}

type cutConn struct {
	net.Conn
	cutter *replyCutter
	losing atomic.Bool
}

func (c *cutConn) Write(b []byte) (int, error) {
	if len(b) > 6 && int16(binary.BigEndian.Uint16(b[4:])) == int16(c.cutter.key) && c.cutter.armed.CompareAndSwap(true, false) {
		c.losing.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.losing.CompareAndSwap(true, false) {
		close(c.cutter.cut)
		c.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}

// PROTOCOL 3.4: the broker commits, the reply is lost, and asking again gives an
// error: sending the batch again would commit it twice.
func TestCommitUnheard(t *testing.T) {
	lines := history(1_000)
	b := newBench(t, benchOptions{pipeline: patient})
	o := b.options(newMemoryStore())
	cutter := &replyCutter{key: kmsg.EndTxn, cut: make(chan struct{})}
	o.ClientOptions = append(o.ClientOptions, kgo.Dialer(cutter.dial))
	run := b.start(o)
	b.produce(0, lines[:500]...)
	run.settled(0, 500)
	failed := false
	b.cluster.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		select {
		case <-cutter.cut:
		default:
			return nil, nil, false
		}
		if failed {
			return nil, nil, false
		}
		failed = true
		resp := req.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode = kerr.UnknownServerError.Code
		return resp, nil, true
	})
	cutter.armed.Store(true)
	b.produce(0, lines[500:]...)
	<-cutter.cut
	run.settled(0, int64(len(lines)))
	require.NoError(t, run.wait())
	b.sameOutputs(lines)
}

func TestEndTxnReplyCut(t *testing.T) {
	for _, acted := range []bool{false, true} {
		t.Run(fmt.Sprintf("acted=%t", acted), func(t *testing.T) {
			t.Parallel()
			lines := history(1_000)
			b := newBench(t, benchOptions{pipeline: patient})
			run := b.start(b.options(newMemoryStore()))
			b.produce(0, lines[:500]...)
			run.settled(0, 500)
			cut := make(chan struct{})
			if acted {
				// The broker acts on a request whose sender has hung up: the frozen
				// sender below is dropped right after its request went out.
				b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.RequestTimedOut, Count: 3})
				close(cut)
			} else {
				b.cluster.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
					close(cut)
					return nil, errors.New("cut"), true
				})
			}
			b.produce(0, lines[500:]...)
			<-cut
			run.settled(0, int64(len(lines)))
			require.NoError(t, run.wait())
			if acted {
				require.Positive(t, run.engine.Totals().Recoveries, "an unclear end drops the task")
			}
			b.sameOutputs(lines)
		})
	}
}
