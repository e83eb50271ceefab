package access

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/configs"
)

// encryption is TLS with the files of a section, which are read at each connection: certificates are replaced while weir runs.
type encryption struct {
	setting string // kafka.tls
	files   configs.TLS
}

// config reads the files. asked is set when the server wants to see a certificate.
func (e *encryption) config(host string, asked *atomic.Bool) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if e.files.ServerName != "" {
		c.ServerName = e.files.ServerName
	}
	var err error
	if c.RootCAs, err = e.authorities(); err != nil {
		return nil, err
	}
	own := &tls.Certificate{}
	if e.files.Cert != "" {
		if own, err = e.certificate(); err != nil {
			return nil, err
		}
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked.Store(true)
		return own, nil
	}
	return c, nil
}

// authorities returns whom to believe; nil: whom the system believes.
func (e *encryption) authorities() (*x509.CertPool, error) {
	if e.files.CA == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(e.files.CA)
	if err != nil {
		return nil, &Error{Setting: e.setting + ".ca", Reason: "cannot be read", Final: true, Err: err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &Error{Setting: e.setting + ".ca", Reason: fmt.Sprintf("%q holds no certificate in PEM", e.files.CA), Final: true}
	}
	return pool, nil
}

func (e *encryption) certificate() (*tls.Certificate, error) {
	for _, f := range []struct{ key, path string }{{".cert", e.files.Cert}, {".key", e.files.Key}} {
		if _, err := os.ReadFile(f.path); err != nil {
			return nil, &Error{Setting: e.setting + f.key, Reason: "cannot be read", Final: true, Err: err}
		}
	}
	pair, err := tls.LoadX509KeyPair(e.files.Cert, e.files.Key)
	if err != nil {
		return nil, &Error{Setting: e.setting + ".cert and " + e.setting + ".key", Reason: fmt.Sprintf("%q and %q are no certificate and its key", e.files.Cert, e.files.Key), Final: true, Err: err}
	}
	return &pair, nil
}

// check reads the files once and says what will not do.
func (e *encryption) check() error {
	_, err := e.config("", new(atomic.Bool))
	return err
}

// own describes the certificate that weir shows.
func (e *encryption) own() string {
	pair, err := e.certificate()
	if err != nil || pair.Leaf == nil {
		return fmt.Sprintf("%q", e.files.Cert)
	}
	says := fmt.Sprintf("%q, of %s", e.files.Cert, pair.Leaf.Subject)
	if now := time.Now(); now.After(pair.Leaf.NotAfter) {
		return says + ", which expired at " + pair.Leaf.NotAfter.UTC().Format(time.RFC3339)
	} else if now.Before(pair.Leaf.NotBefore) {
		return says + ", which is not valid before " + pair.Leaf.NotBefore.UTC().Format(time.RFC3339)
	}
	return says
}

// handshook says what ended a handshake.
func (e *encryption) handshook(address string, asked bool, err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	var timeout net.Error
	fault := func(key, reason string, final bool) error {
		return &Error{Setting: e.setting + key, Reason: reason, Final: final, Err: err}
	}
	switch {
	case errors.As(err, &unknown):
		believed := "the system's certificate authorities"
		if e.files.CA != "" {
			believed = fmt.Sprintf("%q", e.files.CA)
		}
		return fault(".ca", "the certificate of "+address+" is not from an authority in "+believed, true)
	case errors.As(err, &name):
		return fault(".server_name", "the certificate of "+address+" is for another name", true)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		until := ""
		if invalid.Cert != nil {
			until = fmt.Sprintf(" (valid from %s until %s)", invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
		}
		return fault("", "the certificate that "+address+" shows is out of date"+until+"; replace it there, or set this machine's clock", true)
	case errors.As(err, &invalid):
		return fault(".ca", "the certificate of "+address+" cannot be believed", true)
	case errors.As(err, &header):
		return fault("", address+" does not speak TLS on this port; name the port that does, or leave "+e.setting+" out", true)
	case isAlert(err):
		return e.refused(address, asked, err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fault("", address+" does not answer the TLS handshake; does this port speak TLS?", false)
	default:
		return fault("", address+" ended the TLS handshake; most likely this port does not speak TLS", false)
	}
}

// isAlert reports whether the other side ended TLS and said so (RFC 8446 section 6.2). The error has no type of its own.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// refused says why the server ended the connection when it had seen the client.
func (e *encryption) refused(address string, asked bool, err error) error {
	switch {
	case asked && e.files.Cert == "":
		return &Error{Setting: e.setting + ".cert", Reason: address + " asks for a certificate of weir, and none is set", Final: true, Err: err}
	case asked:
		return &Error{Setting: e.setting + ".cert", Reason: address + " refuses the certificate " + e.own(), Final: true, Err: err}
	default:
		return &Error{Setting: e.setting, Reason: address + " refuses the TLS handshake", Final: true, Err: err}
	}
}
