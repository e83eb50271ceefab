package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	der, key := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	var err error
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	a.key = key
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) sign(template *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, with := a.cert, a.key
	if parent == nil {
		parent, with = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, with)
	require.NoError(a.t, err)
	return der, key
}

func (a *authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.dir, name)
	require.NoError(a.t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

// issue writes a certificate of that name, and its key.
func (a *authority) issue(name string) httpsFiles {
	der, key := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	secret, err := x509.MarshalECPrivateKey(key)
	require.NoError(a.t, err)
	return httpsFiles{Cert: a.write(name+".pem", "CERTIFICATE", der), Key: a.write(name+".key", "EC PRIVATE KEY", secret)}
}

// client trusts the authority, and shows a certificate where there is one.
func (a *authority) client(own ...tls.Certificate) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: own}, DisableKeepAlives: true, ForceAttemptHTTP2: true}}
}

func serveHTTPS(t *testing.T, o runOptions) *outside {
	t.Helper()
	return serveOutside(t, o, func(*outside) {})
}

// A certificate that is replaced serves the next connections, and one that is no good serves none.
func TestHTTPSTakesNewCertificates(t *testing.T) {
	a := newAuthority(t)
	first := a.issue("first")
	out := serveHTTPS(t, runOptions{HTTPS: first})
	served := func() string {
		resp, err := a.client().Get("https://" + out.addr() + "/healthz")
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, 2, resp.ProtoMajor)
		return resp.TLS.PeerCertificates[0].Subject.CommonName
	}
	require.Equal(t, "first", served())
	second := a.issue("second")
	require.NoError(t, os.WriteFile(first.Cert, []byte("no certificate"), 0o600))
	tick := time.Now()
	out.tls.mu.Lock()
	out.tls.now = func() time.Time { tick = tick.Add(lookAtCertificates); return tick }
	out.tls.mu.Unlock()
	require.Equal(t, "first", served())
	require.NoError(t, os.Rename(second.Key, first.Key))
	require.NoError(t, os.Rename(second.Cert, first.Cert))
	require.Equal(t, "second", served())
	_, err := http.Get("https://" + out.addr() + "/healthz")
	require.Error(t, err, "an authority nobody knows")
	resp, err := http.Get("http://" + out.addr() + "/healthz")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 400, resp.StatusCode)
}

// With an authority for clients only they connect, and may ask.
func TestHTTPSAsksForCertificates(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	files := a.issue("server")
	files.ClientCA = filepath.Join(a.dir, "ca.pem")
	out := serveHTTPS(t, runOptions{HTTPS: files})
	load := func(f httpsFiles) tls.Certificate {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		require.NoError(t, err)
		return pair
	}
	for _, own := range [][]tls.Certificate{nil, {load(stranger.issue("client"))}} {
		_, err := a.client(own...).Get("https://" + out.addr() + "/v1/pipelines")
		require.Error(t, err)
	}
	r, err := http.NewRequest("GET", "https://"+out.addr()+"/v1/pipelines", nil)
	require.NoError(t, err)
	r.Host = "weir.example" // which is not this machine
	resp, err := a.client(load(a.issue("client"))).Do(r)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)

	// A token is asked for all the same, where there is one.
	out = serveHTTPS(t, runOptions{HTTPS: files, Token: "secret"})
	resp, err = a.client(load(a.issue("client"))).Get("https://" + out.addr() + "/v1/pipelines")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 401, resp.StatusCode)
}

func TestHTTPSFlags(t *testing.T) {
	require.ErrorContains(t, httpsFiles{Cert: "x"}.check(), "go together")
	require.ErrorContains(t, httpsFiles{ClientCA: "x"}.check(), "needs --http-cert")
	require.NoError(t, httpsFiles{}.check())
	_, err := openCertificates(httpsFiles{Cert: "nowhere", Key: "nowhere"}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "--http-cert and --http-key: open nowhere")
	for text, good := range map[string]bool{
		"": true, "http://10.0.0.7:9464": true, "https://weir.example/behind/a/proxy": true, "10.0.0.7:9464": false, "ftp://x": false, "http://": false,
		"http://kim:secret@x": false, "http://x?y": false, "http://x\n": false,
	} {
		require.Equal(t, good, checkAdvertised(text) == nil, text)
	}
	host, err := os.Hostname()
	require.NoError(t, err)
	for _, c := range []struct {
		at     net.Addr
		secure bool
		want   string
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9464}, false, ""},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 9464}, true, ""},
		{&net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 9464}, false, "http://10.0.0.7:9464"},
		{&net.TCPAddr{IP: net.ParseIP("fd00::7"), Port: 9464}, true, "https://[fd00::7]:9464"},
		{&net.TCPAddr{IP: net.IPv6unspecified, Port: 9464}, true, "https://" + net.JoinHostPort(host, "9464")},
		{&net.UnixAddr{Name: "x"}, false, ""},
	} {
		require.Equal(t, c.want, advertised(c.at, c.secure))
	}
}

func TestLatencies(t *testing.T) {
	var l latencies
	now := time.Now()
	require.Nil(t, l.view(now))
	for i := range 2 * mostRecent {
		l.add(now, time.Duration(i%100)*time.Millisecond)
	}
	v := l.view(now)
	require.InDelta(t, 50, v.P50, 2)
	require.InDelta(t, 99, v.P99, 1)
	require.Nil(t, l.view(now.Add(recentFor)))
}
