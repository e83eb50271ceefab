package mqtt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/ingest"
	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/ingest/mqtt"
	"github.com/weirstream/weir/internal/brokers"
)

var _ mqtt.Producer = (*kafka.Producer)(nil)

const (
	within = 30 * time.Second
	poll   = 2 * time.Millisecond
)

func startMQTT(t testing.TB, port int) *brokers.MQTT {
	t.Helper()
	m, err := brokers.StartMQTT(brokers.MQTTOptions{Port: port})
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func startKafka(t testing.TB) (*brokers.Kafka, *kafka.Producer) {
	t.Helper()
	k, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 4})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	p, err := kafka.OpenProducer(kafka.ProducerOptions{Topic: "readings", Client: []kgo.Opt{kgo.SeedBrokers(k.Addr())}})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return k, p
}

// options bridges plant/<device>; it reconnects at once unless told otherwise.
func options(url string) mqtt.Options {
	return mqtt.Options{
		Broker: url, ClientID: "weir", Device: "{topic.1}",
		Subscribe:    []mqtt.Subscription{{Filter: "plant/#", QoS: 1}},
		ReconnectMin: time.Millisecond, ReconnectMax: 5 * time.Millisecond,
	}
}

// run runs a bridge until the returned function is called or the test ends.
func run(t testing.TB, o mqtt.Options, p mqtt.Producer) (*mqtt.Bridge, func()) {
	t.Helper()
	b, err := mqtt.New(o, p)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			assert.NoError(t, err)
		case <-time.After(within):
			assert.Fail(t, "the bridge does not stop")
		}
	})
	t.Cleanup(stop)
	return b, stop
}

func connected(t testing.TB, b *mqtt.Bridge) {
	t.Helper()
	require.Eventually(t, func() bool { return b.Counts().Connected }, within, poll)
}

func dial(t testing.TB, url string) paho.Client {
	t.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID("gateway"))
	token := c.Connect()
	require.True(t, token.WaitTimeout(within))
	require.NoError(t, token.Error())
	t.Cleanup(func() { c.Disconnect(10) })
	return c
}

// publish sends numbered messages of some devices and waits for them to be
// acknowledged; each is called before each message.
func publish(t *testing.T, c paho.Client, devices, n int, each func(i int)) {
	t.Helper()
	var tokens []paho.Token
	for i := range n {
		if each != nil {
			each(i)
		}
		tokens = append(tokens, c.Publish(fmt.Sprintf("plant/d%d", i%devices), 1, false, strconv.Itoa(i)))
	}
	for _, token := range tokens {
		require.True(t, token.WaitTimeout(within))
		require.NoError(t, token.Error())
	}
}

// readTopic reads the source topic until it holds n different values.
func readTopic(t *testing.T, k *brokers.Kafka, n int) []*kgo.Record {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(k.Addr()), kgo.ConsumeTopics("readings"))
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	var records []*kgo.Record
	values := map[string]bool{}
	for len(values) < n {
		fetches := c.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "%d of %d values", len(values), n)
		for _, r := range fetches.Records() {
			values[string(r.Value)] = true
			records = append(records, r)
		}
	}
	return records
}

// assertOrder checks that every value 0..n-1 is there, on its device, and that
// within a device the first sight of each is in order.
func assertOrder(t *testing.T, keys, values []string, devices, n int) {
	t.Helper()
	next := map[string]int{}
	seen := map[int]bool{}
	for i, value := range values {
		v, err := strconv.Atoi(value)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("d%d", v%devices), keys[i])
		if seen[v] {
			continue
		}
		seen[v] = true
		require.Equal(t, next[keys[i]], v/devices, "device %s out of order", keys[i])
		next[keys[i]]++
	}
	require.Len(t, seen, n, "values are missing")
}

func split(records []*kgo.Record) (keys, values []string) {
	for _, r := range records {
		keys, values = append(keys, string(r.Key)), append(values, string(r.Value))
	}
	return keys, values
}

func TestMessagesArriveInOrderUntouched(t *testing.T) {
	m := startMQTT(t, 0)
	k, p := startKafka(t)
	b, stop := run(t, options(m.URL()), p)
	connected(t, b)
	const devices, n = 7, 1000
	publish(t, dial(t, m.URL()), devices, n, nil)
	records := readTopic(t, k, n)
	require.Len(t, records, n)
	partition, err := kafka.Partitioner("murmur2")
	require.NoError(t, err)
	for _, r := range records {
		require.EqualValues(t, partition(r.Key, 4), r.Partition)
		require.Equal(t, []kgo.RecordHeader{{Key: ingest.DeviceHeader, Value: r.Key}}, r.Headers)
	}
	keys, values := split(records)
	assertOrder(t, keys, values, devices, n)
	stop()
	assert.Equal(t, mqtt.Counts{Received: n, Produced: n, Acked: n}, b.Counts())
	assert.Zero(t, m.Waiting("weir"))
}

