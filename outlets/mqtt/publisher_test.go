package mqtt

import (
	"context"
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
	"pgregory.net/rapid"

	"github.com/weirstream/weir/internal/brokers"
	"github.com/weirstream/weir/outlets"
)

const within = 30 * time.Second

func startBroker(t *testing.T, port int) *brokers.MQTT {
	t.Helper()
	b, err := brokers.StartMQTT(brokers.MQTTOptions{Port: port})
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// subscriber keeps what it gets.
type subscriber struct {
	mu  sync.Mutex
	got []paho.Message
}

func subscribe(t *testing.T, url string) *subscriber {
	t.Helper()
	s := &subscriber{}
	c := paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID("subscriber" + strconv.FormatInt(time.Now().UnixNano(), 36)))
	token := c.Connect()
	require.True(t, token.WaitTimeout(within))
	require.NoError(t, token.Error())
	t.Cleanup(func() { c.Disconnect(10) })
	token = c.Subscribe("#", 1, func(_ paho.Client, m paho.Message) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, m)
	})
	require.True(t, token.WaitTimeout(within))
	require.NoError(t, token.Error())
	return s
}

func (s *subscriber) messages() []paho.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]paho.Message(nil), s.got...)
}

func (s *subscriber) await(t *testing.T, n int) []paho.Message {
	t.Helper()
	require.Eventually(t, func() bool { return len(s.messages()) >= n }, within, time.Millisecond, "%d messages", n)
	return s.messages()
}

func alerts(n int) []*outlets.Alert {
	var all []*outlets.Alert
	for i := range n {
		all = append(all, &outlets.Alert{Device: "d/" + strconv.Itoa(i%3), Rule: "hot", Level: "critical", Pipeline: "p", Record: []byte(strconv.Itoa(i))})
	}
	return all
}

func open(t *testing.T, o Options) outlets.Line {
	t.Helper()
	if o.ClientID == "" {
		o.ClientID = "weir"
	}
	p, err := New(o)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p.Open(0)
}

func TestAlertsArePublishedAsTheyStandAndInOrder(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 0)
	s := subscribe(t, b.URL())
	line := open(t, Options{Broker: b.URL(), Topic: "alerts/{{device}}/{{level}}", QoS: 1})
	r, err := line.Deliver(t.Context(), alerts(200))
	require.NoError(t, err)
	require.Equal(t, outlets.Result{Done: 200}, r)
	for i, m := range s.await(t, 200) {
		require.Equal(t, strconv.Itoa(i), string(m.Payload()))
		require.Equal(t, fmt.Sprintf("alerts/d%%2F%d/critical", i%3), m.Topic())
		require.EqualValues(t, 1, m.Qos())
	}
	late := subscribe(t, b.URL())
	_, err = line.Deliver(t.Context(), alerts(1))
	require.NoError(t, err)
	require.Len(t, late.await(t, 1), 1, "nothing is retained")
}

func TestRetain(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 0)
	line := open(t, Options{Broker: b.URL(), Topic: "alerts/{{device}}", QoS: 1, Retain: true})
	_, err := line.Deliver(t.Context(), alerts(6))
	require.NoError(t, err)
	s := subscribe(t, b.URL())
	require.Len(t, s.await(t, 3), 3)
	for _, m := range s.messages() {
		assert.True(t, m.Retained())
	}
}

func TestABrokerThatIsAway(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 0)
	_, port, err := net.SplitHostPort(b.Addr())
	require.NoError(t, err)
	line := open(t, Options{Broker: b.URL(), Topic: "alerts", QoS: 1, Timeout: 5 * time.Second})
	_, err = line.Deliver(t.Context(), alerts(10))
	require.NoError(t, err)
	require.NoError(t, b.Close())
	require.Eventually(t, func() bool {
		r, err := line.Deliver(t.Context(), alerts(10))
		return err != nil && r.Done == 0
	}, within, time.Millisecond)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	b = startBroker(t, number)
	s := subscribe(t, b.URL())
	require.Eventually(t, func() bool {
		_, err := line.Deliver(t.Context(), alerts(10))
		return err == nil
	}, within, time.Millisecond)
	require.Equal(t, "9", string(s.await(t, 10)[9].Payload()))
}

