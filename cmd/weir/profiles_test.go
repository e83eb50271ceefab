package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever may ask the API may have a profile. Metrics are for all who reach the listener, but for pages whose name was made to point at loopback.
func TestProfilesAndMetricsAdmit(t *testing.T) {
	loopback, everywhere := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4zero}
	for _, c := range []struct {
		name             string
		at               net.Addr
		token, listens   string
		host, bearer     string
		from             string // Sec-Fetch-Site
		profile, metrics int
	}{
		{name: "loopback", at: loopback, host: "127.0.0.1:9464", profile: 200, metrics: 200},
		{name: "loopback by name", at: loopback, host: "localhost:9464", profile: 200, metrics: 200},
		{name: "a stranger's name for it", at: loopback, host: "evil.example:9464", profile: 403, metrics: 403},
		{name: "the operator's name for it", at: loopback, listens: "plant-7", host: "Plant-7:9464", profile: 200, metrics: 200},
		{name: "another name", at: loopback, listens: "plant-7", host: "evil.example:9464", profile: 403, metrics: 403},
		{name: "HTTP/1.0 without a name", at: loopback, host: "", profile: 403, metrics: 200},
		{name: "a token, behind a proxy", at: loopback, token: "secret", host: "weir.example", profile: 401, metrics: 200},
		{name: "everywhere", at: everywhere, host: "weir-0.weir:9464", profile: 403, metrics: 200},
		{name: "everywhere, loopback's name", at: everywhere, host: "localhost:9464", profile: 403, metrics: 200},
		{name: "everywhere, with a token", at: everywhere, token: "secret", bearer: "Bearer secret", host: "weir-0.weir:9464", profile: 200, metrics: 200},
		{name: "an image on a page", at: loopback, host: "127.0.0.1:9464", from: "cross-site", profile: 403, metrics: 200},
		{name: "a page of another port", at: loopback, host: "127.0.0.1:9464", from: "same-site", profile: 403, metrics: 200},
		{name: "a link of the list of profiles", at: loopback, host: "127.0.0.1:9464", from: "same-origin", profile: 200, metrics: 200},
		{name: "the bar of a browser", at: loopback, host: "127.0.0.1:9464", from: "none", profile: 200, metrics: 200},
	} {
		o, err := newOutside(nil)
		require.NoError(t, err)
		o.name = c.listens
		o.api = newAPI(nil, c.token, slog.New(slog.DiscardHandler))
		mux := o.mux(c.at)
		for path, want := range map[string]int{
			"/debug/pprof/": c.profile, "/debug/pprof/goroutine": c.profile, "/debug/pprof/profile": c.profile, "/debug/pprof/trace?seconds=0.001": c.profile,
			"/debug/pprof/symbol": c.profile, "/metrics": c.metrics, "/healthz": 200, "/readyz": 200,
		} { // unordered: each by itself
			if c.profile == 200 && path == "/debug/pprof/profile" {
				continue // it would take its time
			}
			r := httptest.NewRequest("GET", path, nil)
			r.Host = c.host
			if c.bearer != "" {
				r.Header.Set("Authorization", c.bearer)
			}
			if c.from != "" {
				r.Header.Set("Sec-Fetch-Site", c.from)
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			require.Equal(t, want, w.Code, "%s: %s: %.300q", c.name, path, w.Body)
			if want >= 400 {
				require.Equal(t, problemKind, w.Header().Get("Content-Type"), path)
			}
		}
	}
}

// The name in --http is one for this machine.
func TestListensUnderAName(t *testing.T) {
	for address, want := range map[string]string{"localhost:0": "localhost", "127.0.0.1:0": "127.0.0.1", ":0": ""} {
		o, err := newOutside(nil)
		require.NoError(t, err)
		require.NoError(t, o.listen(address))
		require.NoError(t, o.listener.Close())
		require.Equal(t, want, o.name)
	}
}

// A body is one value: what was cut or put together wrongly is no command.
func TestBodyIsOneValue(t *testing.T) {
	for body, want := range map[string]int{
		``: 0, ` `: 0, `{}`: 0, "{\"author\":\"kim\"}\r\n\t ": 0, `{"author":"kim"}trailing`: 400, `{"author":"kim"}{}`: 400, `{"author":"kim"}}`: 400,
		`{"author":"kim"} 1`: 400, "{\"author\":\"kim\"}\x00": 400, `{"author":"kim"}` + strings.Repeat(" ", maxBody): 413,
	} {
		r := httptest.NewRequest("POST", "/v1/alerts/x/ack", strings.NewReader(body))
		r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
		var into struct{ Author string }
		err := read(r, &into)
		if want == 0 {
			require.NoError(t, err, body)
			continue
		}
		require.Error(t, err, body)
		require.Equal(t, want, err.(problem).Status, body)
	}
}
