package outlets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/internal/brokers"
)

const (
	within = 30 * time.Second
	poll   = 2 * time.Millisecond
)

// feed writes alerts as a task does: in transactions, keyed by device.
type feed struct {
	t      testing.TB
	k      *brokers.Kafka
	client *kgo.Client
	n      int
	sent   map[string][]string // ids by device, in order
}

func newFeed(t testing.TB, partitions int) *feed {
	t.Helper()
	k, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"alerts"}, Partitions: partitions})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	c, err := kgo.NewClient(kgo.SeedBrokers(k.Addr()), kgo.TransactionalID("task"), kgo.DefaultProduceTopic("alerts"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &feed{t: t, k: k, client: c, sent: map[string][]string{}}
}

func (f *feed) record(pipeline, device string, padding int) *kgo.Record {
	f.n++
	value, err := json.Marshal(map[string]any{
		"schema": Schema, "id": strconv.Itoa(f.n), "pipeline": pipeline, "rule": "hot", "device": device, "status": "firing", "level": "warning",
		"labels": map[string]string{"device": device}, "annotations": map[string]string{"summary": fmt.Sprintf("%*s", padding, "")},
	})
	require.NoError(f.t, err)
	return &kgo.Record{Key: []byte(device), Value: value, Headers: []kgo.RecordHeader{{Key: "weir-seq", Value: []byte(strconv.Itoa(f.n))}}}
}

// commit writes records in one transaction.
func (f *feed) commit(records ...*kgo.Record) {
	f.t.Helper()
	f.write(kgo.TryCommit, records)
}

func (f *feed) write(end kgo.TransactionEndTry, records []*kgo.Record) {
	f.t.Helper()
	require.NoError(f.t, f.client.BeginTransaction())
	require.NoError(f.t, f.client.ProduceSync(context.Background(), records...).FirstErr())
	require.NoError(f.t, f.client.EndTransaction(context.Background(), end))
}

// alerts writes n alerts of some devices, a few in each transaction.
func (f *feed) alerts(n, devices int) {
	f.t.Helper()
	var records []*kgo.Record
	for i := range n {
		device := "d" + strconv.Itoa(i%devices)
		records = append(records, f.record("p", device, 0))
		f.sent[device] = append(f.sent[device], strconv.Itoa(f.n))
		if len(records) == 7 || i == n-1 {
			f.commit(records...)
			records = nil
		}
	}
}

// receiver remembers what it got.
type receiver struct {
	mu       sync.Mutex
	got      map[string][]string // ids by device, in order
	total    int
	fail     func(total int) error // asked before each alert
	repeats  bool                  // its lines are Repeaters
	recalled []string              // ids
	hold     map[string]int64      // offsets by id that a later life needs
	opened   int
}

func newReceiver() *receiver { return &receiver{got: map[string][]string{}, hold: map[string]int64{}} }

func (r *receiver) Open(int32) Line {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened++
	if r.repeats {
		return &repeatedLine{receivedLine{r}}
	}
	return &receivedLine{r}
}

func (r *receiver) Close() {}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

func (r *receiver) failWith(fail func(total int) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

// devices returns a copy of what it got, each id once, in the order of its first arrival.
func (r *receiver) devices() map[string][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	once := map[string][]string{}
	for device, ids := range r.got { // unordered: each by itself
		seen := map[string]bool{}
		for _, id := range ids {
			if !seen[id] {
				once[device] = append(once[device], id)
			}
			seen[id] = true
		}
	}
	return once
}

type receivedLine struct{ r *receiver }

func (l *receivedLine) Deliver(_ context.Context, batch []*Alert) (Result, error) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	for i, a := range batch {
		if l.r.fail != nil {
			if err := l.r.fail(l.r.total); err != nil {
				return Result{Done: i}, err
			}
		}
		l.r.total++
		l.r.got[a.Device] = append(l.r.got[a.Device], a.ID)
		if l.r.repeats && a.Status == "firing" {
			l.r.hold[a.ID] = a.Offset
		}
	}
	return Result{Done: len(batch)}, nil
}

type repeatedLine struct{ receivedLine }

func (l *repeatedLine) Recall(a *Alert) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.r.recalled = append(l.r.recalled, a.ID)
}

func (l *repeatedLine) Recalled()                           {}
func (l *repeatedLine) Due() (time.Time, bool)              { return time.Time{}, false }
func (l *repeatedLine) Repeat(context.Context) (int, error) { return 0, nil }

func (l *repeatedLine) Oldest() (int64, bool) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	oldest, found := int64(0), false
	for _, offset := range l.r.hold { // unordered: the least
		if !found || offset < oldest {
			oldest, found = offset, true
		}
	}
	return oldest, found
}

func (f *feed) options(r Receiver) Options {
	return Options{
		Pipeline: "p", Topic: "alerts", Group: "weir.p.alerts.test", Instance: "one", Receiver: r,
		Client:   []kgo.Opt{kgo.SeedBrokers(f.k.Addr()), kgo.MetadataMinAge(10 * time.Millisecond)},
		RetryMin: time.Millisecond, RetryMax: 10 * time.Millisecond, LagEvery: 20 * time.Millisecond,
	}
}

// run runs an outlet until the returned function is called or the test ends.
func run(t testing.TB, o Options) (*Outlet, func()) {
	t.Helper()
	outlet, err := New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- outlet.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			assert.NoError(t, err)
		case <-time.After(within):
			assert.Fail(t, "the outlet does not stop")
		}
	})
	t.Cleanup(stop)
	return outlet, stop
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, within, poll, what)
}

// committed is what the group has committed: offset and text by partition.
func (f *feed) committed() map[int32]kadm.Offset {
	f.t.Helper()
	all, err := kadm.NewClient(f.client).FetchOffsets(context.Background(), "weir.p.alerts.test")
	require.NoError(f.t, err)
	found := map[int32]kadm.Offset{}
	for p, o := range all["alerts"] {
		if o.At >= 0 {
			found[p] = o.Offset
		}
	}
	return found
}

var errDead = errors.New("nobody there")

func dead(int) error { return errDead }
