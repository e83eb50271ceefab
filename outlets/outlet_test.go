package outlets

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestEachAlertArrivesInOrderAndOnlyWhatIsNewAfterARestart(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 3)
	f.alerts(200, 10)
	f.write(kgo.TryAbort, []*kgo.Record{f.record("p", "d0", 0)})
	f.commit(f.record("other", "d0", 0), &kgo.Record{Key: []byte("d0"), Value: []byte("no JSON")},
		&kgo.Record{Key: []byte("d0"), Value: []byte(`{"schema":"weir.oversize/1","pipeline":"p"}`)})
	r := newReceiver()
	o, stop := run(t, f.options(r))
	eventually(t, "the first 200", func() bool { return r.count() >= 200 && o.Counts().Lag == 0 })
	stop()
	require.Equal(t, f.sent, r.devices())
	require.Equal(t, Counts{Delivered: 200, Refused: 1}, o.Counts())

	f.alerts(50, 10)
	o, _ = run(t, f.options(r))
	eventually(t, "the next 50", func() bool { return r.count() >= 250 && o.Counts().Lag == 0 })
	require.Equal(t, f.sent, r.devices())
	require.EqualValues(t, 50, o.Counts().Delivered, "what was committed does not come again")
}

func TestADeadReceiverLosesNothingAndHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 2)
	well, sick := newReceiver(), newReceiver()
	sick.failWith(dead)
	a, _ := run(t, f.options(well))
	options := f.options(sick)
	options.Group += ".sick"
	b, stop := run(t, options)
	f.alerts(300, 5)
	eventually(t, "the receiver that is well", func() bool { return well.count() == 300 && a.Counts().Lag == 0 })
	eventually(t, "the lag of the one that is not", func() bool { return b.Counts().Lag >= 300 && b.Counts().Failed > 3 })
	require.Zero(t, sick.count())
	stop()
	require.Zero(t, b.Counts().Delivered)

	b, _ = run(t, options)
	f.alerts(100, 5)
	// It comes back, and fails now and then.
	tries := 0
	sick.failWith(func(int) error {
		if tries++; tries%17 == 0 {
			return errDead
		}
		return nil
	})
	eventually(t, "all of it in the end", func() bool { return sick.count() >= 400 && b.Counts().Lag == 0 })
	require.Equal(t, f.sent, sick.devices())
	require.Equal(t, 400, sick.count(), "what was done before a failure is not done again")
	eventually(t, "the other", func() bool { return well.count() == 400 })
}

// What a receiver holds up is waited for once, and not once for each partition.
func TestAllPartitionsStopAtOnce(t *testing.T) {
	t.Parallel()
	const partitions = 6
	f := newFeed(t, partitions)
	r := &stuck{within: within, entered: make(chan struct{}, partitions)}
	r.ending.Add(partitions)
	_, stop := run(t, f.options(r))
	f.alerts(300, 50)
	for range partitions {
		<-r.entered
	}
	stop()
	require.False(t, r.alone.Load(), "a delivery was told to end while others were not")
}

// stuck is a receiver whose deliveries end once all of them are told to.
type stuck struct {
	within  time.Duration
	entered chan struct{}
	ending  sync.WaitGroup
	alone   atomic.Bool
}

func (s *stuck) Open(int32) Line { return s }

func (s *stuck) Close() {}

func (s *stuck) Deliver(ctx context.Context, _ []*Alert) (Result, error) {
	s.entered <- struct{}{}
	<-ctx.Done()
	s.ending.Done()
	all := make(chan struct{})
	go func() { s.ending.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(s.within):
		s.alone.Store(true)
	}
	return Result{}, ctx.Err()
}

// Nothing is committed that the receiver does not have, and what it may need again stays before the commit.
func TestWhatALaterLifeNeedsIsReadAgain(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 1)
	r := newReceiver()
	r.repeats = true
	o, stop := run(t, f.options(r))
	f.alerts(5, 1)
	eventually(t, "five", func() bool { return r.count() == 5 && o.Counts().Lag == 0 })
	stop()
	c := f.committed()[0]
	assert.Zero(t, c.At)
	assert.Equal(t, "delivered=6", c.Metadata, "five records and the marker of their transaction")

	// Only the third is still needed.
	r.mu.Lock()
	r.hold = map[string]int64{"3": 2}
	r.mu.Unlock()
	o, stop = run(t, f.options(r))
	f.alerts(1, 1)
	eventually(t, "the sixth", func() bool { return r.count() == 6 && o.Counts().Lag == 0 })
	stop()
	assert.Equal(t, []string{"1", "2", "3", "4", "5"}, r.recalled)
	c = f.committed()[0]
	assert.EqualValues(t, 2, c.At)
	assert.Equal(t, "delivered=8", c.Metadata)

	r.mu.Lock()
	r.hold, r.recalled = map[string]int64{}, nil
	r.mu.Unlock()
	_, stop = run(t, f.options(r))
	eventually(t, "the recall", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.recalled) == 4 })
	stop()
	assert.Equal(t, []string{"3", "4", "5", "6"}, r.recalled)
	require.Equal(t, f.sent, r.devices())
	require.Equal(t, 6, r.count())
}

