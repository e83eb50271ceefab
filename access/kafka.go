package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
)

// KafkaOptions say which brokers.
type KafkaOptions struct {
	// Settings is the section kafka of the pipeline file.
	Settings configs.Kafka
	// Brokers, host:port, are where to look first in place of those of the settings; the broker inside the process is there.
	Brokers []string
}

// Kafka is the way in at the brokers of one pipeline, for all its clients. It may be used by several goroutines.
type Kafka struct {
	brokers []string
	door    *Door
	login   *login // nil: none
	cert    bool   // a certificate is shown
}

// NewKafka checks that the files of TLS and of the login are there. It connects to nothing.
func NewKafka(o KafkaOptions) (*Kafka, error) {
	k := &Kafka{brokers: slices.Clone(o.Brokers)}
	if len(k.brokers) == 0 {
		k.brokers = slices.Clone(o.Settings.Brokers)
	}
	if len(k.brokers) == 0 {
		return nil, errors.New("kafka.brokers: no address of a broker")
	}
	var err error
	if k.door, err = NewDoor(DoorOptions{Setting: "kafka", Address: "brokers", Known: k.brokers, TLS: o.Settings.TLS}); err != nil {
		return nil, err
	}
	k.cert = o.Settings.TLS != nil && o.Settings.TLS.Cert != ""
	if o.Settings.SASL != nil {
		k.login = newLogin(o.Settings)
		if err := k.login.check(); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// Brokers are the addresses that are tried first.
func (k *Kafka) Brokers() []string { return slices.Clone(k.brokers) }

// Client returns the options of a client: where the brokers are and how to get in. id is the name that brokers log.
func (k *Kafka) Client(id string) []kgo.Opt {
	return append([]kgo.Opt{kgo.SeedBrokers(k.brokers...), kgo.ClientID(id)}, k.Access()...)
}

// Access returns how to get in, for a client that knows its brokers.
func (k *Kafka) Access() []kgo.Opt {
	options := []kgo.Opt{kgo.Dialer(k.door.Dial)}
	if k.login != nil {
		options = append(options, kgo.SASL(k.login.mechanism()))
	}
	return options
}

// Explain returns err with the setting that it comes from in front, or err itself where it comes from none.
func (k *Kafka) Explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var e *Error
	var done *explained
	if errors.As(err, &done) || errors.As(err, &e) {
		return surface(err)
	}
	if hint := k.hint(err); hint != "" {
		return &explained{hint: hint, err: err}
	}
	return err
}

func (k *Kafka) hint(err error) string {
	var first *kgo.ErrFirstReadEOF
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed) && k.login != nil:
		return k.login.settings() + ": the brokers refuse " + k.login.what()
	case errors.Is(err, kerr.UnsupportedSaslMechanism) && k.login != nil:
		return fmt.Sprintf("kafka.sasl.mechanism: the brokers do not take %s on this port", k.login.s.Mechanism)
	case errors.Is(err, kerr.IllegalSaslState) && k.login != nil:
		return "kafka.sasl: the brokers ask for no login on this port; name the port that does, or leave kafka.sasl out"
	case errors.Is(err, kerr.IllegalSaslState), errors.Is(err, kerr.SaslAuthenticationFailed):
		return "kafka.sasl: the brokers ask for a login on this port"
	case denied(err):
		return k.principal() + ": the brokers do not grant this to " + k.whom() + " (docs/SECURITY.md has the ACLs that weir needs)"
	case errors.As(err, &first) && k.login == nil && errors.Is(err, io.EOF):
		return "kafka.sasl: a broker hung up at the first request; most likely it asks for a login on this port"
	}
	return ""
}

// denied reports whether an ACL is missing.
func denied(err error) bool {
	for _, code := range []error{kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// principal is the setting that says who weir is to the brokers.
func (k *Kafka) principal() string {
	switch {
	case k.login != nil:
		return k.login.name()
	case k.cert:
		return "kafka.tls.cert"
	default:
		return "kafka.sasl"
	}
}

func (k *Kafka) whom() string {
	switch {
	case k.login != nil && k.login.bearer():
		return "the principal of the token"
	case k.login != nil:
		return "that user"
	case k.cert:
		return "the subject of that certificate"
	default:
		return "User:ANONYMOUS, who weir is without a login or a certificate"
	}
}
