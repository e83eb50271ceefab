package access

import (
	"context"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/weirstream/weir/configs"
)

// login is how weir proves who it is at Kafka brokers. What it shows is asked for at each connection.
type login struct {
	s      configs.SASL
	tokens *tokens // nil: no endpoint is asked
}

func newLogin(k configs.Kafka) *login {
	l := &login{s: *k.SASL}
	if l.s.TokenEndpoint != "" {
		l.tokens = &tokens{s: l.s}
		if k.TLS != nil {
			l.tokens.ca = k.TLS.CA
		}
	}
	return l
}

// check reads what comes from files once.
func (l *login) check() error {
	for _, one := range []struct {
		secret  configs.Secret
		setting string
	}{
		{l.s.Username, "kafka.sasl.username"}, {l.s.Password, "kafka.sasl.password"}, {l.s.Token, "kafka.sasl.token"}, {l.s.ClientSecret, "kafka.sasl.client_secret"},
	} {
		if _, err := reveal(one.secret, one.setting); err != nil {
			return err
		}
	}
	if l.s.TokenFile != "" {
		_, err := readSecret(l.s.TokenFile, "kafka.sasl.token_file")
		return err
	}
	return nil
}

func (l *login) bearer() bool { return l.s.Mechanism == "oauthbearer" }

// mechanism is the login as the client wants it.
func (l *login) mechanism() sasl.Mechanism {
	switch l.s.Mechanism {
	case "scram-sha-256":
		return scram.Sha256(l.scram)
	case "scram-sha-512":
		return scram.Sha512(l.scram)
	case "oauthbearer":
		return bearer{l, oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
			token, err := l.token(ctx)
			return oauth.Auth{Token: token}, err
		})}
	default:
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			user, password, err := l.userAndPassword()
			return plain.Auth{User: user, Pass: password}, err
		})
	}
}

func (l *login) scram(context.Context) (scram.Auth, error) {
	user, password, err := l.userAndPassword()
	return scram.Auth{User: user, Pass: password}, err
}

func (l *login) userAndPassword() (user, password string, err error) {
	if user, err = reveal(l.s.Username, "kafka.sasl.username"); err != nil {
		return "", "", err
	}
	password, err = reveal(l.s.Password, "kafka.sasl.password")
	return user, password, err
}

func (l *login) token(ctx context.Context) (string, error) {
	switch {
	case l.tokens != nil:
		return l.tokens.get(ctx)
	case l.s.TokenFile != "":
		token, err := readSecret(l.s.TokenFile, "kafka.sasl.token_file")
		return strings.TrimSpace(token), err
	default:
		return reveal(l.s.Token, "kafka.sasl.token")
	}
}

// settings are what to look at when the login is refused.
func (l *login) settings() string {
	if l.bearer() {
		return l.name()
	}
	return "kafka.sasl.username and kafka.sasl.password"
}

// what is refused then.
func (l *login) what() string {
	if l.bearer() {
		return "the token"
	}
	return "this user or password"
}

// name is the setting that says who weir is.
func (l *login) name() string {
	switch {
	case !l.bearer():
		return "kafka.sasl.username"
	case l.s.TokenEndpoint != "":
		return "kafka.sasl.token_endpoint"
	case l.s.TokenFile != "":
		return "kafka.sasl.token_file"
	default:
		return "kafka.sasl.token"
	}
}
