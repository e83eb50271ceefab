package access

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/proxy"

	"github.com/weirstream/weir/configs"
)

const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
)

// DoorOptions say where connections go.
type DoorOptions struct {
	// Setting is the section of the pipeline file, such as kafka; Address the key in it with the address.
	Setting, Address string
	// Known are the addresses that stand there, host:port; others were heard of from the server. Empty: all are known.
	Known []string
	// TLS is the section tls; nil: the connection is not encrypted.
	TLS *configs.TLS
	// Proxy goes through the SOCKS proxy of $ALL_PROXY where there is one.
	Proxy bool
}

// Door opens connections. It may be used by several goroutines.
type Door struct {
	o   DoorOptions
	tls *encryption // nil: plain
}

// NewDoor checks that the files of TLS are there and will do.
func NewDoor(o DoorOptions) (*Door, error) {
	d := &Door{o: o}
	if o.TLS != nil {
		d.tls = &encryption{setting: o.Setting + ".tls", files: *o.TLS}
		if err := d.tls.check(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Dial connects to host:port and, where that is set, has TLS agreed when it returns. Errors are *Error, and so are those of the
// connection up to the first answer of the server.
func (d *Door) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := d.connect(ctx, network, address)
	if err != nil {
		return nil, d.unreachable(address, err)
	}
	c := &conn{Conn: raw, door: d, address: address}
	if d.tls == nil {
		return c, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	config, err := d.tls.config(host, &c.asked)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	secure := tls.Client(raw, config)
	limit, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := secure.HandshakeContext(limit); err != nil {
		_ = raw.Close()
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, d.tls.handshook(address, c.asked.Load(), err)
	}
	c.Conn = secure
	return c, nil
}

func (d *Door) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if d.o.Proxy {
		return proxy.Dial(ctx, network, address)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, address)
}

func (d *Door) unreachable(address string, err error) error {
	setting := d.o.Setting + "." + d.o.Address
	reason := address + " cannot be reached"
	if len(d.o.Known) > 0 && !slices.Contains(d.o.Known, address) {
		reason = address + ", as which a broker makes itself known (advertised.listeners), cannot be reached"
	}
	return &Error{Setting: setting, Reason: reason, Err: err}
}

// conn is a connection that says what it means when it ends before the server has said anything.
type conn struct {
	net.Conn
	door    *Door
	address string
	asked   atomic.Bool // the server wanted a certificate
	heard   atomic.Bool // the server has answered
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.heard.Load() {
		return n, err
	}
	if n > 0 && c.door.tls == nil && b[0] == tlsAlert && (n == 1 || b[1] == tlsMajor) {
		return 0, &Error{Setting: c.door.o.Setting + ".tls", Reason: c.address + " speaks TLS on this port; write tls: {}, or tls: {ca: ca.pem}", Final: true}
	}
	if n > 0 {
		c.heard.Store(true)
	}
	if err != nil && n == 0 {
		err = c.hungUp(err)
	}
	return n, err
}

// The first bytes of an alert of TLS, as a server sends it that was not greeted in TLS (RFC 8446 section 5.1).
const (
	tlsAlert = 21
	tlsMajor = 3
)

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil && !c.heard.Load() {
		err = c.hungUp(err)
	}
	return n, err
}

// hungUp says what the end of a connection means over which nothing has come yet.
func (c *conn) hungUp(err error) error {
	tlsSetting := c.door.o.Setting + ".tls"
	switch {
	case isAlert(err):
		return c.door.tls.refused(c.address, c.asked.Load(), err)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE):
		return err
	case c.door.tls == nil:
		return &Error{Setting: tlsSetting, Reason: c.address + " hung up at the first word; it may speak TLS on this port, which tls: {} is for", Err: err}
	case c.asked.Load() && c.door.tls.files.Cert == "":
		return &Error{Setting: tlsSetting + ".cert", Reason: c.address + " asked for a certificate of weir, and hung up as none is set", Err: err}
	case c.asked.Load():
		return &Error{Setting: tlsSetting + ".cert", Reason: c.address + " hung up when it had seen the certificate " + c.door.tls.own(), Err: err}
	}
	return err
}
