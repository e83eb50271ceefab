package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"sync"
	"time"
)

// httpsFiles are the files of TLS on the listener of --http. All empty: there is none.
type httpsFiles struct {
	Cert, Key string
	ClientCA  string // whose certificates clients must show; empty: they need none
}

// check says what of the flags does not fit together.
func (f httpsFiles) check() error {
	switch {
	case (f.Cert == "") != (f.Key == ""):
		return errors.New("--http-cert and --http-key go together")
	case f.ClientCA != "" && f.Cert == "":
		return errors.New("--http-client-ca needs --http-cert and --http-key")
	}
	return nil
}

func (f httpsFiles) used() bool { return f.Cert != "" }

// certificates are what the files of TLS hold. They are read again when they change; while what they hold then cannot be used, what
// they held before stays in force.
type certificates struct {
	files httpsFiles
	log   *slog.Logger
	now   func() time.Time

	mu     sync.Mutex
	looked time.Time
	stamps [3]fileStamp
	config *tls.Config
}

// fileStamp tells a file from the one that was there before.
type fileStamp struct {
	size int64
	time time.Time
}

// lookAtCertificates is how long after a look the next handshake looks at the files again.
const lookAtCertificates = time.Second

func openCertificates(f httpsFiles, log *slog.Logger) (*certificates, error) {
	c := &certificates{files: f, log: log, now: time.Now}
	c.stamps = c.stampsNow()
	var err error
	c.config, err = c.read()
	return c, err
}

// tls is what the listener is configured with.
func (c *certificates) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return c.inForce(), nil
	}}
}

func (c *certificates) inForce() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookAtCertificates {
		c.looked = now
		if stamps := c.stampsNow(); stamps != c.stamps {
			c.stamps = stamps
			if config, err := c.read(); err != nil {
				c.log.Warn("changed certificates not taken", "reason", err)
			} else {
				c.config = config
				c.log.Info("changed certificates taken")
			}
		}
	}
	return c.config
}

func (c *certificates) stampsNow() (stamps [3]fileStamp) {
	for i, path := range []string{c.files.Cert, c.files.Key, c.files.ClientCA} {
		if info, err := os.Stat(path); err == nil {
			stamps[i] = fileStamp{info.Size(), info.ModTime()}
		}
	}
	return stamps
}

func (c *certificates) read() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return nil, fmt.Errorf("--http-cert and --http-key: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: []tls.Certificate{pair}}
	if c.files.ClientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(c.files.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("--http-client-ca: %w", err)
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--http-client-ca: %q holds no certificate", c.files.ClientCA)
	}
	return config, nil
}

// checkAdvertised checks the value of --advertise-url.
func checkAdvertised(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || len(text) > maxAdvertised {
		return fmt.Errorf("--advertise-url %q must be a URL such as http://10.0.0.7:9464", text)
	}
	return nil
}

// maxAdvertised bounds what every member of the group hears.
const maxAdvertised = 500

// advertised is the URL under which other machines reach a listener: none where it listens on loopback.
func advertised(at net.Addr, secure bool) string {
	tcp, ok := at.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() {
		return ""
	}
	host := tcp.IP.String()
	if len(tcp.IP) == 0 || tcp.IP.IsUnspecified() {
		name, err := os.Hostname()
		if err != nil {
			return ""
		}
		host = name
	}
	scheme := "http"
	if secure {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}

// secure puts TLS onto the listener, and lets others know of the API where they can ask it.
func (o *outside) secure(options runOptions) error {
	if options.HTTPS.used() {
		var err error
		if o.tls, err = openCertificates(options.HTTPS, options.Logger); err != nil {
			return err
		}
		o.api.certified = options.HTTPS.ClientCA != ""
	}
	url := options.Advertise
	if url == "" && (options.Token != "" || o.api.certified) {
		url = advertised(o.listener.Addr(), o.tls != nil)
	}
	o.advertise(url)
	return nil
}
