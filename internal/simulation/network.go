package simulation

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	errCut    = errors.New("the process is dead")
	errBroken = errors.New("connection broken")
)

// network joins processes to the brokers, all in memory and in virtual time.
type network struct {
	virtual kfake.VirtualNetwork
	// beforeTrim is asked to wait until whoever needs the records that a
	// DeleteRecords request deletes has read them.
	beforeTrim func(req *kmsg.DeleteRecordsRequest)
	slowest    time.Duration // request of a link, about
}

// fate is what becomes of a request and its reply.
type fate int

const (
	arrives      fate = iota
	isLost            // the connection breaks before the request reaches the broker
	replyLost         // the broker acts on it, and the connection breaks before the reply is read
	arrivesLate       // it lies in a buffer for a while, and its sender may give up meanwhile
	replyLate         // the reply lies in a buffer for a while
	dieBefore         // the process dies just before the request reaches the broker
	dieAfter          // the process dies just after the broker has it
	stallsBefore      // nothing of the process goes through for a while, this request first
)

func (f fate) String() string {
	return [...]string{"arrives", "is lost", "loses its reply", "arrives late", "gets its reply late", "is the last before death", "arrives, then death", "stalls"}[f]
}

// link is the network of one life of a process.
type link struct {
	net   *network
	who   string
	judge func(key kmsg.Key) (fate, time.Duration) // called for each request, in order of a connection
	die   func(why string)

	slowest time.Duration // request, but for faults
	salt    uint64

	mu    sync.Mutex
	dead  bool
	gate  chan struct{} // not nil: closed when the process goes on
	conns map[*relay]struct{}
	quiet bool // no more faults
}

func newLink(n *network, who string, salt uint64) *link {
	return &link{net: n, who: who, slowest: n.slowest, salt: salt, conns: map[*relay]struct{}{}}
}

// latency is how long a request is on its way. It is never nothing: a client that
// asks again at once would stop virtual time.
func (l *link) latency(n uint64) time.Duration {
	n = (n + l.salt) * 0x9e3779b97f4a7c15
	n ^= n >> 29
	return l.slowest/8 + time.Duration(n%uint64(l.slowest))
}

// dial is the dialer of the process's Kafka clients.
func (l *link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := l.pass(ctx.Done()); err != nil {
		return nil, err
	}
	server, err := l.net.virtual.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	client, inner := net.Pipe()
	r := &relay{link: l, inner: inner, server: server, fates: map[int32]verdict{}, closed: make(chan struct{})}
	l.mu.Lock()
	if l.dead {
		l.mu.Unlock()
		_, _ = server.Close(), client.Close()
		return nil, errCut
	}
	l.conns[r] = struct{}{}
	l.mu.Unlock()
	go r.up()
	go r.down()
	return client, nil
}

// pass waits while the process is frozen.
func (l *link) pass(give <-chan struct{}) error {
	for {
		l.mu.Lock()
		dead, gate := l.dead, l.gate
		l.mu.Unlock()
		switch {
		case dead:
			return errCut
		case gate == nil:
			return nil
		}
		select {
		case <-gate:
		case <-give:
			return errBroken
		}
	}
}

// freeze lets nothing through until thaw.
func (l *link) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gate == nil && !l.dead && !l.quiet {
		l.gate = make(chan struct{})
	}
}

func (l *link) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gate != nil {
		close(l.gate)
		l.gate = nil
	}
}

// calm ends all faults of the link.
func (l *link) calm() {
	l.mu.Lock()
	l.quiet = true
	l.mu.Unlock()
	l.thaw()
}

func (l *link) calmed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.quiet
}

// cut ends all connections; none is made any more.
func (l *link) cut() {
	l.mu.Lock()
	l.dead = true
	conns := l.conns
	l.conns = map[*relay]struct{}{}
	l.mu.Unlock()
	l.thaw()
	for r := range conns {
		r.close()
	}
}

