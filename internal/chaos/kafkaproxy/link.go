package kafkaproxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// errCut ends a link by the verdict of a rule.
var errCut = errors.New("cut by the rule")

// repliesUnderWay is how many delayed replies of one connection may wait; one more holds the broker up.
const repliesUnderWay = 256

// link is one client's connection and the connection to the broker behind it.
type link struct {
	p                *Proxy
	client, upstream net.Conn
	cut              chan struct{} // closed when both connections are
	once             sync.Once

	mu      sync.Mutex
	pending map[int32]Message // by correlation id
}

// arrival is a reply and when it is due.
type arrival struct {
	frame []byte
	due   time.Time
}

func newLink(p *Proxy, client, upstream net.Conn) *link {
	return &link{p: p, client: client, upstream: upstream, cut: make(chan struct{}), pending: map[int32]Message{}}
}

// hangUp ends both connections at once. It may be called twice.
func (l *link) hangUp() {
	l.once.Do(func() {
		close(l.cut)
		_ = l.client.Close()
		_ = l.upstream.Close()
	})
}

// run forwards until one direction ends, and returns why.
func (l *link) run() error {
	var group sync.WaitGroup
	why := make(chan error, 3)
	late := make(chan arrival, repliesUnderWay)
	for _, direction := range []func() error{
		l.requests,
		func() error { return l.replies(late) },
		func() error { return l.deliver(late) },
	} {
		group.Go(func() {
			defer l.hangUp()
			why <- direction()
		})
	}
	group.Wait()
	return <-why
}

// requests forwards what the client asks.
func (l *link) requests() error {
	for {
		frame, err := readFrame(l.client)
		if err != nil {
			return err
		}
		h, err := parseHeader(frame)
		if err != nil {
			return err
		}
		m := Message{Key: h.key, Version: h.version, Client: h.client, frame: frame, body: h.body}
		switch l.p.judge(m) {
		case Cut:
			return errCut
		case Swallow:
			<-l.cut
			return errCut
		}
		m.Reply = true
		l.mu.Lock()
		l.pending[h.correlation] = m
		l.mu.Unlock()
		if _, err := l.upstream.Write(frame); err != nil {
			return err
		}
	}
}

// replies takes what the broker answers, for deliver to send.
func (l *link) replies(late chan<- arrival) error {
	for {
		frame, err := readFrame(l.upstream)
		if err != nil {
			return err
		}
		correlation := int32(binary.BigEndian.Uint32(frame[4:]))
		l.mu.Lock()
		m, known := l.pending[correlation]
		delete(l.pending, correlation)
		l.mu.Unlock()
		if !known {
			return fmt.Errorf("%w: reply to request %d, which was not sent", errFrame, correlation)
		}
		switch l.p.judge(m) {
		case Cut:
			return errCut
		case Swallow:
			<-l.cut
			return errCut
		}
		if frame, err = rewrite(m, frame, l.p.own); err != nil {
			return err
		}
		select {
		case late <- arrival{frame, time.Now().Add(l.p.replyDelay())}:
		case <-l.cut:
			return errCut
		}
	}
}

// deliver sends each reply when it is due.
func (l *link) deliver(late <-chan arrival) error {
	for {
		var next arrival
		select {
		case next = <-late:
		case <-l.cut:
			return errCut
		}
		if wait := time.Until(next.due); wait > 0 {
			select {
			case <-time.After(wait):
			case <-l.cut:
				return errCut
			}
		}
		if _, err := l.client.Write(next.frame); err != nil {
			return err
		}
	}
}
