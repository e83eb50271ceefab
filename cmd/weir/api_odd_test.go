package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever is asked, the answer is as the document has it, and is no failure of the program.
func TestAPIOddRequests(t *testing.T) {
	f := newAPIFleet(t, 1)
	p := f.start("one", "")
	defer p.end()
	waitFor(t, "tasks", func() bool { return p.work().ready() })
	waitFor(t, "topics", func() bool { status, _ := p.ask("GET", "/v1/alerts", ""); return status == 200 })
	f.send("pump-1", "temperature", 90, time.Now())

	random := rand.New(rand.NewPCG(7, 11))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	word := func() string {
		return pick("pump-1", "fleet", "site_1m", "labels.site", "Hamburg", "", "x", "0", "-1", "1", "99999999999999999999", "%00", "%ff%fe", "..", "%2e%2e", ".", "%2F", "a%2Fb", "%20", "ä",
			strings.Repeat("a", 3000), "null", "[]", "%7B%7D", "'\"", "ack", "here", "%25", "+")
	}
	value := func() string {
		return pick(`"kim"`, `""`, `null`, `0`, `-1`, `1e400`, `[]`, `{}`, `true`, `"2h"`, `"-2h"`, `"99999999y"`, `[null]`, `[{}]`, `[{"name":"rule","op":"=~","value":"("}]`,
			`[{"name":"rule","op":"=","value":"hot"}]`, `[{"name":"labels.","op":"=","value":""}]`, `"2026-03-01T12:00:00Z"`, `"0000-00-00T00:00:00Z"`, "\"\\ud800\"", "\"\x00\"")
	}
	body := func() string {
		switch random.IntN(8) {
		case 0:
			return pick("", "{", "null", "[]", "1", `"x"`, "\xff\xfe", "{}{}", `{"author":"kim"}trailing`)
		case 1:
			return `{"author":` + value() + `}`
		case 2:
			return `{"matchers":[{"name":"rule","op":"=","value":"hot"}],"for":"2h","author":"kim",` + pick(`"reason":`, `"name":`, `"start":`, `"maintenance":`) + value() + `}`
		}
		var fields []string
		for range random.IntN(6) {
			fields = append(fields, fmt.Sprintf("%q:%s", pick("name", "matchers", "for", "start", "end", "author", "reason", "maintenance", "other"), value()))
		}
		return "{" + strings.Join(fields, ",") + "}"
	}
	known := map[int]int{}
	for range 3_000 {
		op := pick(p.document.operations()...)
		method, path, _ := strings.Cut(op, " ")
		if path == "/v1/live" {
			continue
		}
		for _, part := range strings.Split(path, "/") {
			if strings.HasPrefix(part, "{") {
				path = strings.Replace(path, part, word(), 1)
			}
		}
		var query []string
		for range random.IntN(3) {
			query = append(query, pick("pipeline", "limit", "prefix", "by", "here", "maintenance", "rule", "state", "device", "%zz", "")+pick("=", "", "==")+pick(word(), "fleet"))
		}
		if len(query) > 0 {
			path += "?" + strings.Join(query, "&")
		}
		if random.IntN(20) == 0 {
			method = pick("PUT", "PATCH", "POST", "GET", "DELETE", "OPTIONS", "HEAD")
		}
		if random.IntN(30) == 0 {
			path = strings.Replace(path, "/v1/", pick("/v1//", "/v1/x/", "/v1/../", "/v1/%2e/"), 1)
		}
		known[p.raw(method, path, body())]++
	}
	t.Log(known)
	require.Zero(t, known[500])
	require.Positive(t, known[200])
	require.Positive(t, known[201])
	require.Positive(t, known[400])
	require.Positive(t, known[404])
}

// raw asks with a path as it stands and returns the status, which the document must have.
func (p *process) raw(method, path, body string) int {
	p.t.Helper()
	r := &http.Request{Method: method, Host: strings.TrimPrefix(p.url, "http://"), Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
	at, err := url.Parse(p.url)
	require.NoError(p.t, err)
	before, query, _ := strings.Cut(path, "?")
	plain, err := url.PathUnescape(before)
	require.NoError(p.t, err)
	r.URL = &url.URL{Scheme: at.Scheme, Host: at.Host, Path: plain, RawPath: before, RawQuery: query}
	w := httptest.NewRecorder()
	p.mux().ServeHTTP(w, r.WithContext(context.Background()))
	said := w.Result()
	text, err := io.ReadAll(said.Body)
	require.NoError(p.t, err)
	switch op := p.document.operation(method, before); {
	case said.StatusCode/100 == 3 && said.Header.Get("Content-Type") != problemKind:
		require.NotEmpty(p.t, said.Header.Get("Location")) // the path made clean
	case method == "HEAD":
	case op != "":
		require.NoError(p.t, p.document.check(op, answer{said.StatusCode, said.Header, text}), "%s %s %s", method, path, body)
	default:
		require.Contains(p.t, []int{404, 405}, said.StatusCode, "%s %s: %s", method, path, text)
		require.NoError(p.t, p.document.fits("#/components/schemas/Problem", text))
	}
	return said.StatusCode
}

// mux is the API without its listener.
func (p *process) mux() http.Handler {
	mux := http.NewServeMux()
	p.outside.api.mount(mux, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	return mux
}
