package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/weirstream/weir/outlets"
)

const (
	keepAlive      = 30 * time.Second
	pingTimeout    = 10 * time.Second
	defaultTimeout = 10 * time.Second
	quiesce        = 100 // ms
)

// Options says where to publish to, and how.
type Options struct {
	Broker string // tcp://host:port or ssl://host:port
	// ClientID must be this process's own: a broker ends the connection of whoever had it before.
	ClientID string
	Username string
	Password string
	TLS      *tls.Config
	// Open connects to a broker, and Login gives user and password, both anew for each connection; nil: the client's own way with TLS,
	// Username and Password.
	Open  func(broker *url.URL, timeout time.Duration) (net.Conn, error)
	Login func() (user, password string)
	// Explain says which setting an error of the connection is about; nil: it is told as it is.
	Explain func(error) error

	Topic  string // a template (outlets.Template)
	QoS    byte   // with 0 an alert counts as delivered when it is written to the socket, and may be lost
	Retain bool

	Timeout time.Duration // to connect, and from a publish to its acknowledgement; 0 is 10 s
	Logger  *slog.Logger  // nil logs nothing
}

// Publisher is a receiver for outlets. All partitions share one connection.
type Publisher struct {
	o     Options
	topic outlets.Template
	log   *slog.Logger

	connecting chan struct{} // holds one while somebody connects

	mu   sync.Mutex
	link *link // nil: none
}

// link is one connection, never used again once it is lost.
type link struct {
	client paho.Client
	lost   chan struct{} // closed at its end
	why    error         // set before
	once   sync.Once
}

func (l *link) end(err error) {
	l.once.Do(func() {
		l.why = err
		close(l.lost)
	})
}

// New makes a publisher. It connects at the first alert.
func New(o Options) (*Publisher, error) {
	if o.Broker == "" || o.ClientID == "" || o.Topic == "" {
		return nil, errors.New("alerts to mqtt: broker, client id and topic are needed")
	}
	if o.QoS > 2 {
		return nil, fmt.Errorf("alerts to mqtt: qos=%d must be 0, 1 or 2", o.QoS)
	}
	topic, err := outlets.ParseTemplate(o.Topic)
	if err != nil {
		return nil, fmt.Errorf("alerts to mqtt: topic: %w", err)
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Publisher{o: o, topic: topic, log: o.Logger.With("client_id", o.ClientID), connecting: make(chan struct{}, 1)}, nil
}

// Open implements outlets.Receiver.
func (p *Publisher) Open(int32) outlets.Line { return line{p} }

// Close implements outlets.Receiver.
func (p *Publisher) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil {
		p.link.client.Disconnect(quiesce)
		p.link = nil
	}
}

// present is the connection there is; nil: there is none.
func (p *Publisher) present() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil {
		select {
		case <-p.link.lost:
			p.link = nil
		default:
		}
	}
	return p.link
}

// connect returns the connection there is, or makes one. Partitions wait for who makes it, but not beyond their own time.
func (p *Publisher) connect(ctx context.Context) (*link, error) {
	select {
	case p.connecting <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-p.connecting }()
	if l := p.present(); l != nil {
		return l, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := &link{lost: make(chan struct{})}
	o := paho.NewClientOptions().
		AddBroker(p.o.Broker).SetClientID(p.o.ClientID).SetUsername(p.o.Username).SetPassword(p.o.Password).
		SetProtocolVersion(4).SetCleanSession(true).
		SetAutoReconnect(false).SetConnectRetry(false).
		SetConnectTimeout(p.o.Timeout).SetWriteTimeout(p.o.Timeout).SetKeepAlive(keepAlive).SetPingTimeout(pingTimeout).
		SetConnectionLostHandler(func(_ paho.Client, err error) { l.end(fmt.Errorf("connection lost: %w", err)) })
	if p.o.TLS != nil {
		o.SetTLSConfig(p.o.TLS)
	}
	if p.o.Open != nil {
		o.SetCustomOpenConnectionFn(func(broker *url.URL, of paho.ClientOptions) (net.Conn, error) {
			return p.o.Open(broker, of.ConnectTimeout)
		})
	}
	if p.o.Login != nil {
		o.SetCredentialsProvider(p.o.Login)
	}
	l.client = paho.NewClient(o)
	token := l.client.Connect()
	timer := time.NewTimer(p.o.Timeout)
	defer timer.Stop()
	var err error
	select {
	case <-token.Done():
		err = token.Error()
	case <-timer.C:
		err = fmt.Errorf("no answer in %s", p.o.Timeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		l.client.Disconnect(0)
		return nil, fmt.Errorf("connect to the mqtt broker: %w", p.o.explain(err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.link = l
	p.log.Info("connected to the mqtt broker for alerts")
	return l, nil
}

// drop ends a connection that cannot be trusted.
func (p *Publisher) drop(l *link, why error) {
	l.end(why)
	l.client.Disconnect(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link == l {
		p.link = nil
	}
}

// line publishes one partition. Order per device is that of the calls on one connection.
type line struct{ p *Publisher }

// Deliver implements outlets.Line.
func (l line) Deliver(ctx context.Context, batch []*outlets.Alert) (outlets.Result, error) {
	p := l.p
	conn, err := p.connect(ctx)
	if err != nil {
		return outlets.Result{}, err
	}
	tokens := make([]paho.Token, len(batch)) // nil: refused
	for i, a := range batch {
		topic, err := topicOf(p.topic, a)
		if err != nil {
			p.log.Error("an alert cannot be published; it is left out", "partition", a.Partition, "offset", a.Offset, "error", err)
			continue
		}
		tokens[i] = conn.client.Publish(topic, p.o.QoS, p.o.Retain, a.Record)
	}
	var result outlets.Result
	limit := time.NewTimer(p.o.Timeout)
	defer limit.Stop()
	for _, token := range tokens {
		if token == nil {
			result.Done++
			result.Refused++
			continue
		}
		select {
		case <-token.Done():
			err = token.Error()
		case <-conn.lost:
			err = conn.why
		case <-limit.C:
			err = fmt.Errorf("no acknowledgement in %s", p.o.Timeout)
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			// Whatever of it still arrives arrives before what comes on the next connection.
			p.drop(conn, err)
			return result, fmt.Errorf("publish alerts: %w", err)
		}
		result.Done++
	}
	return result, nil
}
