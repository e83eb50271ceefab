package configs

import (
	"fmt"
	"strings"
)

// explainAccess tells how weir gets in at Kafka; nothing where anyone may.
func (p *Pipeline) explainAccess(b *strings.Builder) {
	t, s := p.Kafka.TLS, p.Kafka.SASL
	if t == nil && s == nil {
		return
	}
	says := []string{"is not encrypted"}
	if t != nil {
		trusted := "the system's certificate authorities"
		if t.CA != "" {
			trusted = "the certificate authorities of " + p.shown("kafka.tls.ca")
		}
		says[0] = "is encrypted and believes brokers whose certificates are from " + trusted
		if t.ServerName != "" {
			says[0] += " and for " + p.shown("kafka.tls.server_name")
		}
		if t.Cert != "" {
			says = append(says, "shows the certificate of "+p.shown("kafka.tls.cert"))
		}
	}
	if s != nil {
		says = append(says, "logs in with "+p.sayLogin(s))
	}
	fmt.Fprintf(b, "The connection to Kafka %s.\n", andList(says))
}

func (p *Pipeline) sayLogin(s *SASL) string {
	switch {
	case s.TokenEndpoint != "":
		return "a token from " + p.shown("kafka.sasl.token_endpoint") + " (OAUTHBEARER)"
	case s.TokenFile != "":
		return "the token in " + p.shown("kafka.sasl.token_file") + " (OAUTHBEARER)"
	case s.Mechanism == "oauthbearer":
		return "a token (OAUTHBEARER)"
	default:
		return "user and password (" + strings.ToUpper(s.Mechanism) + ")"
	}
}