// relay is one connection: what the client writes goes up to the broker, what
// that answers comes down.
type relay struct {
	link          *link
	inner, server net.Conn
	once          sync.Once
	closed        chan struct{}

	mu    sync.Mutex
	fates map[int32]verdict // by correlation id
	open  int               // requests that reached the broker and are not answered
	gone  bool              // no more will
}

type verdict struct {
	fate  fate
	after time.Duration
}

// close breaks the client's side. The broker's side is closed by whoever uses it
// last.
func (r *relay) close() {
	r.once.Do(func() {
		close(r.closed)
		_ = r.inner.Close()
		r.link.mu.Lock()
		delete(r.link.conns, r)
		r.link.mu.Unlock()
	})
}

// up carries requests.
func (r *relay) up() {
	defer func() {
		r.close()
		r.hangUp()
	}()
	for {
		frame, err := readFrame(r.inner)
		if err != nil {
			return
		}
		if !r.request(frame) {
			return
		}
	}
}

// hangUp closes the broker's side when all that reached it is answered. A broker
// whose client has gone away still writes to the socket; kfake, which would see
// at once that nobody reads, keeps a member of a group for ever whose join it
// could not answer.
func (r *relay) hangUp() {
	r.mu.Lock()
	r.gone = true
	idle := r.open == 0
	r.mu.Unlock()
	if idle {
		_ = r.server.Close()
	}
}

// request carries one request to its fate; false: it was the connection's last.
func (r *relay) request(frame []byte) bool {
	key := kmsg.Key(binary.BigEndian.Uint16(frame[4:]))
	correlation := int32(binary.BigEndian.Uint32(frame[8:]))
	if r.link.pass(nil) != nil {
		return false
	}
	time.Sleep(r.link.latency(uint64(correlation)))
	f, after := r.link.judge(key)
	if key == kmsg.DeleteRecords {
		r.trim(frame)
	}
	switch f {
	case isLost:
		return false
	case dieBefore:
		r.link.die("before " + key.Name())
		return false
	case stallsBefore:
		r.link.freeze()
		time.AfterFunc(after, r.link.thaw)
		if r.link.pass(nil) != nil {
			return false
		}
	case arrivesLate:
		time.Sleep(after) // whether or not its sender still waits
	}
	r.mu.Lock()
	r.open++
	if f != arrives {
		r.fates[correlation] = verdict{f, after}
	}
	r.mu.Unlock()
	if _, err := r.server.Write(frame); err != nil {
		return false
	}
	if f == dieAfter {
		r.link.die("after " + key.Name())
		return false
	}
	return true
}

// trim waits until the journal's reader has what is about to be deleted.
func (r *relay) trim(frame []byte) {
	req := kmsg.NewPtrDeleteRecordsRequest()
	if err := parseRequest(frame, req); err == nil {
		r.link.net.beforeTrim(req)
	}
}

// down carries replies, to the last one though nobody reads it.
func (r *relay) down() {
	defer func() {
		r.close()
		_ = r.server.Close()
	}()
	for {
		frame, err := readFrame(r.server)
		if err != nil {
			return
		}
		correlation := int32(binary.BigEndian.Uint32(frame[4:]))
		r.mu.Lock()
		v := r.fates[correlation]
		delete(r.fates, correlation)
		r.open--
		last := r.gone && r.open == 0
		r.mu.Unlock()
		if !r.deliver(frame, v) {
			r.close()
		}
		if last {
			return
		}
	}
}

// deliver brings a reply to its fate; false: it was the connection's last.
func (r *relay) deliver(frame []byte, v verdict) bool {
	switch v.fate {
	case replyLost:
		return false
	case replyLate:
		select {
		case <-time.After(v.after):
		case <-r.closed:
			return false
		}
	}
	if r.link.pass(r.closed) != nil {
		return false
	}
	_, err := r.inner.Write(frame)
	return err == nil
}

// readFrame reads one message with its length.
func readFrame(from io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(from, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	frame := make([]byte, 4+n)
	copy(frame, size[:])
	if n < 8 {
		return nil, errBroken
	}
	_, err := io.ReadFull(from, frame[4:])
	return frame, err
}
