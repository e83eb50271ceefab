package fleet

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/internal/brokers"
)

// sink keeps what was published, and when.
type sink struct {
	at       []time.Time
	messages []Message
	err      error
}

func (s *sink) Publish(_ context.Context, m Message) error {
	s.at, s.messages = append(s.at, time.Now()), append(s.messages, m)
	return s.err
}

func (s *sink) Close(context.Context) error { return nil }

func newFleet(t *testing.T, o Options) *Fleet {
	t.Helper()
	f, err := New(o)
	require.NoError(t, err)
	return f
}

func TestSendKeepsThePace(t *testing.T) {
	for _, speed := range []float64{1, 10} {
		synctest.Test(t, func(t *testing.T) {
			s := &sink{}
			began := time.Now()
			totals, err := Send(t.Context(), newFleet(t, Options{Devices: 4, Rate: 4, Start: start}), s, SendOptions{Count: 41, Speed: speed})
			require.NoError(t, err)
			assert.Equal(t, Totals{Sent: 41}, totals)
			for i, at := range s.at {
				due := time.Duration(float64(i) / 4 / speed * float64(time.Second))
				require.WithinDuration(t, began.Add(due), at, time.Millisecond)
			}
		})
	}
}

func TestSendEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{Devices: 4, Rate: 4, Start: start}
		totals, err := Send(t.Context(), newFleet(t, o), &sink{}, SendOptions{Until: start + 2000})
		require.NoError(t, err)
		assert.EqualValues(t, 8, totals.Sent, "at its limit of time")

		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second+time.Millisecond)
		defer cancel()
		totals, err = Send(ctx, newFleet(t, o), &sink{}, SendOptions{Speed: 1})
		require.NoError(t, err)
		assert.EqualValues(t, 13, totals.Sent, "when it is told to")

		refused := errors.New("refused")
		_, err = Send(t.Context(), newFleet(t, o), &sink{err: refused}, SendOptions{})
		require.ErrorIs(t, err, refused)
	})
}

func TestSendCountsTheTruth(t *testing.T) {
	s := &sink{}
	var last Totals
	totals, err := Send(t.Context(), newFleet(t, faulty()), s, SendOptions{Count: 5000, Sent: func(t Totals) { last = t }})
	require.NoError(t, err)
	assert.Equal(t, totals, last)
	counts := map[Truth]int64{}
	for _, m := range s.messages {
		counts[m.Truth]++
	}
	assert.Equal(t, Totals{
		Sent: 5000, Duplicates: counts[Duplicate], Late: counts[Late], Future: counts[Future], OutOfOrder: counts[OutOfOrder],
	}, totals)
	assert.Positive(t, totals.Duplicates)
}

func TestPublishLines(t *testing.T) {
	var out bytes.Buffer
	p := OpenLines(&out)
	s := &sink{}
	for _, to := range []Publisher{p, s} {
		_, err := Send(t.Context(), newFleet(t, faulty()), to, SendOptions{Count: 100})
		require.NoError(t, err)
	}
	require.NoError(t, p.Close(t.Context()))
	var want strings.Builder
	for _, m := range s.messages {
		want.Write(m.JSON)
		want.WriteByte('\n')
	}
	assert.Equal(t, want.String(), out.String())
}

// byDevice is what each device sent, in order.
func byDevice(messages []Message) map[string][]string {
	out := map[string][]string{}
	for _, m := range messages {
		out[m.Device] = append(out[m.Device], string(m.JSON))
	}
	return out
}

func expected(t *testing.T, n int64) map[string][]string {
	t.Helper()
	s := &sink{}
	_, err := Send(t.Context(), newFleet(t, faulty()), s, SendOptions{Count: n})
	require.NoError(t, err)
	return byDevice(s.messages)
}

func TestPublishToMQTT(t *testing.T) {
	const n = 3000
	m, err := brokers.StartMQTT(brokers.MQTTOptions{})
	require.NoError(t, err)
	defer m.Close()
	var mu sync.Mutex
	var got []Message
	listener := paho.NewClient(paho.NewClientOptions().AddBroker(m.URL()).SetClientID("listener"))
	token := listener.Connect()
	require.True(t, token.WaitTimeout(10*time.Second))
	require.NoError(t, token.Error())
	defer listener.Disconnect(10)
	token = listener.Subscribe("plant/+/+/telemetry", 1, func(_ paho.Client, m paho.Message) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, Message{Device: strings.Split(m.Topic(), "/")[2], JSON: m.Payload()})
	})
	require.True(t, token.WaitTimeout(10*time.Second))

	p, err := OpenMQTT(MQTTOptions{Broker: m.URL(), Gateways: 3, Window: 16})
	require.NoError(t, err)
	_, err = Send(t.Context(), newFleet(t, faulty()), p, SendOptions{Count: n})
	require.NoError(t, err)
	require.NoError(t, p.Close(t.Context()))
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got) == n
	}, 20*time.Second, 5*time.Millisecond)
	assert.Equal(t, expected(t, n), byDevice(got))
}

func TestAGatewayThatLosesItsConnectionSendsAgain(t *testing.T) {
	const n = 3000
	m, err := brokers.StartMQTT(brokers.MQTTOptions{})
	require.NoError(t, err)
	defer m.Close()
	var mu sync.Mutex
	got := map[string]bool{}
	listener := paho.NewClient(paho.NewClientOptions().AddBroker(m.URL()).SetClientID("listener"))
	token := listener.Connect()
	require.True(t, token.WaitTimeout(10*time.Second))
	defer listener.Disconnect(10)
	token = listener.Subscribe("plant/#", 1, func(_ paho.Client, m paho.Message) {
		mu.Lock()
		defer mu.Unlock()
		got[string(m.Payload())] = true
	})
	require.True(t, token.WaitTimeout(10*time.Second))

	p, err := OpenMQTT(MQTTOptions{Broker: m.URL(), Gateways: 1, ClientID: "gw"})
	require.NoError(t, err)
	_, err = Send(t.Context(), newFleet(t, faulty()), p, SendOptions{Count: n, Sent: func(totals Totals) {
		if totals.Sent == n/2 {
			require.True(t, m.Drop("gw-0"))
		}
	}})
	require.NoError(t, err)
	require.NoError(t, p.Close(t.Context()))
	want := 0
	for _, messages := range expected(t, n) {
		distinct := map[string]bool{}
		for _, one := range messages {
			distinct[one] = true
		}
		want += len(distinct)
	}
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got) == want
	}, 20*time.Second, 5*time.Millisecond)
}

func TestPublishToKafka(t *testing.T) {
	const n = 3000
	k, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 3})
	require.NoError(t, err)
	defer k.Close()
	p, err := OpenKafka("readings", k.Addr())
	require.NoError(t, err)
	_, err = Send(t.Context(), newFleet(t, faulty()), p, SendOptions{Count: n})
	require.NoError(t, err)
	require.NoError(t, p.Close(t.Context()))

	c, err := kgo.NewClient(kgo.SeedBrokers(k.Addr()), kgo.ConsumeTopics("readings"))
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []Message
	for len(got) < n {
		fetches := c.PollFetches(ctx)
		require.NoError(t, ctx.Err())
		for _, r := range fetches.Records() {
			got = append(got, Message{Device: string(r.Key), JSON: r.Value})
		}
	}
	assert.Equal(t, expected(t, n), byDevice(got))
}

func TestPublishToNobody(t *testing.T) {
	_, err := OpenMQTT(MQTTOptions{Broker: "tcp://127.0.0.1:1"})
	require.ErrorContains(t, err, "connect to mqtt broker tcp://127.0.0.1:1: ")
}
