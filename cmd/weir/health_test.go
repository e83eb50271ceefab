package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// weir health goes by the status, over TLS with any certificate too, and says why not.
func TestHealth(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			http.Error(w, "pipeline p: not every owned task is live", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	}
	for _, server := range []*httptest.Server{httptest.NewServer(http.HandlerFunc(answer)), httptest.NewTLSServer(http.HandlerFunc(answer))} {
		text, err := runHealth(server.URL + "/readyz")
		require.NoError(t, err)
		require.Equal(t, "ready\n", text)
		_, err = runHealth(server.URL + "/healthz")
		require.EqualError(t, err, "503 Service Unavailable: pipeline p: not every owned task is live")
		server.Close()
		_, err = runHealth(server.URL + "/readyz")
		require.ErrorContains(t, err, "connection refused")
	}
	_, err := runHealth("a", "b")
	require.ErrorAs(t, err, &usageError{})
	_, err = runHealth("http://me:secret@127.0.0.1:1/readyz")
	require.ErrorAs(t, err, &usageError{})
	require.NotContains(t, err.Error(), "secret")

	away := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/readyz", http.StatusFound))
	defer away.Close()
	_, err = runHealth(away.URL)
	require.ErrorContains(t, err, "302 Found")
}

func runHealth(args ...string) (string, error) {
	var out bytes.Buffer
	root := newRootCommand()
	root.SetArgs(append([]string{"health"}, args...))
	root.SetOut(&out)
	err := root.ExecuteContext(context.Background())
	return out.String(), err
}
