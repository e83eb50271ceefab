package mqtt

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
)

// Subscription is one topic filter. With QoS 0 the MQTT broker may lose
// messages and nobody will know; QoS 2 is delivered at least once, like 1.
type Subscription struct {
	Filter string
	QoS    byte
}

// Options says what to bridge and from where.
type Options struct {
	// Broker is a URL: tcp://host:port (or mqtt://), ssl://host:port (or
	// mqtts://, tls://), ws:// or wss://.
	Broker    string
	Subscribe []Subscription
	// ClientID names the session at the MQTT broker. It must stay the same
	// from run to run and must not be used by anybody else: the messages that
	// wait while the bridge is away wait under this name.
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
	// RefusedAtStart ends Run with an error where the broker refuses the first connection and will refuse others until somebody changes
	// something: Explain then returns an error with a method Refused that says so.
	RefusedAtStart bool

	// Device tells the device of a message: a pattern over the levels of the
	// topic, counted from 0 ("{topic.2}", "{topic.1}/{topic.2}"), or the name
	// of a top-level field of a JSON payload.
	Device string
	// DeviceOf, where set, tells the device from the message instead of
	// Device, as the payload's own field. It may be called from one goroutine
	// only and may return a slice that is valid until its next call.
	DeviceOf func(topic string, payload []byte) ([]byte, error)

	// KeepRetained passes retained messages on. They are dropped by default:
	// the broker repeats them at every connection, so a dead device would
	// look alive.
	KeepRetained bool

	MaxInFlight int   // messages taken and not yet acknowledged; 0 is 10,000
	MaxBytes    int64 // the same in bytes of topic and payload; 0 is 64 MiB

	ReconnectMin time.Duration // first wait before connecting again; 0 is 100 ms
	ReconnectMax time.Duration // longest wait; 0 is 10 s
	DrainTimeout time.Duration // how long a stop waits for Kafka; 0 is 5 s
	// NothingAfter is how long a connection has brought no message, since the bridge began, when the log asks about the filters; 0 is 1 m.
	NothingAfter time.Duration

	Logger *slog.Logger // nil logs nothing
}

const (
	defaultMaxInFlight  = 10_000
	defaultMaxBytes     = 64 << 20
	defaultReconnectMin = 100 * time.Millisecond
	defaultReconnectMax = 10 * time.Second
	defaultDrainTimeout = 5 * time.Second
	defaultNothingAfter = time.Minute
)

// ready checks o and fills in what was left out.
func (o Options) ready() (Options, error) {
	broker, err := brokerURL(o.Broker)
	if err != nil {
		return o, err
	}
	o.Broker = broker
	if o.ClientID == "" {
		return o, errors.New("mqtt: a client id is needed: without one the broker keeps no session, and messages are lost while the bridge is away")
	}
	if len(o.Subscribe) == 0 {
		return o, errors.New("mqtt: nothing to subscribe to")
	}
	for _, s := range o.Subscribe {
		if err := s.check(); err != nil {
			return o, err
		}
	}
	if o.Device == "" && o.DeviceOf == nil {
		return o, errors.New(`mqtt: device is not given: a pattern such as "{topic.2}" or the name of a field of the payload`)
	}
	if o.MaxInFlight < 0 || o.MaxBytes < 0 {
		return o, fmt.Errorf("mqtt: limits in flight must not be negative: %d messages, %d bytes", o.MaxInFlight, o.MaxBytes)
	}
	o.MaxInFlight = orDefault(o.MaxInFlight, defaultMaxInFlight)
	o.MaxBytes = orDefault(o.MaxBytes, defaultMaxBytes)
	o.ReconnectMin = orDefault(o.ReconnectMin, defaultReconnectMin)
	o.ReconnectMax = max(orDefault(o.ReconnectMax, defaultReconnectMax), o.ReconnectMin)
	o.DrainTimeout = orDefault(o.DrainTimeout, defaultDrainTimeout)
	o.NothingAfter = orDefault(o.NothingAfter, defaultNothingAfter)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

func orDefault[T int | int64 | time.Duration](v, other T) T {
	if v == 0 {
		return other
	}
	return v
}

// brokerURL checks a broker's URL. The schemes mqtt and mqtts, which people
// write, become the ones the client library knows.
func brokerURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The error of url.Parse repeats the whole URL, password included.
		return "", errors.New("mqtt: broker is not a URL such as tcp://localhost:1883")
	}
	switch u.Scheme {
	case "mqtt":
		u.Scheme = "tcp"
	case "mqtts", "tls":
		u.Scheme = "ssl"
	case "tcp", "ssl", "ws", "wss":
	default:
		return "", fmt.Errorf("mqtt: broker %q: the scheme must be tcp, ssl, ws or wss", u.Redacted())
	}
	if u.Host == "" {
		return "", fmt.Errorf("mqtt: broker %q has no host", u.Redacted())
	}
	return u.String(), nil
}

// check applies the rules of MQTT 3.1.1 section 4.7 to the filter.
func (s Subscription) check() error {
	if s.QoS > 2 {
		return fmt.Errorf("mqtt: filter %q: qos=%d must be 0, 1 or 2", s.Filter, s.QoS)
	}
	if s.Filter == "" || strings.ContainsRune(s.Filter, 0) || len(s.Filter) > 65535 {
		return fmt.Errorf("mqtt: filter %q must have 1 to 65,535 bytes and no NUL", s.Filter)
	}
	levels := strings.Split(s.Filter, "/")
	for i, level := range levels {
		if strings.Contains(level, "#") && (level != "#" || i != len(levels)-1) {
			return fmt.Errorf("mqtt: filter %q: # must be the whole last level", s.Filter)
		}
		if strings.Contains(level, "+") && level != "+" {
			return fmt.Errorf("mqtt: filter %q: + must be a whole level", s.Filter)
		}
	}
	return nil
}
