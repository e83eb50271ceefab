package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// apiClient asks the API of a process.
type apiClient struct {
	t     *testing.T
	url   string
	token string

	document *document // that every answer has to fit; nil: none
}

// client follows redirects.
func (c *apiClient) client() *http.Client {
	if c.document == nil {
		return &http.Client{}
	}
	return &http.Client{Transport: c.document}
}

// ask returns the status of the answer, and what it is.
func (c *apiClient) ask(method, path, body string) (int, map[string]any) {
	c.t.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.client().Do(r)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	answer := map[string]any{}
	if len(text) > 0 {
		require.NoError(c.t, json.Unmarshal(text, &answer), "%s", text)
	}
	if resp.StatusCode >= 400 {
		require.Equal(c.t, "application/problem+json", resp.Header.Get("Content-Type"))
		require.Equal(c.t, float64(resp.StatusCode), answer["status"])
	}
	return resp.StatusCode, answer
}

func TestAPI(t *testing.T) {
	b := newDeskBench(t)
	o := b.outside
	require.NoError(t, o.listen("127.0.0.1:0"))
	o.api = newAPI([]*instance{b.instance}, "", slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- o.serve(ctx) }()
	c := &apiClient{t: t, url: "http://" + o.addr(), document: openDocument(t)}
	waitFor(t, "topics", func() bool { status, _ := c.ask("GET", "/v1/alerts", ""); return status == 200 })
	_, none := c.ask("GET", "/v1/alerts", "")
	require.Equal(t, map[string]any{"alerts": []any{}, "left_out": 0.0}, none)

	b.send("pump-1", `"metric":"temperature","value":90`, 1)
	b.send("pump-2", `"metric":"humidity","value":70`, 2)
	status, list := c.ask("GET", "/v1/alerts?rule=hot", "")
	require.Equal(t, 200, status)
	require.Len(t, list["alerts"], 1)
	alert := list["alerts"].([]any)[0].(map[string]any)
	require.Equal(t, "desk", alert["pipeline"])
	require.Equal(t, "critical", alert["level"])
	id := alert["id"].(string)

	status, story := c.ask("GET", "/v1/alerts/"+id, "")
	require.Equal(t, 200, status)
	require.Contains(t, story["sentence"], "raises")
	event := story["events"].([]any)[0].(map[string]any)
	require.Equal(t, 90.0, event["reading"].(map[string]any)["readings"].([]any)[0].(map[string]any)["value"])
	status, p := c.ask("GET", "/v1/alerts/ffffffffffff", "")
	require.Equal(t, 404, status)
	require.Contains(t, p["detail"], "there is none")

	status, p = c.ask("POST", "/v1/alerts/"+id+"/ack", `{"reason":"on it"}`)
	require.Equal(t, 400, status)
	require.Equal(t, "author is missing: who knows of the alert", p["detail"])
	status, p = c.ask("POST", "/v1/alerts/"+id+"/ack", `{"autor":"kim"}`)
	require.Equal(t, 400, status)
	require.Contains(t, p["detail"], `unknown field "autor"`)
	status, p = c.ask("POST", "/v1/alerts/"+id+"/ack", `{"author":"`+strings.Repeat("x", maxBody)+`"}`)
	require.Equal(t, 413, status, p)
	status, p = c.ask("POST", "/v1/alerts/"+id+"/ack", `{"author":"kim","reason":"on it"}`)
	require.Equal(t, 200, status)
	require.Equal(t, map[string]any{"id": id, "rule": "hot", "device": "pump-1", "group": ""}, p)
	acked := func() any {
		_, list := c.ask("GET", "/v1/alerts?rule=hot", "")
		return list["alerts"].([]any)[0].(map[string]any)["acked"]
	}
	waitFor(t, "the event", func() bool { return acked() != nil })
	require.Equal(t, "kim", acked().(map[string]any)["author"])
	status, _ = c.ask("DELETE", "/v1/alerts/"+id+"/ack", "")
	require.Equal(t, 204, status)
	status, _ = c.ask("DELETE", "/v1/alerts/"+id+"/ack", "")
	require.Equal(t, 404, status)

	status, p = c.ask("POST", "/v1/silences", `{"name":"belt","matchers":[{"name":"labels.site","op":"=~","value":"Ham.*"}],"for":"2h","author":"kim","reason":"belt"}`)
	require.Equal(t, 201, status, p)
	require.Equal(t, []any{id}, p["fits"])
	require.Equal(t, "in force", p["state"])
	waitFor(t, "the event", func() bool {
		_, list := c.ask("GET", "/v1/alerts?rule=hot", "")
		return list["alerts"].([]any)[0].(map[string]any)["suppressed_by"] != nil
	})
	_, list = c.ask("GET", "/v1/silences", "")
	require.Equal(t, "belt", list["silences"].([]any)[0].(map[string]any)["name"])
	for body, want := range map[string]string{
		`{"matchers":[{"name":"rule","op":"=","value":"x"}],"for":"2h"}`:                                "author is missing",
		`{"matchers":[{"name":"rule","op":"=","value":"x"}],"author":"kim"}`:                            "say how long with for, or until when with end",
		`{"matchers":[{"name":"rule","op":"=~","value":"("}],"author":"kim","for":"2h"}`:                "missing closing )",
		`{"author":"kim","for":"2h"}`:                                                                   "matchers are missing",
		`{"matchers":[{"name":"rule","op":"=","value":"x"}],"author":"kim","for":"2h","name":"a b"}`:    "must be 1 to 100 letters",
		`{"matchers":[{"name":"rule","op":"=","value":"x"}],"author":"kim","start":"today","for":"2h"}`: `start "today" must be a time`,
		`{`: "body: unexpected EOF",
	} {
		status, p := c.ask("POST", "/v1/silences", body)
		require.Equal(t, 400, status, body)
		require.Contains(t, p["detail"], want)
	}
	resp, err := http.Get(c.url + "/metrics")
	require.NoError(t, err)
	metrics, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	for _, line := range []string{`weir_commands_total{pipeline="desk",result="taken"} 2`, `weir_commands_total{pipeline="desk",result="taken_back"} 1`, `weir_commands_offset{pipeline="desk"} 3`} {
		require.Contains(t, string(metrics), line)
	}
	status, _ = c.ask("DELETE", "/v1/silences/belt?maintenance", "")
	require.Equal(t, 404, status)
	status, _ = c.ask("DELETE", "/v1/silences/belt", "")
	require.Equal(t, 204, status)
	status, p = c.ask("GET", "/v1/alerts?pipeline=other", "")
	require.Equal(t, 404, status)
	require.Equal(t, `pipeline "other" with rules: this process has none`, p["detail"])
	cancel()
	require.NoError(t, <-served)
	b.end(t)
}

