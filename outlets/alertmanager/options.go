package alertmanager

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/weirstream/weir/outlets"
)

// Options says which Alertmanager, and how to send.
type Options struct {
	// URL is where it is, http or https, without /api/v2: http://localhost:9093, or with a path before that.
	URL string
	// Username and Password are sent as basic authentication, Token as a bearer token; each where it is not empty.
	Username, Password, Token string
	TLS                       *tls.Config
	// Dial and DialTLS connect for http and https, the latter with TLS agreed and in place of TLS; nil: the client's own ways.
	Dial, DialTLS func(ctx context.Context, network, address string) (net.Conn, error)
	// Login gives what the three above are now, for each request; nil: they do not change.
	Login func() (user, password, token string, err error)
	// Refusal says what a status of 401, 403 or 407 means; nil: nothing.
	Refusal func(status int) error

	Resend time.Duration // between two statements that an alert fires; 0 is 1 m, the least is 10 ms
	// GeneratorURL is a template (outlets.Template) of the link of an alert; empty: none.
	GeneratorURL string

	Timeout time.Duration // of one request; 0 is 10 s
	Logger  *slog.Logger  // nil logs nothing
}

const (
	leastResend    = 10 * time.Millisecond
	defaultResend  = time.Minute
	defaultTimeout = 10 * time.Second
)

// New makes the receiver. It connects to nothing before the first alert.
func New(o Options) (*Alertmanager, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("alertmanager: url is not one such as http://localhost:9093") // which may hold a password
	}
	if o.Resend == 0 {
		o.Resend = defaultResend
	}
	if o.Resend < leastResend {
		return nil, fmt.Errorf("alertmanager: resend=%s must be at least %s", o.Resend, leastResend)
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	link, err := outlets.ParseTemplate(o.GeneratorURL)
	if err != nil {
		return nil, fmt.Errorf("alertmanager: generator url: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = o.TLS
	if o.Dial != nil {
		transport.DialContext = o.Dial
	}
	if o.DialTLS != nil {
		transport.DialTLSContext = o.DialTLS
	}
	if o.Login == nil {
		o.Login = func() (string, string, string, error) { return o.Username, o.Password, o.Token, nil }
	}
	// Of lines there is one for each partition.
	transport.MaxIdleConnsPerHost = 16
	return &Alertmanager{
		o: o, link: link, log: o.Logger.With("alertmanager", u.Redacted()),
		target: strings.TrimSuffix(u.String(), "/") + "/api/v2/alerts",
		client: &http.Client{Transport: transport, Timeout: o.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}
