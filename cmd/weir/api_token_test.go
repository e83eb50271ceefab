package main

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A token that is replaced in its file counts a second later; a file that is gone, or empty, changes nothing, and is complained of once.
func TestAPITokenIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("first\n")
	token, err := apiToken(file)
	require.NoError(t, err)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	a := newAPI(nil, token, log)
	a.tokens = newTokenFile(file, token, log)
	now := time.Unix(1_800_000_000, 0)
	a.tokens.now = func() time.Time { return now }
	mux := http.NewServeMux()
	a.mount(mux, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)})
	ask := func(token string) int {
		r := httptest.NewRequest(http.MethodGet, "/v1/pipelines", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Code
	}
	holds := func(token string) {
		t.Helper()
		for _, other := range []string{"first", "second", "third", ""} {
			want := http.StatusUnauthorized
			if other == token {
				want = http.StatusOK
			}
			require.Equal(t, want, ask(other), "%q where %q holds", other, token)
		}
	}
	holds("first")
	write("second\n")
	now = now.Add(lookAtToken - 1)
	holds("first")
	now = now.Add(1)
	holds("second")
	write("\n")
	now = now.Add(lookAtToken)
	holds("second")
	require.NoError(t, os.Remove(file))
	for range 3 {
		now = now.Add(lookAtToken)
		holds("second")
	}
	write("third")
	now = now.Add(lookAtToken)
	holds("third")
	require.Equal(t, 2, strings.Count(said.String(), "not taken"), said.String())
	require.Equal(t, 2, strings.Count(said.String(), "changed API token taken"), said.String())
	require.NotRegexp(t, "first|second|third", said.String())
}
