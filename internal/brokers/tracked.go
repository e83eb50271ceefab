package brokers

import (
	"net"
	"sync"
)

// trackedListener is a listener whose Close also ends what it accepted,
// connections that never said who they are included, and waits until whoever
// uses them has closed them.
type trackedListener struct {
	net.Listener
	mu     sync.Mutex
	none   *sync.Cond // open is empty
	open   map[*trackedConn]struct{}
	closed bool
}

type trackedConn struct {
	net.Conn
	from *trackedListener
}

func listenTracked(address string) (*trackedListener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	t := &trackedListener{Listener: l, open: map[*trackedConn]struct{}{}}
	t.none = sync.NewCond(&t.mu)
	return t, nil
}

func (l *trackedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &trackedConn{Conn: conn, from: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = conn.Close() // nobody will see it
		return nil, net.ErrClosed
	}
	l.open[c] = struct{}{}
	return c, nil
}

func (l *trackedListener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.open {
		_ = c.Conn.Close() // its reader sees it
	}
	for len(l.open) > 0 {
		l.none.Wait()
	}
	return err
}

func (c *trackedConn) Close() error {
	c.from.mu.Lock()
	delete(c.from.open, c)
	if len(c.from.open) == 0 {
		c.from.none.Broadcast()
	}
	c.from.mu.Unlock()
	return c.Conn.Close()
}
