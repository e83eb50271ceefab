package access

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/authority"
)

// serve accepts connections, hands each to a function and closes it.
func serve(t *testing.T, listener net.Listener, with func(net.Conn)) string {
	t.Helper()
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				with(c)
			}()
		}
	}()
	return listener.Addr().String()
}

func listen(t *testing.T, config *tls.Config) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if config != nil {
		return tls.NewListener(listener, config)
	}
	return listener
}

// answer says a word to whoever speaks.
func answer(c net.Conn) {
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err == nil {
		_, _ = c.Write([]byte("world"))
	}
}

// greet dials and exchanges a word.
func greet(t *testing.T, d *Door, address string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := d.Dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte("hello")); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 5))
	return err
}

func kafkaDoor(t *testing.T, files *configs.TLS) *Door {
	t.Helper()
	d, err := NewDoor(DoorOptions{Setting: "kafka", Address: "brokers", TLS: files})
	require.NoError(t, err)
	return d
}

// Each way in which a connection fails is told by the setting to look at.
func TestFailuresNameTheirSetting(t *testing.T) {
	plant, other := authority.New(t, "plant"), authority.New(t, "other")
	good := plant.Issue(authority.Request{Name: "broker", Hosts: []string{"127.0.0.1"}})
	client := plant.Issue(authority.Request{Name: "weir"})
	expired := plant.Issue(authority.Request{Name: "weir-old", Expired: true})
	server := func(f authority.Files, ask tls.ClientAuthType) *tls.Config { return plant.Server(f, ask) }
	for _, one := range []struct {
		name    string
		server  *tls.Config
		files   *configs.TLS
		setting string
		says    string
		final   bool
	}{
		{"unknown authority", server(good, tls.NoClientCert), &configs.TLS{CA: other.File}, "kafka.tls.ca", "is not from an authority in", true},
		{"system authorities", server(good, tls.NoClientCert), &configs.TLS{}, "kafka.tls.ca", "the system's certificate authorities", true},
		{"another name", server(plant.Issue(authority.Request{Name: "elsewhere", Hosts: []string{"broker.plant"}}), tls.NoClientCert),
			&configs.TLS{CA: plant.File}, "kafka.tls.server_name", "is for another name", true},
		{"expired there", server(plant.Issue(authority.Request{Name: "old", Hosts: []string{"127.0.0.1"}, Expired: true}), tls.NoClientCert),
			&configs.TLS{CA: plant.File}, "kafka.tls", "is out of date (valid from", true},
		{"none of ours", server(good, tls.RequireAndVerifyClientCert), &configs.TLS{CA: plant.File}, "kafka.tls.cert", "asks for a certificate of weir, and none is set", true},
		{"ours expired", server(good, tls.RequireAndVerifyClientCert), &configs.TLS{CA: plant.File, Cert: expired.Cert, Key: expired.Key},
			"kafka.tls.cert", "which expired at", true},
		{"ours from elsewhere", plantThatBelieves(plant, other, good), &configs.TLS{CA: plant.File, Cert: client.Cert, Key: client.Key},
			"kafka.tls.cert", "refuses the certificate", true},
		{"TLS to plain text", nil, &configs.TLS{CA: plant.File}, "kafka.tls", "does not speak TLS on this port", true},
	} {
		t.Run(one.name, func(t *testing.T) {
			address := serve(t, listen(t, one.server), answer)
			err := greet(t, kafkaDoor(t, one.files), address)
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, one.setting, e.Setting, "%v", err)
			assert.Contains(t, err.Error(), one.says)
			assert.Contains(t, err.Error(), address)
			assert.Equal(t, one.final, e.Refused(), "%v", err)
		})
	}
}

// plantThatBelieves is a server of one authority that believes clients of another.
func plantThatBelieves(of, clients *authority.Authority, f authority.Files) *tls.Config {
	c := of.Server(f, tls.RequireAndVerifyClientCert)
	c.ClientCAs = clients.Server(f, tls.NoClientCert).ClientCAs
	return c
}

