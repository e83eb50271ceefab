package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	liveEvery   = time.Second
	liveAlerts  = 200 // as many as an event tells
	mostStreams = 100
	// streamPatience is how long a client may take to read an event.
	streamPatience = 10 * time.Second
)

// live streams what GET /v1/pipelines and GET /v1/alerts answer, and of ?device= what GET /v1/devices/{id} does, as server-sent events
// (HTML standard, section 9.2) until the client goes or the process ends.
func (a *api) live(w http.ResponseWriter, r *http.Request) {
	if err := a.admit(r); err != nil {
		a.refuse(w, err)
		return
	}
	if a.streams.Add(1) > mostStreams {
		a.streams.Add(-1)
		a.refuse(w, problemOf(http.StatusServiceUnavailable, fmt.Sprintf("%d streams are open already", mostStreams)))
		return
	}
	defer a.streams.Add(-1)
	device := r.URL.Query().Get("device")
	if _, err := a.chosen(r); device != "" && err != nil {
		a.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // of nginx, before a process with a token
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	s := stream{w: w, flush: http.NewResponseController(w)}
	ticker := time.NewTicker(liveEvery)
	defer ticker.Stop()
	for {
		a.tell(&s, r)
		if s.err = errors.Join(s.err, s.end()); s.err != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-a.over:
			return
		}
	}
}

// tell writes the events of a moment.
func (a *api) tell(s *stream, r *http.Request) {
	s.event("pipelines", map[string]any{"pipelines": a.pipelines()})
	now := a.watch.look(0)
	switch {
	case now.err != nil && now.err.Error() != s.failed:
		s.event("alerts-problem", a.problem(now.err))
		s.failed, s.alerts = now.err.Error(), nil
	case now.err == nil && now.alerts != nil && !bytes.Equal(now.alerts, s.alerts):
		s.raw("alerts", now.alerts)
		s.alerts, s.failed = now.alerts, ""
	}
	id := r.URL.Query().Get("device")
	if id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	out, err := a.answerFrom(r.WithContext(ctx), func(i *instance) (any, error) { return i.device(ctx, id) })
	switch {
	case err != nil:
		told, asked := problemFor(err)
		if !asked && told.Detail != s.device { // a stream asks every second
			a.log.Warn("api request not answered", "error", err)
		}
		s.device = told.Detail
		s.event("device-problem", told)
	case out.kind == problemKind:
		s.event("device-problem", out.body)
	default:
		s.device = ""
		s.event("device", out.body)
	}
}

// stream is where events go to.
type stream struct {
	w      http.ResponseWriter
	flush  *http.ResponseController
	text   bytes.Buffer
	alerts []byte // told last
	failed string // likewise
	device string // likewise: the problem with it
	err    error
}

func (s *stream) event(name string, body any) {
	var text bytes.Buffer
	encode(&text, body)
	s.raw(name, text.Bytes())
}

// raw adds an event whose data is one line.
func (s *stream) raw(name string, data []byte) {
	fmt.Fprintf(&s.text, "event: %s\ndata: %s\n\n", name, bytes.TrimRight(data, "\n"))
}

// end sends what was added, and a comment, by which proxies see that the stream lives.
func (s *stream) end() error {
	s.text.WriteString(":\n\n")
	_ = s.flush.SetWriteDeadline(time.Now().Add(streamPatience)) // not every writer has one
	_, err := s.w.Write(s.text.Bytes())
	s.text.Reset()
	return errors.Join(err, s.flush.Flush())
}