func TestConnectionKilledAgainAndAgain(t *testing.T) {
	m := startMQTT(t, 0)
	k, p := startKafka(t)
	b, stop := run(t, options(m.URL()), p)
	connected(t, b)
	const devices, n, kills = 5, 4000, 20
	dropped := 0
	publish(t, dial(t, m.URL()), devices, n, func(i int) {
		if i%(n/kills) == n/kills/2 {
			require.Eventually(t, func() bool { return m.Drop("weir") }, within, poll)
			dropped++
		}
	})
	keys, values := split(readTopic(t, k, n))
	assertOrder(t, keys, values, devices, n)
	require.Eventually(t, func() bool { return m.Waiting("weir") == 0 }, within, poll)
	stop()
	assert.Equal(t, kills, dropped)
	// One that was cut before the bridge knew of it is not counted.
	assert.GreaterOrEqual(t, b.Counts().Reconnects, int64(kills/2))
}

func TestKafkaRefusesNowAndThen(t *testing.T) {
	m := startMQTT(t, 0)
	k, p := startKafka(t)
	b, stop := run(t, options(m.URL()), p)
	connected(t, b)
	const devices, n, refusals = 5, 2000, 5
	publish(t, dial(t, m.URL()), devices, n, func(i int) {
		if i%(n/refusals) == 10 {
			k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "readings", Err: kerr.InvalidRecord})
		}
	})
	keys, values := split(readTopic(t, k, n))
	seen := map[string]bool{}
	for i, v := range values {
		number, err := strconv.Atoi(v)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("d%d", number%devices), keys[i])
		seen[v] = true
	}
	assert.Len(t, seen, n)
	require.Eventually(t, func() bool { return m.Waiting("weir") == 0 }, within, poll)
	stop()
	counts := b.Counts()
	assert.Positive(t, counts.Failed)
	assert.Positive(t, counts.Reconnects)
	assert.Equal(t, counts.Received, counts.Produced+counts.Failed+counts.Abandoned)
}

// gate is a producer that keeps what it gets until told otherwise.
type gate struct {
	mu       sync.Mutex
	values   []string
	keys     []string
	promises []func(error)
}

func (g *gate) Produce(_ context.Context, m mqtt.Message, promise func(error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys = append(g.keys, string(m.Key))
	g.values = append(g.values, string(m.Value))
	g.promises = append(g.promises, promise)
}

func (g *gate) len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.values)
}

func (g *gate) answer(i int, err error) {
	g.mu.Lock()
	promise := g.promises[i]
	g.mu.Unlock()
	promise(err)
}

func TestARefusalDropsTheConnectionAndAcknowledgesNoMore(t *testing.T) {
	m := startMQTT(t, 0)
	g := &gate{}
	o := options(m.URL())
	o.DrainTimeout = time.Millisecond
	b, _ := run(t, o, g)
	connected(t, b)
	publish(t, dial(t, m.URL()), 1, 4, nil)
	require.Eventually(t, func() bool { return g.len() == 4 }, within, poll)
	g.answer(3, nil)
	g.answer(2, nil)
	g.answer(1, errors.New("refused"))
	g.answer(0, nil)
	// What comes again is 1, 2 and 3: only 0 was acknowledged.
	require.Eventually(t, func() bool { return g.len() == 7 }, within, poll)
	g.mu.Lock()
	assert.Equal(t, []string{"0", "1", "2", "3", "1", "2", "3"}, g.values)
	g.mu.Unlock()
	counts := b.Counts()
	assert.EqualValues(t, 1, counts.Acked)
	assert.EqualValues(t, 1, counts.Reconnects)
	assert.EqualValues(t, 3, counts.Redelivered)
	assert.Equal(t, 3, m.Waiting("weir"))
	for i := 4; i < 7; i++ {
		g.answer(i, nil)
	}
	require.Eventually(t, func() bool { return m.Waiting("weir") == 0 }, within, poll)
}

// The broker numbers what it resends as before. An acknowledgement that was
// late for the old connection would pass for one on the new.
func TestALateAcknowledgementIsNotSentOnTheNextConnection(t *testing.T) {
	m := startMQTT(t, 0)
	g := &gate{}
	b, _ := run(t, options(m.URL()), g)
	connected(t, b)
	c := dial(t, m.URL())
	publish(t, c, 1, 2, nil)
	require.Eventually(t, func() bool { return g.len() == 2 }, within, poll)
	require.True(t, m.Drop("weir"))
	require.Eventually(t, func() bool { return g.len() == 4 }, within, poll)
	g.answer(0, nil)
	g.answer(1, nil)
	require.Eventually(t, func() bool { return b.Counts().Produced == 2 }, within, poll)
	// Publishing a marker and seeing it arrive gives a stray one time to be seen.
	publish(t, c, 1, 1, nil)
	require.Eventually(t, func() bool { return g.len() == 5 }, within, poll)
	assert.Equal(t, 3, m.Waiting("weir"))
	for i := 2; i < 5; i++ {
		g.answer(i, nil)
	}
	require.Eventually(t, func() bool { return m.Waiting("weir") == 0 }, within, poll)
}

