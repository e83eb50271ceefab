package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const (
	connectTimeout = 10 * time.Second
	keepAlive      = 30 * time.Second
	// While the bridge holds back, it reads nothing from the socket, answers
	// to pings included. Short of this the client would take it for a dead broker.
	pingTimeout   = 30 * time.Second
	quiesce       = 250 // ms for the acknowledgements before DISCONNECT
	overhead      = 256 // bytes a held message costs beside topic and payload
	subscribeFail = 0x80
)

var errStopped = errors.New("stopped")

// connection is one epoch: one client, one MQTT connection, never reused.
//
// The client does not reconnect by itself. It would carry on under the same
// handlers, and a message of the old connection could no longer be told from
// the same packet id on the new one.
type connection struct {
	bridge *Bridge
	client paho.Client

	refused atomic.Bool // Kafka refused a message of it: send no more of them
	lost    atomic.Bool // the network connection is gone: there is nobody to acknowledge to
	// received is set when the subscriptions stand: messages come. Used by Bridge.connect only.
	received bool
	failed   bool // an earlier message was not settled: acknowledge no more. Used by the acknowledging goroutine only

	intake context.Context         // done, with the cause, when nothing more may be taken in
	end    context.CancelCauseFunc // ends the intake; the first cause stays

	subscribed chan error
}

func newConnection(b *Bridge) *connection {
	c := &connection{bridge: b, subscribed: make(chan error, 1)}
	c.intake, c.end = context.WithCancelCause(context.Background())
	c.client = paho.NewClient(c.options())
	return c
}

func (c *connection) options() *paho.ClientOptions {
	o := c.bridge.o
	po := paho.NewClientOptions().
		AddBroker(o.Broker).
		SetClientID(o.ClientID).
		SetUsername(o.Username).
		SetPassword(o.Password).
		SetProtocolVersion(4).
		SetCleanSession(false).
		SetOrderMatters(true).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetConnectTimeout(connectTimeout).
		SetKeepAlive(keepAlive).
		SetPingTimeout(pingTimeout).
		SetAutoAckDisabled(true).
		// The default handler, set before Connect: the messages of the
		// persistent session arrive before any Subscribe could add a route.
		SetDefaultPublishHandler(c.receive).
		SetOnConnectHandler(c.subscribe).
		SetConnectionLostHandler(func(_ paho.Client, err error) {
			c.lost.Store(true)
			c.end(fmt.Errorf("connection lost: %w", err))
		})
	if o.TLS != nil {
		po.SetTLSConfig(o.TLS)
	}
	if o.Open != nil {
		po.SetCustomOpenConnectionFn(func(broker *url.URL, of paho.ClientOptions) (net.Conn, error) {
			return o.Open(broker, of.ConnectTimeout)
		})
	}
	if o.Login != nil {
		po.SetCredentialsProvider(o.Login)
	}
	return po
}

// open connects and subscribes.
func (c *connection) open(ctx context.Context) error {
	token := c.client.Connect()
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("connect: %w", c.bridge.o.explain(err))
		}
	case <-ctx.Done():
		return errStopped
	}
	c.bridge.counts.connections.Add(1)
	select {
	case err := <-c.subscribed:
		return err
	case <-c.intake.Done():
		return context.Cause(c.intake)
	case <-ctx.Done():
		return errStopped
	}
}

// subscribe runs when the connection is up. It subscribes each time, since the
// broker may have lost the session.
func (c *connection) subscribe(client paho.Client) {
	filters := make(map[string]byte, len(c.bridge.o.Subscribe))
	for _, s := range c.bridge.o.Subscribe {
		filters[s.Filter] = max(filters[s.Filter], s.QoS)
	}
	// No handler of its own: a message that matches two filters would be
	// handled twice.
	token := client.SubscribeMultiple(filters, nil)
	select {
	case <-token.Done():
	case <-c.intake.Done():
		return
	case <-time.After(connectTimeout):
		c.subscribed <- errors.New("subscribe: the broker does not answer")
		return
	}
	if err := token.Error(); err != nil {
		c.subscribed <- fmt.Errorf("subscribe: %w", err)
		return
	}
	if t, ok := token.(*paho.SubscribeToken); ok {
		for filter, granted := range t.Result() {
			if granted == subscribeFail {
				c.subscribed <- fmt.Errorf("subscribe: the broker refuses filter %q", filter)
				return
			}
			if granted < filters[filter] {
				c.bridge.log.Warn("the mqtt broker granted less than asked for", "filter", filter, "qos", granted)
			}
		}
	}
	c.subscribed <- nil
}

// wait returns why the connection ended.
func (c *connection) wait(ctx context.Context) error {
	select {
	case <-c.intake.Done():
		return context.Cause(c.intake)
	case <-ctx.Done():
		return errStopped
	}
}

// receive is the handler of every message. It runs on the client's own
// goroutine, one message at a time, and only enqueues. Where too much is held
// it waits, and so does the broker, by TCP.
func (c *connection) receive(_ paho.Client, m paho.Message) {
	b := c.bridge
	d := &delivery{from: c, message: m, result: make(chan error, 1)}
	d.weight = min(int64(len(m.Payload())+len(m.Topic())+overhead), b.o.MaxBytes)
	if c.intake.Err() != nil {
		return // not acknowledged: the broker keeps it
	}
	select {
	case b.slots <- struct{}{}:
	case <-c.intake.Done():
		return
	}
	if b.bytes.Acquire(c.intake, d.weight) != nil {
		<-b.slots
		return
	}
	b.counts.received.Add(1)
	if m.Duplicate() {
		b.counts.redelivered.Add(1)
	}
	b.queue <- d
}

// acknowledge sends the acknowledgement on the connection the message came
// on, unless that is gone or an earlier message of it failed. Should it be lost
// this very moment, the client drops the acknowledgement.
func (c *connection) acknowledge(m paho.Message) bool {
	if c.failed || c.lost.Load() {
		return false
	}
	m.Ack()
	return true
}

// fail ends the connection because a message of it was not settled; nothing of
// it is acknowledged from here on.
func (c *connection) fail(err error) {
	c.failed = true
	c.end(err)
}

// close disconnects. The intake has ended before.
func (c *connection) close() { c.client.Disconnect(quiesce) }

func redacted(broker string) string {
	u, err := url.Parse(broker)
	if err != nil {
		return ""
	}
	return u.Redacted()
}
