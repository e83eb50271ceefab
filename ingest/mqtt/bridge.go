package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/weirstream/weir/ingest"
	"golang.org/x/sync/semaphore"
)

// errAbandoned ends a message that was never handed to Kafka.
var errAbandoned = errors.New("given up before it was sent to Kafka")

// Bridge carries messages from an MQTT broker to a Producer.
//
// Invariants:
//
//  1. Messages leave order in the order in which they arrived.
//  2. A message is acknowledged only after its promise came back without an
//     error, and only if no earlier one of its connection failed.
//  3. At most MaxInFlight messages are held, over all connections together.
type Bridge struct {
	o        Options
	producer Producer
	device   *source
	counts   counters
	log      *slog.Logger
	trouble  trouble // used by connect only

	slots chan struct{}       // one for each message held
	bytes *semaphore.Weighted // their size

	queue chan *delivery // received, to be produced
	order chan *delivery // produced, to be acknowledged
}

// delivery is one message on its way through the bridge.
type delivery struct {
	from    *connection
	message paho.Message
	weight  int64
	result  chan error    // gets one value
	passed  chan struct{} // where set, this is no message but a mark: closed when all before it are done
}

// New makes a bridge. It connects to nothing before Run.
func New(o Options, producer Producer) (*Bridge, error) {
	o, err := o.ready()
	if err != nil {
		return nil, err
	}
	device, err := newSource(o)
	if err != nil {
		return nil, err
	}
	return &Bridge{
		o:        o,
		producer: producer,
		device:   device,
		log:      o.Logger.With("mqtt", redacted(o.Broker), "client_id", o.ClientID),
		slots:    make(chan struct{}, o.MaxInFlight),
		bytes:    semaphore.NewWeighted(o.MaxBytes),
		// Both hold whatever the slots allow, and a mark: a send never blocks.
		queue: make(chan *delivery, o.MaxInFlight+1),
		order: make(chan *delivery, o.MaxInFlight+1),
	}, nil
}

// Counts returns what the bridge has done so far. It may be called at any time.
func (b *Bridge) Counts() Counts { return b.counts.read() }

// Run bridges until ctx is done, connecting again as often as needed. It then
// takes in no more, waits up to DrainTimeout for Kafka, acknowledges what Kafka
// has and disconnects; what it could not finish the MQTT broker keeps. Run
// returns nil after a stop, and an error only as Options.RefusedAtStart says. It may be called once.
func (b *Bridge) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	loops.Go(func() { b.produce(work) })
	loops.Go(func() { b.acknowledge(work) })
	err := b.connect(ctx, work)
	stop()
	loops.Wait()
	return err
}

// final reports whether connecting again is in vain until somebody changes something.
func final(err error) bool {
	var refused interface {
		error
		Refused() bool
	}
	return errors.As(err, &refused) && refused.Refused()
}

// connect holds one connection after the other until ctx is done, or the first is refused and that ends it.
func (b *Bridge) connect(ctx, work context.Context) error {
	wait := b.o.ReconnectMin
	for first := true; ctx.Err() == nil; first = false {
		c := newConnection(b)
		began := time.Now()
		err := c.open(ctx)
		if err == nil {
			b.counts.connected.Store(true)
			c.received = true
			b.tellReceiving(time.Now())
			nothing := time.AfterFunc(b.o.NothingAfter, b.tellNothing)
			err = c.wait(ctx)
			nothing.Stop()
			b.counts.connected.Store(false)
		}
		c.end(err)
		if ctx.Err() != nil {
			b.drain(work)
			c.close()
			return nil
		}
		c.close()
		if first && b.o.RefusedAtStart && final(err) {
			return err
		}
		if c.refused.Load() {
			// What Kafka still holds of the old connection must be settled
			// before the same messages come again behind it.
			b.drain(work)
		}
		if time.Since(began) > b.o.ReconnectMax {
			wait = b.o.ReconnectMin
		}
		pause := wait/2 + rand.N(wait/2+1)
		b.tellTrouble(c, err, pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		wait = min(2*wait, b.o.ReconnectMax)
	}
	return nil
}

// drain waits until everything received so far is settled, but not longer than
// the drain timeout.
func (b *Bridge) drain(work context.Context) {
	late, cancel := context.WithTimeout(work, b.o.DrainTimeout)
	defer cancel()
	mark := &delivery{passed: make(chan struct{})}
	select {
	case b.queue <- mark:
	case <-late.Done():
		return
	}
	select {
	case <-mark.passed:
	case <-late.Done():
		b.log.Warn("kafka did not confirm in time; the mqtt broker keeps what is open", "timeout", b.o.DrainTimeout.String())
	}
}

// produce hands what was received to Kafka, in order of arrival.
func (b *Bridge) produce(work context.Context) {
	for {
		select {
		case <-work.Done():
			return
		case d := <-b.queue:
			if d.passed == nil {
				b.send(work, d)
			}
			b.order <- d
		}
	}
}

func (b *Bridge) send(work context.Context, d *delivery) {
	m := d.message
	if m.Retained() && !b.o.KeepRetained {
		b.counts.retainedDropped.Add(1)
		d.result <- nil
		return
	}
	if d.from.refused.Load() && m.Qos() > 0 {
		// It comes again. Sent now, it would overtake the one that failed.
		b.counts.abandoned.Add(1)
		d.result <- errAbandoned
		return
	}
	b.producer.Produce(work, b.record(m), func(err error) {
		if err != nil {
			b.counts.failed.Add(1)
			d.from.refused.Store(true)
			err = fmt.Errorf("produce to kafka: %w", err)
		} else {
			b.counts.produced.Add(1)
		}
		d.result <- err
	})
}

// record makes the Kafka record of a message. Where the device cannot be told
// the record is made all the same: the reader's quarantine is the place that
// shows it to a person.
func (b *Bridge) record(m paho.Message) Message {
	topic := m.Topic()
	name, fromTopic, err := b.device.device(topic, m.Payload())
	if err != nil {
		b.counts.noDevice.Add(1)
		b.log.Debug("the device of a message cannot be told", "topic", topic, "error", err)
		return Message{
			Value:   m.Payload(),
			Route:   []byte(topic),
			Headers: []Header{{Key: TopicHeader, Value: []byte(topic)}},
		}
	}
	r := Message{Key: append([]byte(nil), name...), Value: m.Payload()}
	if fromTopic {
		r.Headers = []Header{{Key: ingest.DeviceHeader, Value: r.Key}}
	}
	return r
}

// acknowledge settles messages in order of arrival.
func (b *Bridge) acknowledge(work context.Context) {
	for {
		var d *delivery
		select {
		case <-work.Done():
			return
		case d = <-b.order:
		}
		if d.passed != nil {
			close(d.passed)
			continue
		}
		select {
		case <-work.Done():
			return
		case err := <-d.result:
			b.settle(d, err)
		}
	}
}

func (b *Bridge) settle(d *delivery, err error) {
	defer b.release(d)
	if err != nil {
		d.from.fail(err)
		return
	}
	if d.message.Qos() > 0 && d.from.acknowledge(d.message) {
		b.counts.acked.Add(1)
	}
}

func (b *Bridge) release(d *delivery) {
	b.bytes.Release(d.weight)
	<-b.slots
}