func TestUnreachable(t *testing.T) {
	listener := listen(t, nil)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	err := greet(t, kafkaDoor(t, nil), address)
	require.ErrorContains(t, err, "kafka.brokers: "+address+" cannot be reached")
	d, err := NewDoor(DoorOptions{Setting: "kafka", Address: "brokers", Known: []string{"kafka:9092"}})
	require.NoError(t, err)
	require.ErrorContains(t, greet(t, d, address), "advertised.listeners")
}

// Servers answer plain text on a port for TLS with an alert, or hang up.
func TestPlainTextToTLS(t *testing.T) {
	address := serve(t, listen(t, nil), func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 5))
		_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 80})
	})
	err := greet(t, kafkaDoor(t, nil), address)
	require.ErrorContains(t, err, "kafka.tls: "+address+" speaks TLS on this port; write tls: {}")
	var e *Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Refused())
}

// A server that hangs up says nothing of why: what is likely is told, and the client may try again.
func TestHungUp(t *testing.T) {
	address := serve(t, listen(t, nil), func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 5)) })
	err := greet(t, kafkaDoor(t, nil), address)
	require.ErrorContains(t, err, "kafka.tls: "+address+" hung up at the first word; it may speak TLS")
	require.ErrorIs(t, err, io.EOF)
	err = greet(t, kafkaDoor(t, &configs.TLS{}), address)
	require.ErrorContains(t, err, "kafka.tls: "+address+" ended the TLS handshake; most likely this port does not speak TLS")
	var e *Error
	require.ErrorAs(t, err, &e)
	require.False(t, e.Refused())
}

// A certificate that is replaced is shown, and an authority that is replaced believed, at the next connection.
func TestRotation(t *testing.T) {
	plant, next := authority.New(t, "plant"), authority.New(t, "next")
	own := plant.Issue(authority.Request{Name: "weir"})
	seen := make(chan string, 1)
	config := plant.Server(plant.Issue(authority.Request{Name: "broker", Hosts: []string{"broker.plant"}}), tls.RequireAndVerifyClientCert)
	address := serve(t, listen(t, config), func(c net.Conn) {
		if secure := c.(*tls.Conn); secure.Handshake() == nil {
			seen <- secure.ConnectionState().PeerCertificates[0].SerialNumber.String()
		}
		answer(c)
	})
	d := kafkaDoor(t, &configs.TLS{CA: plant.File, Cert: own.Cert, Key: own.Key, ServerName: "broker.plant"})
	require.NoError(t, greet(t, d, address))
	first := <-seen
	plant.Issue(authority.Request{Name: "weir"})
	require.NoError(t, greet(t, d, address))
	require.NotEqual(t, first, <-seen)
	ca, err := os.ReadFile(next.File)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(plant.File, ca, 0o600))
	require.ErrorContains(t, greet(t, d, address), "kafka.tls.ca")
}

func TestFilesAreCheckedAtTheStart(t *testing.T) {
	a := authority.New(t, "plant")
	one, two := a.Issue(authority.Request{Name: "one"}), a.Issue(authority.Request{Name: "two"})
	empty := t.TempDir() + "/empty.pem"
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, c := range []struct {
		files   configs.TLS
		setting string
	}{
		{configs.TLS{CA: "/no/ca.pem"}, "mqtt.tls.ca: cannot be read"},
		{configs.TLS{CA: empty}, "mqtt.tls.ca: "},
		{configs.TLS{Cert: "/no/cert.pem", Key: one.Key}, "mqtt.tls.cert: cannot be read"},
		{configs.TLS{Cert: one.Cert, Key: "/no/key"}, "mqtt.tls.key: cannot be read"},
		{configs.TLS{Cert: one.Cert, Key: two.Key}, "mqtt.tls.cert and mqtt.tls.key: "},
	} {
		_, err := NewDoor(DoorOptions{Setting: "mqtt", Address: "broker", TLS: &c.files})
		require.ErrorContains(t, err, c.setting)
	}
}
