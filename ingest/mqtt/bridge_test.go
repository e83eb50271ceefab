package mqtt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/weirstream/weir/ingest"
	"pgregory.net/rapid"
)

// message is an MQTT message that remembers its acknowledgement.
type message struct {
	topic    string
	payload  string
	retained bool
	dup      bool
	qos      byte
	acked    func()
}

func (m *message) Duplicate() bool   { return m.dup }
func (m *message) Qos() byte         { return m.qos }
func (m *message) Retained() bool    { return m.retained }
func (m *message) Topic() string     { return m.topic }
func (m *message) MessageID() uint16 { return 1 }
func (m *message) Payload() []byte   { return []byte(m.payload) }
func (m *message) Ack()              { m.acked() }

// held is a producer that answers when told.
type held struct {
	mu       sync.Mutex
	messages []Message
	promises []func(error)
}

func (h *held) Produce(_ context.Context, m Message, promise func(error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.messages = append(h.messages, m)
	h.promises = append(h.promises, promise)
}

func (h *held) answer(i int, err error) {
	h.mu.Lock()
	promise := h.promises[i]
	h.mu.Unlock()
	promise(err)
}

func (h *held) values() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, m := range h.messages {
		out = append(out, string(m.Value))
	}
	return out
}

// rig is a bridge without brokers, inside a synctest bubble.
type rig struct {
	bridge *Bridge
	kafka  *held
	acked  []string // payloads, in the order of acknowledgement
	mu     sync.Mutex
}

func newRig(t require.TestingT, o Options) (*rig, func()) {
	o.Broker, o.ClientID = "tcp://nowhere:1", "weir"
	o.Subscribe = []Subscription{{Filter: "#", QoS: 1}}
	if o.Device == "" && o.DeviceOf == nil {
		o.Device = "{topic.1}"
	}
	r := &rig{kafka: &held{}}
	b, err := New(o, r.kafka)
	require.NoError(t, err)
	r.bridge = b
	work, stop := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { b.produce(work) })
	loops.Go(func() { b.acknowledge(work) })
	return r, func() {
		stop()
		loops.Wait()
	}
}

func (r *rig) message(payload string) *message {
	return &message{topic: "plant/d1", payload: payload, qos: 1, acked: func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.acked = append(r.acked, payload)
	}}
}

func (r *rig) acks() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.acked)
}

var errRefused = errors.New("refused")

// Whatever the order in which Kafka answers: acknowledgements are in order of
// arrival, each after its own answer, and end at the first refusal.
func TestAcknowledgementsAreAPrefix(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "n")
		order := rapid.Permutation(indexes(n)).Draw(rt, "order")
		refused := rapid.SliceOfN(rapid.Bool(), n, n).Draw(rt, "refused")
		synctest.Test(t, func(t *testing.T) {
			r, stop := newRig(t, Options{})
			defer stop()
			c := newConnection(r.bridge)
			for i := range n {
				c.receive(nil, r.message(fmt.Sprint(i)))
			}
			synctest.Wait()
			answered := make([]bool, n)
			for _, i := range order {
				var err error
				if refused[i] {
					err = errRefused
				}
				r.kafka.answer(i, err)
				answered[i] = true
				synctest.Wait()
				var want []string
				for j := 0; j < n && answered[j] && !refused[j]; j++ {
					want = append(want, fmt.Sprint(j))
				}
				require.Equal(t, want, r.acks())
			}
			assert.Equal(t, slices.Contains(refused, true), c.intake.Err() != nil, "a refusal ends the connection")
			assert.Empty(t, r.bridge.slots, "nothing is held any more")
		})
	})
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestNothingIsProducedBehindARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, Options{})
		defer stop()
		c := newConnection(r.bridge)
		c.receive(nil, r.message("a"))
		synctest.Wait()
		r.kafka.answer(0, errRefused)
		// In the queue before the connection knew of it.
		r.bridge.slots <- struct{}{}
		require.True(t, r.bridge.bytes.TryAcquire(1))
		r.bridge.queue <- &delivery{from: c, message: r.message("b"), weight: 1, result: make(chan error, 1)}
		synctest.Wait()
		assert.Equal(t, []string{"a"}, r.kafka.values())
		assert.Empty(t, r.acks())
		counts := r.bridge.Counts()
		assert.EqualValues(t, 1, counts.Failed)
		assert.EqualValues(t, 1, counts.Abandoned)

		c.receive(nil, r.message("c"))
		synctest.Wait()
		assert.Equal(t, []string{"a"}, r.kafka.values(), "the intake has ended")

		again := newConnection(r.bridge)
		again.receive(nil, r.message("a"))
		synctest.Wait()
		r.kafka.answer(1, nil)
		synctest.Wait()
		assert.Equal(t, []string{"a"}, r.acks(), "a new connection starts afresh")
	})
}

// QoS 0 does not come again, so a refusal before it is no reason to drop it.
func TestQoS0IsProducedBehindARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, Options{})
		defer stop()
		c := newConnection(r.bridge)
		c.refused.Store(true)
		m := r.message("zero")
		m.qos = 0
		c.receive(nil, m)
		synctest.Wait()
		assert.Equal(t, []string{"zero"}, r.kafka.values())
	})
}

func TestAnAcknowledgementNeverOutlivesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, Options{})
		defer stop()
		old := newConnection(r.bridge)
		old.receive(nil, r.message("old"))
		synctest.Wait()
		old.lost.Store(true)
		old.end(errors.New("lost"))
		again := newConnection(r.bridge)
		redelivered := r.message("again")
		redelivered.dup = true
		again.receive(nil, redelivered)
		synctest.Wait()
		r.kafka.answer(0, nil)
		r.kafka.answer(1, nil)
		synctest.Wait()
		assert.Equal(t, []string{"again"}, r.acks())
		counts := r.bridge.Counts()
		assert.EqualValues(t, 2, counts.Produced, "what was in hand is not thrown away")
		assert.EqualValues(t, 1, counts.Redelivered)
		assert.EqualValues(t, 1, counts.Acked)
	})
}

func TestIntakeIsBounded(t *testing.T) {
	for name, o := range map[string]Options{
		"by number": {MaxInFlight: 3},
		"by bytes":  {MaxBytes: 3 * (overhead + int64(len("plant/d1")+1))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, stop := newRig(t, o)
				defer stop()
				c := newConnection(r.bridge)
				taken := 0
				done := make(chan struct{})
				go func() {
					defer close(done)
					for i := range 5 {
						c.receive(nil, r.message(fmt.Sprint(i)))
						taken++
					}
				}()
				synctest.Wait()
				assert.Equal(t, 3, taken)
				r.kafka.answer(0, nil)
				synctest.Wait()
				assert.Equal(t, 4, taken, "an acknowledged message makes room for one")
				c.end(errStopped)
				<-done
				synctest.Wait()
				assert.Equal(t, []string{"0", "1", "2", "3"}, r.kafka.values(), "the end of the connection frees the handler")
			})
		})
	}
}

// A message larger than the whole budget passes alone.
func TestAMessageLargerThanTheBudgetPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, Options{MaxBytes: 10})
		defer stop()
		newConnection(r.bridge).receive(nil, r.message("larger than ten bytes"))
		synctest.Wait()
		r.kafka.answer(0, nil)
		synctest.Wait()
		assert.Len(t, r.acks(), 1)
	})
}

func TestRetainedMessages(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep=%v", keep), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, stop := newRig(t, Options{KeepRetained: keep})
				defer stop()
				c := newConnection(r.bridge)
				m := r.message("retained")
				m.retained = true
				c.receive(nil, m)
				synctest.Wait()
				if keep {
					r.kafka.answer(0, nil)
					synctest.Wait()
				}
				counts := r.bridge.Counts()
				assert.Equal(t, []string{"retained"}, r.acks(), "dropped or not, it must not come again")
				assert.EqualValues(t, 1, counts.Received)
				assert.Equal(t, keep, counts.RetainedDropped == 0)
				assert.Equal(t, keep, counts.Produced == 1)
			})
		})
	}
}

func TestRecords(t *testing.T) {
	const payload = `{"device":"boiler","value":1}`
	for _, c := range []struct {
		name string
		o    Options
		in   message
		want Message
		lost int64
	}{
		{
			name: "the topic tells the device",
			o:    Options{Device: "{topic.2}"},
			in:   message{topic: "plant/hall/pump", payload: payload},
			want: Message{
				Key: []byte("pump"), Value: []byte(payload),
				Headers: []Header{{Key: ingest.DeviceHeader, Value: []byte("pump")}},
			},
		},
		{
			name: "a field tells the device",
			o:    Options{Device: "device"},
			in:   message{topic: "plant/hall/pump", payload: payload},
			want: Message{Key: []byte("boiler"), Value: []byte(payload)},
		},
		{
			name: "the topic is too short",
			o:    Options{Device: "{topic.2}"},
			in:   message{topic: "plant/hall", payload: payload},
			want: Message{
				Value: []byte(payload), Route: []byte("plant/hall"),
				Headers: []Header{{Key: TopicHeader, Value: []byte("plant/hall")}},
			},
			lost: 1,
		},
		{
			name: "not even JSON",
			o:    Options{Device: "device"},
			in:   message{topic: "plant/hall", payload: "\x00\xff"},
			want: Message{
				Value: []byte("\x00\xff"), Route: []byte("plant/hall"),
				Headers: []Header{{Key: TopicHeader, Value: []byte("plant/hall")}},
			},
			lost: 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := c.o
			o.Broker, o.ClientID, o.Subscribe = "tcp://nowhere:1", "weir", []Subscription{{Filter: "#"}}
			b, err := New(o, &held{})
			require.NoError(t, err)
			assert.Equal(t, c.want, b.record(&c.in))
			assert.Equal(t, c.lost, b.Counts().NoDevice)
		})
	}
}

func TestDrainGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, Options{DrainTimeout: 3 * time.Second})
		defer stop()
		newConnection(r.bridge).receive(nil, r.message("stuck"))
		began := time.Now()
		r.bridge.drain(t.Context())
		assert.Equal(t, 3*time.Second, time.Since(began))
		r.kafka.answer(0, nil)
		began = time.Now()
		r.bridge.drain(t.Context())
		assert.Zero(t, time.Since(began))
		assert.Len(t, r.acks(), 1)
	})
}