// Who may ask: with a token, who has it; without one, the machine itself, but no page of
// a stranger in its browser.
func TestAPIAdmits(t *testing.T) {
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	everywhere := &net.TCPAddr{IP: net.IPv4zero}
	for _, c := range []struct {
		name         string
		at           net.Addr
		token        string
		host, bearer string
		method, kind string
		want         int
	}{
		{name: "loopback", at: loopback, host: "127.0.0.1:9464", want: 200},
		{name: "loopback by name", at: loopback, host: "localhost:9464", want: 200},
		{name: "loopback, IPv6", at: &net.TCPAddr{IP: net.IPv6loopback}, host: "[::1]:9464", want: 200},
		{name: "a stranger's name for it", at: loopback, host: "evil.example", want: 403},
		{name: "a name that looks like it", at: loopback, host: "localhost.evil.example", want: 403},
		{name: "a form of a page", at: loopback, host: "localhost", method: "POST", kind: "text/plain", want: 415},
		{name: "a write", at: loopback, host: "localhost", method: "POST", kind: "application/json; charset=utf-8", want: 400},
		{name: "everywhere", at: everywhere, host: "127.0.0.1:9464", want: 403},
		{name: "everywhere, with a token", at: everywhere, token: "secret", bearer: "Bearer secret", host: "weir.example", want: 200},
		{name: "no token given", at: everywhere, token: "secret", host: "weir.example", want: 401},
		{name: "a wrong token", at: loopback, token: "secret", bearer: "Bearer secre", host: "localhost", want: 401},
		{name: "another scheme", at: loopback, token: "secret", bearer: "Basic secret", host: "localhost", want: 401},
	} {
		mux := http.NewServeMux()
		newAPI(nil, c.token, slog.New(slog.DiscardHandler)).mount(mux, c.at)
		path := "/v1/alerts"
		if c.method == "POST" {
			path = "/v1/silences"
		}
		r := httptest.NewRequest(c.method, path, strings.NewReader("{}"))
		r.Host = c.host
		r.Header.Set("Content-Type", c.kind)
		if c.bearer != "" {
			r.Header.Set("Authorization", c.bearer)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		require.Equal(t, c.want, w.Code, "%s: %s", c.name, w.Body)
	}
}

func TestAPIToken(t *testing.T) {
	t.Setenv("WEIR_API_TOKEN", "from the environment")
	token, err := apiToken("")
	require.NoError(t, err)
	require.Equal(t, "from the environment", token)
	file := filepath.Join(t.TempDir(), "token")
	_, err = apiToken(file)
	require.ErrorContains(t, err, "--api-token-file: open ")
	require.NoError(t, os.WriteFile(file, []byte("\n"), 0o600))
	_, err = apiToken(file)
	require.ErrorContains(t, err, "is empty")
	require.NoError(t, os.WriteFile(file, []byte("from a file\n"), 0o600))
	token, err = apiToken(file)
	require.NoError(t, err)
	require.Equal(t, "from a file", token)
}
