// Package authority makes certificates for tests: an authority of the test's own and what it issues, as PEM files in the test's folder.
// Nothing of it is ever committed.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// TB is what this package needs of a test.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	TempDir() string
}

// Authority issues certificates.
type Authority struct {
	// File is its own certificate in PEM, what clients are told to believe.
	File string

	t    TB
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	next int64
}

// Request says what certificate to issue.
type Request struct {
	// Name is the common name of its subject, and of its files.
	Name string
	// Hosts are names or addresses it is for.
	Hosts []string
	// Expired makes one that was valid until an hour ago.
	Expired bool
}

// Files are a certificate and its key in PEM.
type Files struct {
	Cert, Key string
	// Both holds the key and the certificate, as Kafka wants them.
	Both string
}

// New makes an authority.
func New(t TB, name string) *Authority {
	t.Helper()
	a := &Authority{t: t, dir: t.TempDir(), next: 1}
	a.key = a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	a.check("make authority", err)
	a.cert, err = x509.ParseCertificate(der)
	a.check("read authority", err)
	a.File = filepath.Join(a.dir, "ca.pem")
	a.write(a.File, block("CERTIFICATE", der))
	return a
}

// Issue makes a certificate for a server or a client. One of the same name replaces the files of the one before.
func (a *Authority) Issue(r Request) Files {
	a.t.Helper()
	a.next++
	key := a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: r.Name}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if r.Expired {
		template.NotAfter = time.Now().Add(-time.Hour)
	}
	for _, host := range r.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	a.check("issue "+r.Name, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	a.check("encode the key of "+r.Name, err)
	path := func(end string) string { return filepath.Join(a.dir, r.Name+end) }
	f := Files{Cert: path(".pem"), Key: path(".key"), Both: path(".both.pem")}
	a.write(f.Cert, block("CERTIFICATE", der))
	a.write(f.Key, block("PRIVATE KEY", private))
	a.write(f.Both, append(block("PRIVATE KEY", private), block("CERTIFICATE", der)...))
	return f
}

// Server is the TLS of a server that shows a certificate; one that asks clients for theirs believes this authority.
func (a *Authority) Server(f Files, ask tls.ClientAuthType) *tls.Config {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	a.check("read "+f.Cert, err)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: ask}
}

func (a *Authority) newKey() *ecdsa.PrivateKey {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.check("make key", err)
	return key
}

func (a *Authority) write(path string, content []byte) {
	a.t.Helper()
	a.check("write "+path, os.WriteFile(path, content, 0o600))
}

func (a *Authority) check(what string, err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("%s: %v", what, err)
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
