package configs

import (
	"net/netip"
	"net/url"
	"strings"
)

// wholeFile returns the path of a setting that is nothing but ${file:/path}.
func wholeFile(raw string) (path string, ok bool) {
	path, ok = strings.CutPrefix(raw, "${file:")
	if path, closed := strings.CutSuffix(path, "}"); ok && closed && !strings.ContainsAny(path, "{}") {
		return path, true
	}
	return "", false
}

// kafkaAccess checks how weir gets in at the brokers.
func (c *checker) kafkaAccess(k *kafkaDoc) {
	if k.Embedded != nil {
		if k.TLS != nil {
			c.errorf(k.TLS.at, "kafka.tls is for kafka.brokers; the broker inside the process listens on loopback and speaks no TLS")
		}
		if k.SASL != nil {
			c.errorf(k.SASL.at, "kafka.sasl is for kafka.brokers; the broker inside the process listens on loopback and asks for no login")
		}
		return
	}
	c.p.Kafka.TLS = c.outletTLS(k.TLS, "kafka")
	if k.SASL != nil && !k.SASL.bad {
		c.sasl(k)
	}
}

// sasl checks the login: what the mechanism needs is there, and nothing that is for another.
func (c *checker) sasl(k *kafkaDoc) {
	s := k.SASL
	c.p.Kafka.SASL = &SASL{
		Mechanism: s.Mechanism.value, Username: secret(&s.Username), Password: secret(&s.Password),
		Token: secret(&s.Token), TokenFile: s.TokenFile.value, TokenEndpoint: s.TokenEndpoint.value,
		ClientID: s.ClientID.value, ClientSecret: secret(&s.ClientSecret), Scope: s.Scope.value,
	}
	for _, t := range []*text{&s.Password, &s.Token, &s.ClientSecret} {
		if t.ok() && !t.expanded() {
			c.warnf(t.at, "%s is written in the file; keep it out with ${NAME} or ${file:/path}", t.path)
		}
	}
	if !s.Mechanism.ok() {
		return
	}
	bearer := s.Mechanism.value == "oauthbearer"
	for _, t := range []*text{&s.Token, &s.TokenFile, &s.TokenEndpoint, &s.ClientID, &s.ClientSecret, &s.Scope} {
		if t.set && !bearer {
			c.errorf(t.at, "%s goes with mechanism: oauthbearer; %s takes kafka.sasl.username and kafka.sasl.password", t.path, s.Mechanism.value)
		}
	}
	if bearer {
		c.bearer(s)
	} else {
		for _, t := range []*text{&s.Username, &s.Password} {
			if !t.set {
				c.errorf(s.at, "kafka.sasl with mechanism: %s needs %s, such as ${%s}", s.Mechanism.value, t.path, "KAFKA_"+strings.ToUpper(t.path[len("kafka.sasl."):]))
			}
		}
	}
	if k.TLS == nil {
		c.openLogin(s)
	}
}

// bearer checks where the token comes from.
func (c *checker) bearer(s *saslDoc) {
	for _, t := range []*text{&s.Username, &s.Password} {
		if t.set {
			c.errorf(t.at, "%s does not go with mechanism: oauthbearer, which takes a token: write token_file, or token_endpoint, client_id and client_secret", t.path)
		}
	}
	ways := []*text{}
	for _, t := range []*text{&s.Token, &s.TokenFile, &s.TokenEndpoint} {
		if t.set {
			ways = append(ways, t)
		}
	}
	switch {
	case len(ways) == 0:
		c.errorf(s.at, "kafka.sasl with mechanism: oauthbearer needs token_file, or token_endpoint with client_id and client_secret, or token")
	case len(ways) > 1:
		c.errorf(ways[1].at, "kafka.sasl has both %s and %s; a token comes from one of them", ways[0].path, ways[1].path)
	}
	for _, t := range []*text{&s.ClientID, &s.ClientSecret} {
		switch {
		case t.set && !s.TokenEndpoint.set:
			c.errorf(t.at, "%s needs kafka.sasl.token_endpoint, which is asked with it", t.path)
		case !t.set && s.TokenEndpoint.set:
			c.errorf(s.TokenEndpoint.at, "kafka.sasl.token_endpoint needs %s", t.path)
		}
	}
	if s.Scope.set && !s.TokenEndpoint.set {
		c.errorf(s.Scope.at, "%s needs kafka.sasl.token_endpoint, which is asked with it", s.Scope.path)
	}
	if s.TokenEndpoint.ok() {
		c.endpoint(&s.TokenEndpoint)
	}
}

// endpoint checks the address that gives tokens. One without TLS is for tests on the same machine.
func (c *checker) endpoint(t *text) {
	u, err := url.Parse(t.value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		c.errorf(t.at, "%s must be an address such as https://login.example/oauth2/token", t)
	case u.User != nil:
		c.errorf(t.at, "%s must not hold a user and password; write kafka.sasl.client_id and kafka.sasl.client_secret", t)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		c.warnf(t.at, "%s is asked without TLS: kafka.sasl.client_secret can be read on the way; write https://", t)
	}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// openLogin warns of a login that others can read.
func (c *checker) openLogin(s *saslDoc) {
	what := "the password"
	switch s.Mechanism.value {
	case "oauthbearer":
		what = "the token"
	case "scram-sha-256", "scram-sha-512":
		c.warnf(s.at, "kafka.sasl without kafka.tls: the password does not travel openly, but readings do, and who listens can guess at it; write tls: {}, or tls: {ca: ca.pem}")
		return
	}
	c.warnf(s.at, "kafka.sasl without kafka.tls: %s travels openly over the network; write tls: {}, or tls: {ca: ca.pem}", what)
}

// serverName checks the name that a certificate must be for.
func (c *checker) serverName(t *text) string {
	if _, err := netip.ParseAddr(t.value); t.ok() && err != nil && strings.ContainsAny(t.value, ":/@ ") {
		c.errorf(t.at, "%s must be a host name without scheme and port, as it stands in the certificate", t)
	}
	return t.value
}
