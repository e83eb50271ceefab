package kafkaproxy

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// errUnknown is for requests newer than this code.
var errUnknown = errors.New("unknown to the proxy")

// Verdict is what happens to a message.
type Verdict int

// The verdicts; the package comment tells what each means.
const (
	Pass Verdict = iota
	Cut
	Swallow
)

// Options say what a proxy stands before.
type Options struct {
	// Brokers are addresses of the cluster, host:port. Those of brokers not named here are learnt from replies.
	Brokers []string
	// Host is the address to listen on, and to tell clients; empty is 127.0.0.1.
	Host string
}

// Proxy is open between Listen and Close. Its methods may be called from several goroutines.
type Proxy struct {
	host  string
	seeds []string

	mu        sync.Mutex
	rule      func(Message) Verdict
	delay     time.Duration
	listeners map[address]net.Listener // by the broker behind it
	links     map[*link]bool
	errs      []error
	closed    bool
	running   sync.WaitGroup
}

// Listen opens a proxy that passes everything.
func Listen(o Options) (*Proxy, error) {
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	p := &Proxy{host: o.Host, listeners: map[address]net.Listener{}, links: map[*link]bool{}}
	for _, broker := range o.Brokers {
		at, err := parseAddress(broker)
		if err == nil {
			at, err = p.own(at)
		}
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("proxy for %s: %w", broker, err)
		}
		p.seeds = append(p.seeds, at.String())
	}
	return p, nil
}

func parseAddress(text string) (address, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return address{}, err
	}
	n, err := strconv.ParseInt(port, 10, 32)
	return address{host, int32(n)}, err
}

func (a address) String() string { return net.JoinHostPort(a.host, strconv.Itoa(int(a.port))) }

// Addr is where clients begin: the addresses that stand for Options.Brokers, with commas between.
func (p *Proxy) Addr() string { return strings.Join(p.seeds, ",") }

// SetRule makes every message from now on subject to a rule; nil passes all. The rule is called from several goroutines.
func (p *Proxy) SetRule(rule func(Message) Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

// SetDelay makes every reply from now on arrive so much later. Replies keep their order and do not wait for each other's delay.
func (p *Proxy) SetDelay(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// Sever hangs up on everybody; clients may connect again.
func (p *Proxy) Sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.hangUp()
	}
}

// Err returns what the proxy could not understand, joined; a test that uses it should find nil.
func (p *Proxy) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.errs...)
}

// Close hangs up on everybody and returns when all is quiet.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	for _, l := range p.listeners {
		_ = l.Close() // of a listener that only accepts, nothing can be lost
	}
	for l := range p.links {
		l.hangUp()
	}
	p.mu.Unlock()
	p.running.Wait()
}

// own is the proxy's address for a broker; a new broker gets a listener.
func (p *Proxy) own(broker address) (address, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	listener, known := p.listeners[broker]
	if !known {
		if p.closed {
			return address{}, net.ErrClosed
		}
		var err error
		if listener, err = net.Listen("tcp", net.JoinHostPort(p.host, "0")); err != nil {
			return address{}, err
		}
		p.listeners[broker] = listener
		p.running.Go(func() { p.accept(listener, broker) })
	}
	return address{p.host, int32(listener.Addr().(*net.TCPAddr).Port)}, nil
}

func (p *Proxy) accept(listener net.Listener, broker address) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client, broker) })
	}
}

// serve forwards one connection until either side hangs up.
func (p *Proxy) serve(client net.Conn, broker address) {
	upstream, err := net.DialTimeout("tcp", broker.String(), 5*time.Second)
	if err != nil {
		_ = client.Close() // the broker is down: so is its stand-in
		return
	}
	l := newLink(p, client, upstream)
	p.mu.Lock()
	p.links[l] = true
	if p.closed {
		l.hangUp()
	}
	p.mu.Unlock()
	err = l.run()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	if errors.Is(err, errFrame) || errors.Is(err, errUnknown) {
		p.errs = append(p.errs, err)
	}
}

// judge asks the rule.
func (p *Proxy) judge(m Message) Verdict {
	p.mu.Lock()
	rule := p.rule
	p.mu.Unlock()
	if rule == nil {
		return Pass
	}
	return rule(m)
}

func (p *Proxy) replyDelay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}