func TestMessagesWaitWhileTheBridgeIsAway(t *testing.T) {
	m := startMQTT(t, 0)
	k, p := startKafka(t)
	b, stop := run(t, options(m.URL()), p)
	connected(t, b)
	stop()
	const devices, n = 3, 300
	publish(t, dial(t, m.URL()), devices, n, nil)
	// The broker answers before it stores.
	require.Eventually(t, func() bool { return m.Waiting("weir") == n }, within, poll)
	// They arrive before this bridge has subscribed.
	b, stop = run(t, options(m.URL()), p)
	keys, values := split(readTopic(t, k, n))
	assertOrder(t, keys, values, devices, n)
	stop()
	assert.EqualValues(t, n, b.Counts().Received)
}

func TestAStopWaitsForKafkaAndLosesNoAcknowledgement(t *testing.T) {
	m := startMQTT(t, 0)
	g := &gate{}
	b, stop := run(t, options(m.URL()), g)
	connected(t, b)
	publish(t, dial(t, m.URL()), 1, 3, nil)
	require.Eventually(t, func() bool { return g.len() == 3 }, within, poll)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	require.Eventually(t, func() bool { return !b.Counts().Connected }, within, poll)
	for i := range 3 {
		g.answer(i, nil)
	}
	<-stopped
	assert.EqualValues(t, 3, b.Counts().Acked)
	require.Eventually(t, func() bool { return m.Waiting("weir") == 0 }, within, poll)
}

func TestRetainedMessagesAreDropped(t *testing.T) {
	m := startMQTT(t, 0)
	g := &gate{}
	c := dial(t, m.URL())
	token := c.Publish("plant/dead", 1, true, "retained")
	require.True(t, token.WaitTimeout(within))
	b, _ := run(t, options(m.URL()), g)
	require.Eventually(t, func() bool { return b.Counts().RetainedDropped == 1 }, within, poll)
	// A new one is not a retained one for who is subscribed already.
	token = c.Publish("plant/alive", 1, true, "live")
	require.True(t, token.WaitTimeout(within))
	require.Eventually(t, func() bool { return g.len() == 1 }, within, poll)
	g.answer(0, nil)
	require.Eventually(t, func() bool { return m.Waiting("weir") == 0 }, within, poll)
	assert.Equal(t, []string{"live"}, g.values)
}

func TestABrokerThatForgotTheSessionIsSubscribedAgain(t *testing.T) {
	m := startMQTT(t, 0)
	g := &gate{}
	b, _ := run(t, options(m.URL()), g)
	connected(t, b)
	_, port, err := net.SplitHostPort(m.Addr())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	require.NoError(t, m.Close())
	require.Eventually(t, func() bool { return !b.Counts().Connected }, within, poll)
	m = startMQTT(t, number)
	connected(t, b)
	publish(t, dial(t, m.URL()), 1, 1, nil)
	require.Eventually(t, func() bool { return g.len() == 1 }, within, poll)
	g.answer(0, nil)
}

func TestNoBrokerIsNoReasonToGiveUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	b, _ := run(t, options(fmt.Sprintf("tcp://127.0.0.1:%d", port)), &gate{})
	startMQTT(t, port)
	connected(t, b)
}

func TestAMessageTooLargeForKafkaDoesNotBlockTheRest(t *testing.T) {
	m := startMQTT(t, 0)
	k, p := startKafka(t)
	b, _ := run(t, options(m.URL()), p)
	connected(t, b)
	// Digits that do not compress to below a megabyte.
	var large strings.Builder
	state := uint64(1)
	for large.Len() < 4<<20 {
		state = state*6364136223846793005 + 1442695040888963407
		fmt.Fprintf(&large, "%016x", state)
	}
	c := dial(t, m.URL())
	token := c.Publish("plant/camera", 1, false, large.String())
	require.True(t, token.WaitTimeout(within))
	token = c.Publish("plant/pump", 1, false, "1")
	require.True(t, token.WaitTimeout(within))
	for _, r := range readTopic(t, k, 2) {
		if string(r.Key) == "camera" {
			assert.Equal(t, large.String()[:1024], string(r.Value))
		}
	}
	require.Eventually(t, func() bool { return m.Waiting("weir") == 0 }, within, poll)
	assert.EqualValues(t, 1, p.Truncated())
	assert.Zero(t, b.Counts().Failed)
}
