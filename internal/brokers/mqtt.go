package brokers

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// MQTTOptions says how to run the MQTT broker. The zero value runs one on a
// free port.
type MQTTOptions struct {
	Port int // 0 picks a free one
	// MaxWaiting is how many unacknowledged messages of one persistent
	// session may wait before publishers are held back; 0 is 8,192.
	MaxWaiting int
}

// MQTT is a running broker.
//
// Sessions and what waits in them live in memory only. The library could write
// them to disk, but it acknowledges a publish before it stores it, so a crash
// would lose messages all the same.
type MQTT struct {
	server *mochi.Server
	order  *lossless
	addr   string
	close  func() error // the library's own panics the second time
}

const (
	defaultMaxWaiting = 8192
	mostInFlight      = 65535 // packet ids there are
)

// StartMQTT starts a broker.
func StartMQTT(o MQTTOptions) (*MQTT, error) {
	if o.MaxWaiting == 0 {
		o.MaxWaiting = defaultMaxWaiting
	}
	if o.MaxWaiting < 1 || o.MaxWaiting > mostInFlight/2 {
		return nil, fmt.Errorf("start embedded mqtt: max_waiting=%d must be 1 to %d", o.MaxWaiting, mostInFlight/2)
	}
	capabilities := mochi.NewDefaultServerCapabilities()
	// Beyond these the library drops messages that it has acknowledged.
	capabilities.MaximumInflight = mostInFlight
	capabilities.MaximumClientWritesPending = mostInFlight
	// Otherwise the creation time, which lossless uses for order, would expire them.
	capabilities.MaximumMessageExpiryInterval = 0
	server := mochi.New(&mochi.Options{
		Capabilities:             capabilities,
		Logger:                   slog.New(slog.DiscardHandler),
		ClientNetReadBufferSize:  16 << 10,
		ClientNetWriteBufferSize: 16 << 10,
	})
	order := newLossless(server, o.MaxWaiting)
	socket, err := listenTracked(net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)))
	if err != nil {
		return nil, fmt.Errorf("start embedded mqtt on port %d: %w", o.Port, err)
	}
	listener := listeners.NewNet("loopback", socket)
	if err := errors.Join(
		server.AddHook(new(auth.AllowHook), nil),
		server.AddHook(order, nil),
		server.AddListener(listener),
	); err != nil {
		socket.Close()
		return nil, fmt.Errorf("start embedded mqtt on port %d: %w", o.Port, err)
	}
	m := &MQTT{server: server, order: order, addr: listener.Address(), close: sync.OnceValue(func() error {
		order.stop()
		// Cut the connections before the library does: it takes a read lock
		// twice on the way, and a client that leaves in between locks it up.
		// And let them be gone: it may overlook one that has only just come.
		_ = socket.Close() // nobody to tell
		listener.Close(func(string) {})
		return server.Close()
	})}
	if err := server.Serve(); err != nil {
		socket.Close()
		return nil, fmt.Errorf("start embedded mqtt on port %d: %w", o.Port, err)
	}
	return m, nil
}

// Addr returns the broker's host:port.
func (m *MQTT) Addr() string { return m.addr }

// URL returns the broker's URL for MQTT clients.
func (m *MQTT) URL() string { return "tcp://" + m.addr }

// Drop cuts the connection of a client, whose session stays. It returns false
// where there is no such client connected.
func (m *MQTT) Drop(clientID string) bool {
	c, ok := m.server.Clients.Get(clientID)
	if !ok || c.Closed() {
		return false
	}
	c.Stop(net.ErrClosed)
	return true
}

// Waiting returns how many messages wait unacknowledged in a session.
func (m *MQTT) Waiting(clientID string) int {
	c, ok := m.server.Clients.Get(clientID)
	if !ok {
		return 0
	}
	return c.State.Inflight.Len()
}

// Close disconnects everybody and stops the broker. Closing it again does nothing.
func (m *MQTT) Close() error {
	return m.close()
}
