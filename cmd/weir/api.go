package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	apiTimeout = 30 * time.Second
	maxBody    = 64 << 10
)

// api answers under /v1 what weir alerts answers, and takes the same commands.
// docs/API.md describes it.
type api struct {
	instances []*instance
	one       sync.Mutex
	open      map[*instance]*desk // of those with rules, by the file in force

	log       *slog.Logger
	token     string     // empty: who reaches the listener may ask, if that is on loopback
	tokens    *tokenFile // the file that token came from; nil: it came from elsewhere
	loopback  bool       // of the listener
	certified bool       // whoever reaches the listener has a certificate of the operator's authority
	name      string     // that the operator gave the listener; empty: none

	watch   *watch
	streams atomic.Int64  // that are open
	over    chan struct{} // closed when the process ends: streams would not
	ended   bool          // likewise, under one
}

func newAPI(instances []*instance, token string, log *slog.Logger) *api {
	a := &api{instances: instances, open: map[*instance]*desk{}, token: token, log: log, over: make(chan struct{})}
	a.watch = &watch{see: a.seeAlerts}
	return a
}

// desks are those of the pipelines with rules. A changed file has a desk of its own: which
// alerts there are follows from its rules.
func (a *api) desks() (all []*desk) {
	a.one.Lock()
	defer a.one.Unlock()
	if a.ended {
		return nil
	}
	for _, i := range a.instances {
		p, d := i.work().pipeline, a.open[i]
		if d != nil && d.pipeline != p {
			go d.close() // it waits for a look under way, which may wait for brokers
			delete(a.open, i)
			d = nil
		}
		if d == nil && len(p.Rules) > 0 {
			d = newDesk(p, i.door)
			a.open[i] = d
		}
		if d != nil {
			all = append(all, d)
		}
	}
	return all
}

// apiToken is the token that the environment, or a file, has for the API.
func apiToken(file string) (string, error) {
	if file == "" {
		return os.Getenv("WEIR_API_TOKEN"), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--api-token-file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("--api-token-file %q is empty", file)
	}
	return token, nil
}

// close ends the API. Desks that look into topics just now get a second: with the brokers gone
// a look takes long, and nothing is lost with it.
func (a *api) close() {
	a.one.Lock()
	defer a.one.Unlock()
	a.ended = true
	var open sync.WaitGroup
	for _, d := range a.open { // unordered: each by itself
		open.Go(d.close)
	}
	closed := make(chan struct{})
	go func() {
		open.Wait()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
}

// mount puts the API onto a mux whose listener has the address.
func (a *api) mount(mux *http.ServeMux, at net.Addr) {
	tcp, ok := at.(*net.TCPAddr)
	a.loopback = ok && tcp.IP.IsLoopback()
	routes := http.NewServeMux()
	for pattern, answer := range a.routes() { // unordered: patterns differ
		routes.Handle(pattern, answer)
	}
	mux.Handle("/v1/", a.orProblem(routes))
}

// routes are all that the API answers. docs/openapi.yaml has the same.
func (a *api) routes() map[string]http.Handler {
	all := map[string]http.Handler{
		"GET /v1/live":         http.HandlerFunc(a.live),
		"GET /v1/openapi.yaml": http.HandlerFunc(a.document),
	}
	for pattern, answer := range map[string]func(*http.Request) (reply, error){ // unordered: patterns differ
		"GET /v1/pipelines":              a.listPipelines,
		"GET /v1/pipelines/{name}":       a.onePipeline,
		"GET /v1/pipelines/{name}/tasks": a.listTasks,
		"GET /v1/pipelines/{name}/lag":   a.showLag,
		"GET /v1/devices":                a.listDevices,
		"GET /v1/devices/{id}":           a.showDevice,
		"GET /v1/groups":                 a.listGroups,
		"GET /v1/groups/{by}/{id}":       a.showGroup,

		"GET /v1/alerts":             a.listAlerts,
		"GET /v1/alerts/{id}":        a.explainAlert,
		"POST /v1/alerts/{id}/ack":   a.ackAlert,
		"DELETE /v1/alerts/{id}/ack": a.unackAlert,
		"GET /v1/silences":           a.listSilences,
		"POST /v1/silences":          a.addSilence,
		"DELETE /v1/silences/{name}": a.dropSilence,
		"POST /v1/reload":            a.reload,
	} {
		all[pattern] = a.handler(answer)
	}
	return all
}

// problemKind is the media type of problems (RFC 9457).
const problemKind = "application/problem+json"

// reply is what a request is answered with.
type reply struct {
	status   int    // 0: 200
	body     any    // nil: none
	kind     string // of the body; empty: JSON
	location string // empty: none
}

// problem is an error as RFC 9457 has it.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func (p problem) Error() string { return p.Detail }

func problemOf(status int, detail string) problem {
	return problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

func (a *api) handler(answer func(*http.Request) (reply, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		w.Header().Set("Cache-Control", "no-store")
		err := a.admit(r)
		var out reply
		if err == nil {
			out, err = answer(r.WithContext(ctx))
		} else if r.ContentLength != 0 && r.ProtoMajor == 1 { // or the server waits for the body, before it answers and after
			w.Header().Set("Connection", "close")
			_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // not every writer has one
		}
		if err != nil {
			a.refuse(w, err)
			return
		}
		send(w, out)
	})
}

// refuse answers with a problem.
func (a *api) refuse(w http.ResponseWriter, err error) {
	p := a.problem(err)
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="weir"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	send(w, reply{status: p.Status, body: p, kind: problemKind})
}

func send(w http.ResponseWriter, out reply) {
	if out.location != "" {
		w.Header().Set("Location", out.location)
	}
	if out.body == nil {
		w.WriteHeader(cmp.Or(out.status, http.StatusNoContent))
		return
	}
	w.Header().Set("Content-Type", cmp.Or(out.kind, "application/json"))
	w.WriteHeader(cmp.Or(out.status, http.StatusOK))
	encode(w, out.body) // whoever asked may be gone
}

func encode(w io.Writer, body any) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body)
}

