package fleet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Publisher sends messages. It is for one goroutine.
type Publisher interface {
	// Publish sends m, in order within a device. It may return before m has
	// arrived, and then an error of an earlier message.
	Publish(ctx context.Context, m Message) error
	// Close waits until everything has arrived and hangs up.
	Close(ctx context.Context) error
}

// MQTTOptions says how to publish to an MQTT broker.
type MQTTOptions struct {
	Broker   string // tcp://host:port
	Username string
	Password string
	ClientID string // of the gateways, which append their number; empty is "weir-simulate"
	// Open opens a connection, and Login gives user and password for it in place of those above; nil: the client's own ways.
	Open     func(broker *url.URL, timeout time.Duration) (net.Conn, error)
	Login    func() (user, password string)
	Gateways int // connections; each device keeps to one; 0 is 4
	Window   int // messages a gateway has under way; 0 is 256
}

// mqttPublisher publishes with QoS 1.
type mqttPublisher struct{ gateways []*gateway }

// gateway is one connection. It waits for the oldest message under way when
// its window is full.
type gateway struct {
	client paho.Client
	store  paho.Store   // what the broker has not acknowledged
	window []paho.Token // a ring
	oldest int
	held   int
}

// OpenMQTT connects the gateways. They reconnect by themselves and send again
// what was not acknowledged, as gateways do: it may then come twice, and behind
// newer messages.
func OpenMQTT(o MQTTOptions) (Publisher, error) {
	if o.Gateways <= 0 {
		o.Gateways = 4
	}
	if o.Window <= 0 {
		o.Window = 256
	}
	if o.ClientID == "" {
		o.ClientID = "weir-simulate"
	}
	p := &mqttPublisher{}
	for i := range o.Gateways {
		store := paho.NewOrderedMemoryStore()
		options := paho.NewClientOptions().
			AddBroker(o.Broker).
			SetClientID(fmt.Sprintf("%s-%d", o.ClientID, i)).
			SetUsername(o.Username).SetPassword(o.Password).
			SetCleanSession(true).
			SetStore(store).
			SetConnectTimeout(5 * time.Second).
			SetMaxReconnectInterval(2 * time.Second).
			SetPingTimeout(time.Minute) // a broker that holds back answers no pings
		if o.Open != nil {
			options.SetCustomOpenConnectionFn(func(broker *url.URL, of paho.ClientOptions) (net.Conn, error) {
				return o.Open(broker, of.ConnectTimeout)
			})
		}
		if o.Login != nil {
			options.SetCredentialsProvider(o.Login)
		}
		client := paho.NewClient(options)
		if token := client.Connect(); token.Wait() && token.Error() != nil {
			p.hangUp()
			return nil, fmt.Errorf("connect to mqtt broker %s: %w", o.Broker, loginRefused(token.Error()))
		}
		p.gateways = append(p.gateways, &gateway{client: client, store: store, window: make([]paho.Token, o.Window)})
	}
	return p, nil
}

func (p *mqttPublisher) Publish(ctx context.Context, m Message) error {
	h := fnv.New32a()
	_, _ = io.WriteString(h, m.Device) // a hash takes everything
	g := p.gateways[h.Sum32()%uint32(len(p.gateways))]
	if g.held == len(g.window) {
		if err := g.await(ctx); err != nil {
			return err
		}
	}
	g.window[(g.oldest+g.held)%len(g.window)] = g.client.Publish(m.Topic(), 1, false, m.JSON)
	g.held++
	return nil
}

// await waits for the oldest message under way. An error of it is that of the
// connection it was written to: the client keeps the message in its store and
// writes it again to the next one.
func (g *gateway) await(ctx context.Context) error {
	token := g.window[g.oldest]
	select {
	case <-token.Done():
	case <-ctx.Done():
		return fmt.Errorf("publish to mqtt: %w", ctx.Err())
	}
	g.window[g.oldest] = nil
	g.oldest = (g.oldest + 1) % len(g.window)
	g.held--
	if err := token.Error(); err != nil && !g.client.IsConnected() {
		return fmt.Errorf("publish to mqtt: %w", err)
	}
	return nil
}

// flush waits until the broker has acknowledged everything.
func (g *gateway) flush(ctx context.Context) error {
	for g.held > 0 {
		if err := g.await(ctx); err != nil {
			return err
		}
	}
	check := time.NewTicker(5 * time.Millisecond)
	defer check.Stop()
	for {
		open := len(g.store.All())
		if open == 0 {
			return nil
		}
		select {
		case <-check.C:
		case <-ctx.Done():
			return fmt.Errorf("publish to mqtt: %d messages were not acknowledged: %w", open, ctx.Err())
		}
	}
}

func (p *mqttPublisher) Close(ctx context.Context) error {
	var errs []error
	for _, g := range p.gateways {
		errs = append(errs, g.flush(ctx))
	}
	p.hangUp()
	return errors.Join(errs...)
}

func (p *mqttPublisher) hangUp() {
	for _, g := range p.gateways {
		g.client.Disconnect(250)
	}
}

// kafkaPublisher publishes with the device as the key.
type kafkaPublisher struct {
	client *kgo.Client
	mu     sync.Mutex
	err    error // the first one
}

// OpenKafka publishes to a topic, partitioned as Kafka's Java client does.
func OpenKafka(topic string, brokers ...string) (Publisher, error) {
	return OpenKafkaWith(topic, []kgo.Opt{kgo.SeedBrokers(brokers...)})
}

// OpenKafkaWith is OpenKafka with options that say where the brokers are and how to get in.
func OpenKafkaWith(topic string, options []kgo.Opt) (Publisher, error) {
	client, err := kgo.NewClient(append(slices.Clip(options),
		kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
	)...)
	if err != nil {
		return nil, fmt.Errorf("connect to kafka: %w", err)
	}
	return &kafkaPublisher{client: client}, nil
}

func (p *kafkaPublisher) Publish(ctx context.Context, m Message) error {
	p.client.Produce(context.WithoutCancel(ctx), &kgo.Record{Key: []byte(m.Device), Value: m.JSON}, func(_ *kgo.Record, err error) {
		if err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.err == nil {
				p.err = fmt.Errorf("publish to kafka: %w", err)
			}
		}
	})
	return p.first()
}

func (p *kafkaPublisher) first() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *kafkaPublisher) Close(ctx context.Context) error {
	defer p.client.Close()
	if err := p.client.Flush(ctx); err != nil {
		return fmt.Errorf("publish to kafka: %w", err)
	}
	return p.first()
}

// linePublisher writes one message a line.
type linePublisher struct{ w *bufio.Writer }

// OpenLines writes newline-delimited JSON to w.
func OpenLines(w io.Writer) Publisher { return &linePublisher{w: bufio.NewWriter(w)} }

func (p *linePublisher) Publish(_ context.Context, m Message) error {
	_, err := p.w.Write(append(m.JSON, '\n'))
	return err
}

func (p *linePublisher) Close(context.Context) error { return p.w.Flush() }