// A broker that takes the connection and says nothing more, or takes messages and does not acknowledge, is trouble too.
func TestABrokerThatIsSilent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	acknowledge := make(chan bool, 2)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			defer c.Close() // until the listener ends: one that nobody holds is closed by the collector
			if <-acknowledge {
				_, _ = c.Write([]byte{0x20, 2, 0, 0}) // CONNACK, to whatever came
			}
		}
	}()
	line := open(t, Options{Broker: "tcp://" + listener.Addr().String(), Topic: "alerts", QoS: 1, Timeout: 100 * time.Millisecond})
	acknowledge <- false
	_, err = line.Deliver(t.Context(), alerts(1))
	require.Error(t, err)
	acknowledge <- true
	r, err := line.Deliver(t.Context(), alerts(3))
	require.ErrorContains(t, err, "no acknowledgement")
	require.Zero(t, r)
}

func TestAStopDoesNotWaitForTheBroker(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	line := open(t, Options{Broker: "tcp://" + listener.Addr().String(), Topic: "alerts", QoS: 1, Timeout: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = line.Deliver(ctx, alerts(1))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// Nor does a partition that waits for another one to connect.
func TestAStopDoesNotWaitForWhoConnects(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	p, err := New(Options{Broker: "tcp://" + listener.Addr().String(), ClientID: "weir", Topic: "alerts", QoS: 1, Timeout: time.Hour})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := p.Open(0).Deliver(ctx, alerts(1))
		first <- err
	}()
	c, err := listener.Accept() // it connects, and hears nothing
	require.NoError(t, err)
	defer c.Close()
	short, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	_, err = p.Open(1).Deliver(short, alerts(1))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	cancel()
	require.ErrorIs(t, <-first, context.Canceled)
}

func TestATopicThatCannotBeIsLeftOut(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 0)
	s := subscribe(t, b.URL())
	line := open(t, Options{Broker: b.URL(), Topic: "{{labels.long}}", QoS: 1})
	batch := alerts(3)
	for i, a := range batch {
		a.Labels = map[string]string{"long": strings.Repeat("x", 30_000*(i+1))}
	}
	batch = append(batch, alerts(1)...)
	r, err := line.Deliver(t.Context(), batch)
	require.NoError(t, err)
	require.Equal(t, outlets.Result{Done: 4, Refused: 2}, r, "90,000 bytes, and none")
	require.Len(t, s.await(t, 2), 2)
}

func TestTopics(t *testing.T) {
	template, err := outlets.ParseTemplate("{{device}}")
	require.NoError(t, err)
	for device, want := range map[string]string{
		"truck-7": "truck-7", "a/b": "a%2Fb", "+": "%2B", "#1": "%231", "50%": "50%25", "a\x00b": "a%00b", "$SYS": "%24SYS", "a$": "a$",
		"Gerät 1": "Gerät 1", "a\tb\x7f": "a%09b%7F", "\u0085": "%C2%85", "\uffff": "%EF%BF%BF", "\ufdd0": "%EF%B7%90", "€": "€",
	} {
		topic, err := topicOf(template, &outlets.Alert{Device: device})
		require.NoError(t, err)
		assert.Equal(t, want, topic)
	}
}

// Different devices have different topics, whatever they are called, and none reaches into another level.
func TestLevelsStayDifferent(t *testing.T) {
	name := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("a%25/2F+#\x00")), 0, 6, -1))
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		x, y := escapeLevel(a), escapeLevel(b)
		assert.Equal(t, a == b, x == y, "%q %q", x, y)
		assert.NotContains(t, x, "/")
		assert.False(t, strings.ContainsAny(x, "+#\x00"))
	})
}

func TestOptionsAreChecked(t *testing.T) {
	whole := Options{Broker: "tcp://x:1", ClientID: "c", Topic: "t"}
	_, err := New(whole)
	require.NoError(t, err)
	for _, change := range []func(o *Options){
		func(o *Options) { o.Broker = "" }, func(o *Options) { o.ClientID = "" }, func(o *Options) { o.Topic = "" },
		func(o *Options) { o.Topic = "{{x}}" }, func(o *Options) { o.QoS = 3 },
	} {
		o := whole
		change(&o)
		_, err := New(o)
		assert.Error(t, err)
	}
}
