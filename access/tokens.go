package access

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/weirstream/weir/configs"
)

const (
	tokenTimeout = 10 * time.Second
	// tokenReuse is how long a token serves for new connections: weir opens many at once at its start, and one that was revoked must
	// not serve for long.
	tokenReuse = 30 * time.Second
)

// tokens are given by an endpoint for a client's id and secret (RFC 6749 section 4.4).
type tokens struct {
	s  configs.SASL
	ca string // authorities to believe beside the system's

	mu  sync.Mutex
	has *oauth2.Token
	at  time.Time
	ask clientcredentials.Config // kept, for it remembers how the endpoint takes the secret
}

// get returns a token that is valid now.
func (t *tokens) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.has.Valid() && time.Since(t.at) < tokenReuse {
		return t.has.AccessToken, nil
	}
	secret, err := reveal(t.s.ClientSecret, "kafka.sasl.client_secret")
	if err != nil {
		return "", err
	}
	client, err := t.client()
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	t.ask.ClientID, t.ask.ClientSecret, t.ask.TokenURL, t.ask.Scopes = t.s.ClientID, secret, t.s.TokenEndpoint, strings.Fields(t.s.Scope)
	token, err := t.ask.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return "", refusedToken(err)
	}
	t.has, t.at = token, time.Now()
	return token.AccessToken, nil
}

// client trusts kafka.tls.ca beside the system's authorities: in a plant the login server and the brokers have one authority.
func (t *tokens) client() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if t.ca != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pem, err := os.ReadFile(t.ca)
		if err != nil {
			return nil, &Error{Setting: "kafka.tls.ca", Reason: "cannot be read", Err: err}
		}
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	return &http.Client{Transport: transport, Timeout: tokenTimeout}, nil
}

// refusedToken says why there is no token. The answer itself stays out: servers repeat there what they were sent.
func refusedToken(err error) error {
	var answer *oauth2.RetrieveError
	var unknown x509.UnknownAuthorityError
	var asked *url.Error
	switch {
	case errors.As(err, &answer) && answer.Response != nil:
		status := answer.Response.StatusCode
		reason := "the endpoint answers with status " + strconv.Itoa(status)
		if isErrorCode(answer.ErrorCode) {
			reason += ", " + answer.ErrorCode
		}
		if status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden {
			return &Error{Setting: "kafka.sasl.client_id and kafka.sasl.client_secret", Reason: reason, Final: true}
		}
		return &Error{Setting: "kafka.sasl.token_endpoint", Reason: reason}
	case errors.As(err, &unknown):
		return &Error{Setting: "kafka.sasl.token_endpoint", Reason: "its certificate is neither from an authority of the system nor of kafka.tls.ca", Final: true, Err: unknown}
	case errors.As(err, &asked):
		return &Error{Setting: "kafka.sasl.token_endpoint", Reason: "cannot be asked", Err: asked.Err}
	default:
		return &Error{Setting: "kafka.sasl.token_endpoint", Reason: "its answer is no token"}
	}
}

// isErrorCode reports whether a text is an error of RFC 6749 (section 5.2, and what servers take from 4.1.2.1) or of RFC 6750.
func isErrorCode(s string) bool {
	switch s {
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
		"access_denied", "server_error", "temporarily_unavailable", "invalid_token", "insufficient_scope":
		return true
	}
	return false
}