func TestProcessesShareThePartitions(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 4)
	one, two := newReceiver(), newReceiver()
	a, stop := run(t, f.options(one))
	f.alerts(100, 20)
	eventually(t, "one has all", func() bool { return one.count() == 100 && a.Counts().Lag == 0 })
	second := f.options(two)
	second.Instance = "two"
	b, _ := run(t, second)
	eventually(t, "two has some partitions", func() bool { two.mu.Lock(); defer two.mu.Unlock(); return two.opened == 2 })
	f.alerts(200, 20)
	eventually(t, "both work", func() bool { return one.count()+two.count() >= 300 && a.Counts().Lag == 0 && b.Counts().Lag == 0 })
	require.NotZero(t, two.count())
	stop()
	f.alerts(100, 20)
	eventually(t, "two has the rest", func() bool { return one.count()+two.count() >= 400 && b.Counts().Lag == 0 })
	for device, want := range f.sent {
		var all []string
		for _, id := range append(one.devices()[device], two.devices()[device]...) {
			if len(all) == 0 || number(t, id) > number(t, all[len(all)-1]) {
				all = append(all, id)
			}
		}
		require.Equal(t, want, all, device)
	}
}

func number(t *testing.T, id string) int {
	t.Helper()
	n, err := strconv.Atoi(id)
	require.NoError(t, err)
	return n
}

// However much waits for a dead receiver, little of it is in memory.
func TestAQueueIsBounded(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 1)
	for range 40 {
		var records []*kgo.Record
		for range 50 {
			records = append(records, f.record("p", "d", 5_000))
		}
		f.commit(records...)
	}
	r := newReceiver()
	r.failWith(dead)
	o, _ := run(t, f.options(r))
	eventually(t, "the lag is known", func() bool { return o.Counts().Lag >= 2000 && o.Counts().Failed > 3 })
	eventually(t, "it is fetched no more", func() bool { return o.client != nil && len(o.client.PauseFetchPartitions(nil)["alerts"]) == 1 })
	o.mu.Lock()
	w := o.workers[0]
	o.mu.Unlock()
	w.mu.Lock()
	held := w.bytes
	w.mu.Unlock()
	assert.Less(t, held, maxQueued+fetchAll+(1<<20))
	assert.Less(t, held, 6<<20, "of 10 MB")
	r.failWith(nil)
	eventually(t, "all of it arrives", func() bool { return r.count() == 2000 && o.Counts().Lag == 0 })
}

func TestTheTopicMayComeLater(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 1)
	r := newReceiver()
	options := f.options(r)
	options.Topic = "later"
	o, _ := run(t, options)
	_, err := kadm.NewClient(f.client).CreateTopic(t.Context(), 1, 1, nil, "later")
	require.NoError(t, err)
	record := f.record("p", "d", 0)
	record.Topic = "later"
	f.commit(record)
	eventually(t, "it arrives", func() bool { return r.count() == 1 && o.Counts().Lag == 0 })
}

// What is committed may be ahead of the topic, after a loss on the brokers: then it says nothing.
func TestATopicThatIsShorterThanWhatIsCommitted(t *testing.T) {
	t.Parallel()
	for _, c := range []kadm.Offset{
		{Topic: "alerts", At: 1, LeaderEpoch: -1, Metadata: "delivered=500"},
		{Topic: "alerts", At: 400, LeaderEpoch: -1, Metadata: "delivered=500"},
	} {
		f := newFeed(t, 1)
		f.alerts(5, 1)
		offsets := kadm.Offsets{}
		offsets.Add(c)
		_, err := kadm.NewClient(f.client).CommitOffsets(t.Context(), "weir.p.alerts.test", offsets)
		require.NoError(t, err)
		r := newReceiver()
		o, stop := run(t, f.options(r))
		eventually(t, "what there is from the offset on", func() bool { return r.count() == 5-int(c.At%2) && o.Counts().Lag == 0 })
		stop()
		require.Equal(t, "delivered=6", f.committed()[0].Metadata)
	}
}

func TestTemplates(t *testing.T) {
	a := &Alert{Device: "a/b", Rule: "hot", Pipeline: "p", Labels: map[string]string{"site": "n"}}
	upper := strings.ToUpper
	for text, want := range map[string]string{
		"":                            "",
		"alerts/{{device}}":           "alerts/A/B",
		"{{ rule }}-{{pipeline}}":     "HOT-P",
		"{{labels.site}}{{level}}x":   "Nokx",
		"{{labels.none}}":             "",
		"}} {device} {{labels.site}}": "}} {device} N",
	} {
		tmpl, err := ParseTemplate(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, tmpl.Expand(a, upper), text)
	}
	for _, text := range []string{"{{device", "{{value}}", "{{}}"} {
		_, err := ParseTemplate(text)
		assert.Error(t, err, text)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{}, {Pipeline: "p", Topic: "t", Group: "g", Instance: "i"}} {
		_, err := New(o)
		assert.Error(t, err)
	}
}
