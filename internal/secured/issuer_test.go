//go:build real

package secured

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// issuer is a login server: it gives tokens for client credentials, and the brokers know its key.
type issuer struct {
	t     *testing.T
	key   *rsa.PrivateKey
	keys  string // where its public key is, as a URL
	url   string
	given atomic.Int64
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t}
	var err error
	i.key, err = rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "kid": "plant", "alg": "RS256", "use": "sig",
		"n": encode(i.key.N.Bytes()), "e": encode(big.NewInt(int64(i.key.E)).Bytes()),
	}}})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "jwks.json")
	require.NoError(t, os.WriteFile(path, set, 0o600))
	i.keys = "file://" + path
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.url = server.URL + "/token"
	return i
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// token is a JSON Web Token for a subject (RFC 7519), good for so long.
func (i *issuer) token(subject string, good time.Duration) string {
	now := time.Now()
	head, _ := json.Marshal(map[string]any{"alg": "RS256", "kid": "plant", "typ": "JWT"})
	body, _ := json.Marshal(map[string]any{"sub": subject, "aud": "kafka", "scope": "kafka", "iat": now.Add(-time.Minute).Unix(), "exp": now.Add(good).Unix()})
	text := encode(head) + "." + encode(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + encode(signature)
}

// ServeHTTP gives a token for a minute; who shows the wrong secret is told which, as some servers do.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	w.Header().Set("Content-Type", "application/json")
	if r.FormValue("grant_type") != "client_credentials" || id != user || secret != clientSecret {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":"invalid_client","error_description":"%s is not the secret of %s"}`, secret, id)
		return
	}
	i.given.Add(1)
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": i.token(user, time.Minute), "token_type": "bearer", "expires_in": 60})
}
