package brokers

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// subscriber is a persistent session that acknowledges when told.
type subscriber struct {
	mu       sync.Mutex
	client   paho.Client
	ack      bool
	received []string
	open     []paho.Message
}

func (s *subscriber) connect(t *testing.T, m *MQTT) {
	t.Helper()
	s.client = paho.NewClient(paho.NewClientOptions().
		AddBroker(m.URL()).SetClientID("sub").SetCleanSession(false).
		SetAutoReconnect(false).SetAutoAckDisabled(true).
		SetDefaultPublishHandler(s.receive))
	token := s.client.Connect()
	require.True(t, token.WaitTimeout(10*time.Second))
	require.NoError(t, token.Error())
	token = s.client.Subscribe("plant/#", 1, nil)
	require.True(t, token.WaitTimeout(10*time.Second))
	require.NoError(t, token.Error())
	t.Cleanup(func() { s.client.Disconnect(10) })
}

func (s *subscriber) receive(_ paho.Client, m paho.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = append(s.received, string(m.Payload()))
	if s.ack {
		m.Ack()
	} else {
		s.open = append(s.open, m)
	}
}

// ackFrom acknowledges what is open and everything to come.
func (s *subscriber) ackFrom() {
	s.mu.Lock()
	open := s.open
	s.ack, s.open = true, nil
	s.mu.Unlock()
	for _, m := range open {
		m.Ack()
	}
}

func (s *subscriber) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.received...)
}

func (s *subscriber) distinct() int {
	set := map[string]bool{}
	for _, p := range s.all() {
		set[p] = true
	}
	return len(set)
}

func startMQTT(t *testing.T, o MQTTOptions) *MQTT {
	t.Helper()
	m, err := StartMQTT(o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

// publish sends n numbers from one client, all under way at once, and returns
// a function that waits for the acknowledgements.
func publish(t *testing.T, m *MQTT, n int) func() {
	t.Helper()
	client := paho.NewClient(paho.NewClientOptions().AddBroker(m.URL()).SetClientID("pub"))
	token := client.Connect()
	require.True(t, token.WaitTimeout(10*time.Second))
	require.NoError(t, token.Error())
	t.Cleanup(func() { client.Disconnect(10) })
	done := make(chan struct{})
	go func() {
		defer close(done)
		var tokens []paho.Token
		for i := range n {
			tokens = append(tokens, client.Publish("plant/x", 1, false, strconv.Itoa(i)))
		}
		for _, token := range tokens {
			token.Wait()
			assert.NoError(t, token.Error())
		}
	}()
	return func() {
		select {
		case <-done:
		case <-time.After(60 * time.Second):
			require.Fail(t, "the publisher is stuck")
		}
	}
}

func TestMQTTHoldsPublishersBackInsteadOfDropping(t *testing.T) {
	const waiting, n = 50, 2000
	m := startMQTT(t, MQTTOptions{MaxWaiting: waiting})
	s := &subscriber{}
	s.connect(t, m)
	wait := publish(t, m, n)
	require.Eventually(t, func() bool { return m.Waiting("sub") == waiting }, 10*time.Second, time.Millisecond)
	assert.LessOrEqual(t, len(s.all()), waiting)
	s.ackFrom()
	wait()
	require.Eventually(t, func() bool { return len(s.all()) == n }, 10*time.Second, time.Millisecond)
	for i, p := range s.all() {
		require.Equal(t, strconv.Itoa(i), p)
	}
}

func TestMQTTResendsInOrder(t *testing.T) {
	const n = 500
	m := startMQTT(t, MQTTOptions{})
	// The library sorts by the lowest 16 bits: let them wrap in the middle.
	m.order.next += 1<<16 - n/2
	first := &subscriber{}
	first.connect(t, m)
	publish(t, m, n)()
	require.Eventually(t, func() bool { return len(first.all()) == n }, 10*time.Second, time.Millisecond)
	require.True(t, m.Drop("sub"))

	// Twice: a session that was renumbered once must keep its order.
	for range 2 {
		again := &subscriber{}
		again.connect(t, m)
		require.Eventually(t, func() bool { return len(again.all()) == n }, 10*time.Second, time.Millisecond)
		for i, p := range again.all() {
			require.Equal(t, strconv.Itoa(i), p)
		}
		require.True(t, m.Drop("sub"))
	}
}

func TestMQTTLosesNothingWhileSessionsAreTakenOver(t *testing.T) {
	const n = 20_000
	m := startMQTT(t, MQTTOptions{})
	s := &subscriber{ack: true}
	s.connect(t, m)
	wait := publish(t, m, n)
	for drops := 0; s.distinct() < n && drops < 200; drops++ {
		// Take over a live session, or a dropped one.
		if drops%2 == 0 {
			m.Drop("sub")
		}
		s.connect(t, m)
	}
	wait()
	require.Eventually(t, func() bool { return s.distinct() == n }, 20*time.Second, 10*time.Millisecond,
		"%d of %d arrived", s.distinct(), n)
}

func TestMQTTOptions(t *testing.T) {
	_, err := StartMQTT(MQTTOptions{MaxWaiting: 40_000})
	require.ErrorContains(t, err, "max_waiting=40000 must be 1 to 32767")
	m := startMQTT(t, MQTTOptions{})
	assert.Regexp(t, `^tcp://127\.0\.0\.1:\d+$`, m.URL())
	var port int
	_, err = fmt.Sscanf(m.Addr(), "127.0.0.1:%d", &port)
	require.NoError(t, err)
	_, err = StartMQTT(MQTTOptions{Port: port})
	require.ErrorContains(t, err, fmt.Sprintf("start embedded mqtt on port %d: ", port))
}

func TestMQTTClosesWhateverItsClientsDo(t *testing.T) {
	for range 100 {
		m, err := StartMQTT(MQTTOptions{})
		require.NoError(t, err)
		silent, err := net.Dial("tcp", m.Addr()) // never says who it is
		require.NoError(t, err)
		var leaving sync.WaitGroup
		for i := range 4 {
			client := paho.NewClient(paho.NewClientOptions().AddBroker(m.URL()).SetClientID(strconv.Itoa(i)))
			token := client.Connect()
			require.True(t, token.WaitTimeout(10*time.Second))
			leaving.Go(func() { client.Disconnect(10) })
		}
		closed := make(chan error)
		go func() { closed <- m.Close() }()
		select {
		case err := <-closed:
			require.NoError(t, err)
		case <-time.After(20 * time.Second):
			require.Fail(t, "the broker does not close")
		}
		leaving.Wait()
		require.NoError(t, silent.Close())
		require.NoError(t, m.Close(), "again")
	}
}
