package access

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/weirstream/weir/configs"
)

// MQTTOptions say which MQTT broker.
type MQTTOptions struct {
	// Setting is the section of the pipeline file: mqtt or alerts.mqtt.
	Setting            string
	TLS                *configs.TLS // of an ssl:// broker; nil: the system's authorities
	Username, Password configs.Secret
}

// MQTT is the way in at an MQTT broker. It may be used by several goroutines.
type MQTT struct {
	o             MQTTOptions
	plain, secure *Door
}

// NewMQTT checks that the files of TLS and of the login are there. It connects to nothing.
func NewMQTT(o MQTTOptions) (*MQTT, error) {
	m := &MQTT{o: o}
	files := o.TLS
	if files == nil {
		files = &configs.TLS{}
	}
	var err error
	if m.secure, err = NewDoor(DoorOptions{Setting: o.Setting, Address: "broker", TLS: files, Proxy: true}); err != nil {
		return nil, err
	}
	if m.plain, err = NewDoor(DoorOptions{Setting: o.Setting, Address: "broker", Proxy: true}); err != nil {
		return nil, err
	}
	_, _, err = m.login()
	return m, err
}

// Open connects to a broker: tcp://host:port or ssl://host:port.
func (m *MQTT) Open(broker *url.URL, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	// Half a login is not tried: the broker would count it as a wrong one, or let it in as somebody else.
	if _, _, err := m.login(); err != nil {
		return nil, err
	}
	if broker.Scheme == "ssl" {
		return m.secure.Dial(ctx, "tcp", broker.Host)
	}
	return m.plain.Dial(ctx, "tcp", broker.Host)
}

// Login is the user and password as they are now; empty where they cannot be read any more, which Open says before a broker sees them.
func (m *MQTT) Login() (user, password string) {
	user, password, _ = m.login()
	return user, password
}

func (m *MQTT) login() (user, password string, err error) {
	if user, err = reveal(m.o.Username, m.o.Setting+".username"); err != nil {
		return "", "", err
	}
	password, err = reveal(m.o.Password, m.o.Setting+".password")
	return user, password, err
}

// Explain takes an error with a method LoginRefused for the broker's word on a login. It returns err with the setting that it comes from in front, or err itself where it comes from none.
func (m *MQTT) Explain(err error) error {
	var login interface {
		error
		LoginRefused() bool
	}
	refused := errors.As(err, &login) && login.LoginRefused()
	switch {
	case refused && m.o.Username.IsZero():
		return &Error{Setting: m.o.Setting + ".username and " + m.o.Setting + ".password", Reason: "the broker asks for a login, and none is set", Final: true, Err: err}
	case refused:
		return &Error{Setting: m.o.Setting + ".username and " + m.o.Setting + ".password", Reason: "the broker refuses this user or password", Final: true, Err: err}
	}
	var e *Error
	if errors.As(err, &e) && strings.HasSuffix(err.Error(), e.Error()) {
		return e // the client only puts "network Error" before it
	}
	return surface(err)
}
