package configs

// SASL is how weir logs in at Kafka brokers.
type SASL struct {
	Mechanism string // plain, scram-sha-256, scram-sha-512 or oauthbearer
	// Username and Password go with all mechanisms but oauthbearer.
	Username, Password Secret
	// With oauthbearer exactly one of Token, TokenFile and TokenEndpoint is set, and
	// ClientID and ClientSecret go with the last.
	Token                   Secret
	TokenFile               string
	TokenEndpoint, ClientID string
	ClientSecret            Secret
	Scope                   string // scopes with spaces between; empty: none
}

// File is the file that holds the secret, where it is all of ${file:/path}: who needs the
// secret later reads it again there. Empty: it came from elsewhere and does not change.
func (s Secret) File() string { return s.file }

// secret returns what a secret setting holds, and the file it came from.
func secret(t *text) Secret {
	s := NewSecret(t.value)
	if path, ok := wholeFile(t.raw); ok && t.refers {
		s.file = path
	}
	return s
}

// Settled returns the secret without what was read of its file: who has it reads that again, so that another content is no other setting.
func (s Secret) Settled() Secret {
	if s.file != "" {
		s.text = ""
	}
	return s
}
