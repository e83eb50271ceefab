package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// short is the patience of tests. An event of a stream comes every second.
const short = 600 * time.Millisecond

func shortPatience() patience {
	return patience{header: short, request: short, answer: 2 * short, idle: short}
}

// serveOutside serves a process without pipelines until the test ends; change changes it before.
func serveOutside(t *testing.T, o runOptions, change func(*outside)) *outside {
	t.Helper()
	out, err := newOutside(nil)
	require.NoError(t, err)
	require.NoError(t, out.listen("127.0.0.1:0"))
	out.api = newAPI(nil, o.Token, slog.New(slog.DiscardHandler))
	o.Logger = slog.New(slog.DiscardHandler)
	require.NoError(t, out.secure(o))
	change(out)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- out.serve(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-served) })
	return out
}

// wire is a connection on which nothing is sent but what a test says.
type wire struct {
	net.Conn
	t    *testing.T
	from *bufio.Reader
}

func dial(t *testing.T, o *outside) *wire {
	t.Helper()
	c, err := net.Dial("tcp", o.addr())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return &wire{Conn: c, t: t, from: bufio.NewReader(c)}
}

func (w *wire) send(format string, values ...any) {
	w.t.Helper()
	_, err := fmt.Fprintf(w, format, values...)
	require.NoError(w.t, err)
}

// status reads an answer.
func (w *wire) status() (int, string) {
	w.t.Helper()
	resp, err := http.ReadResponse(w.from, nil)
	require.NoError(w.t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return resp.StatusCode, string(text)
}

// ended waits for the end of the connection.
func (w *wire) ended() {
	w.t.Helper()
	_, err := w.from.ReadByte()
	require.ErrorIs(w.t, err, io.EOF)
}

// Who is refused hears so at once, whatever he has yet to send.
func TestRefusedBeforeTheBody(t *testing.T) {
	o := serveOutside(t, runOptions{Token: "secret"}, func(o *outside) { o.patience = patience{} })
	for _, size := range []string{"Content-Length: 9999", "Transfer-Encoding: chunked"} {
		w := dial(t, o)
		w.send("POST /v1/silences HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s\r\n\r\n", size)
		status, text := w.status()
		require.Equal(t, 401, status, text)
		w.ended()
	}
}

// A client that does not go on is not waited for.
func TestPatienceEnds(t *testing.T) {
	p := usualPatience()
	require.True(t, p.header > 0 && p.header <= p.request && p.request >= apiTimeout && p.answer > time.Minute && p.idle > 0, "a reload may take a minute")
	o := serveOutside(t, runOptions{}, func(o *outside) { o.patience = shortPatience() })
	t.Run("no body", func(t *testing.T) {
		w := dial(t, o)
		w.send("POST /v1/silences HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{\"author\":\"kim\"}")
		status, text := w.status()
		require.Equal(t, 408, status, text)
		require.Contains(t, text, "did not come in time")
		w.ended()
	})
	t.Run("half a head", func(t *testing.T) {
		w := dial(t, o)
		w.send("GET /healthz HTTP/1.1\r\nHost: local")
		w.ended()
	})
	t.Run("no second request", func(t *testing.T) {
		w := dial(t, o)
		w.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		status, _ := w.status()
		require.Equal(t, 200, status)
		w.ended()
	})
	t.Run("answers not read", func(t *testing.T) {
		w := dial(t, o)
		ask := strings.Repeat("GET /v1/openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n", 1_000)
		var err error
		for range 1_000 { // until both directions are full, and the server has given up
			if _, err = io.WriteString(w, ask); err != nil {
				break
			}
		}
		require.Error(t, err)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	})
}

// A stream outlives what other requests may take, and so does a profile, over HTTP/1.1 and HTTP/2.
func TestStreamsOutlivePatience(t *testing.T) {
	a := newAuthority(t)
	for name, o := range map[string]runOptions{"http": {}, "https": {HTTPS: a.issue("server")}} {
		t.Run(name, func(t *testing.T) {
			out := serveOutside(t, o, func(o *outside) { o.patience = shortPatience() })
			at := name + "://" + out.addr()
			started := time.Now()
			resp, err := a.client().Get(at + "/v1/live")
			require.NoError(t, err)
			defer resp.Body.Close()
			require.Equal(t, 200, resp.StatusCode)
			events, lines := 0, bufio.NewScanner(resp.Body)
			for events < 4 && lines.Scan() {
				if lines.Text() == "event: pipelines" {
					events++
				}
			}
			require.NoError(t, lines.Err())
			require.Equal(t, 4, events)
			require.Greater(t, time.Since(started), 4*short)
			profile, err := a.client().Get(at + "/debug/pprof/profile?seconds=2")
			require.NoError(t, err)
			defer profile.Body.Close()
			text, err := io.ReadAll(profile.Body)
			require.NoError(t, err)
			require.Equal(t, 200, profile.StatusCode, "%.200s", text)
			require.Equal(t, "\x1f\x8b", string(text[:2]), "a profile is compressed")
		})
	}
}