// admit says who may ask. With a token, who has it. Without one the API is for the
// machine itself; but a browser there shows pages of strangers, so requests under a foreign name (which
// a stranger's name server may have pointed here) and writes that a page could send unasked are refused.
func (a *api) admit(r *http.Request) error {
	switch {
	case a.token != "":
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		want, have := sha256.Sum256([]byte(a.tokenInForce())), sha256.Sum256([]byte(given))
		if !ok || subtle.ConstantTimeCompare(want[:], have[:]) != 1 {
			return problemOf(http.StatusUnauthorized, "send the token as Authorization: Bearer TOKEN")
		}
	case a.isVouched(r):
	case !a.loopback:
		return problemOf(http.StatusForbidden, "the API is off: set WEIR_API_TOKEN, or let --http listen on loopback only")
	case !a.isHere(r.Host):
		return notHere(r.Host)
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method == http.MethodPost && kind != "application/json" {
		return problemOf(http.StatusUnsupportedMediaType, "send Content-Type: application/json")
	}
	return nil
}

// isVouched reports whether an authority of the operator's vouches for who asks.
func (a *api) isVouched(r *http.Request) bool {
	return a.certified && r.TLS != nil && len(r.TLS.VerifiedChains) > 0
}

// isHere reports whether a request's Host is this machine: by a name that no stranger can have, or by the one in --http, which the operator
// chose (the name of a Debian machine is often 127.0.1.1 to itself).
func (a *api) isHere(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback() || a.name != "" && strings.EqualFold(host, a.name)
}

func notHere(host string) error {
	return problemOf(http.StatusForbidden, fmt.Sprintf("host %q is not this machine: set WEIR_API_TOKEN to be reached under a name", host))
}

// problem is what an error is to whoever asked. One that is not of his making is logged.
func (a *api) problem(err error) problem {
	p, asked := problemFor(err)
	if !asked {
		a.log.Warn("api request not answered", "error", err)
	}
	return p
}

// problemFor is what an error is to whoever asked, and whether it lies in what he asked.
func problemFor(err error) (p problem, asked bool) {
	switch {
	case errors.As(err, &p):
		return p, true
	case errors.Is(err, errNoSuch):
		return problemOf(http.StatusNotFound, err.Error()), true
	case errors.Is(err, errSeveral):
		return problemOf(http.StatusConflict, err.Error()), true
	case errors.Is(err, errNoCommand):
		return problemOf(http.StatusBadRequest, err.Error()), true
	}
	return problemOf(http.StatusServiceUnavailable, err.Error()), false
}

// read reads the body of a request. None is as good as an empty object.
func read(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	where, err := "body", decoder.Decode(into)
	if err == nil {
		where = "body, after its object"
		if err = decoder.Decode(new(json.RawMessage)); err == nil {
			err = errors.New("another value")
		}
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &tooLarge):
		return problemOf(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body may have %d bytes", maxBody))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problemOf(http.StatusRequestTimeout, "the body did not come in time")
	}
	return problemOf(http.StatusBadRequest, where+": "+err.Error())
}

// asked are the desks that a request is about: all, or the one of ?pipeline=.
func (a *api) asked(r *http.Request) ([]*desk, error) {
	name := r.URL.Query().Get("pipeline")
	var found []*desk
	for _, d := range a.desks() {
		if name == "" || d.pipeline.Name == name {
			found = append(found, d)
		}
	}
	if len(found) == 0 && name != "" {
		return nil, problemOf(http.StatusNotFound, fmt.Sprintf("pipeline %q with rules: this process has none", name))
	}
	return found, nil
}

// first asks one desk after the other until one knows what is asked for.
func (a *api) first(r *http.Request, ask func(d *desk) (reply, error)) (reply, error) {
	desks, err := a.asked(r)
	if err != nil {
		return reply{}, err
	}
	err = fmt.Errorf("pipeline with rules: %w", errNoSuch)
	for _, d := range desks {
		var out reply
		if out, err = ask(d); !errors.Is(err, errNoSuch) {
			return out, err
		}
	}
	return reply{}, err
}
