package simulation

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// trace is what happened in a world, a line each: virtual time since its
// beginning, who, what. It is written as it happens, so that it outlives a
// process that panics.
type trace struct {
	began time.Time
	mu    sync.Mutex
	to    io.Writer
	line  []byte
}

func newTrace(to io.Writer) *trace { return &trace{began: time.Now(), to: to} }

// addf adds a line.
func (t *trace) addf(who, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line = fmt.Appendf(t.line[:0], "%9.3f  %-8s ", time.Since(t.began).Seconds(), who)
	t.line = fmt.Appendf(t.line, format, args...)
	t.line = append(t.line, '\n')
	_, _ = t.to.Write(t.line) // a trace that cannot be written is no fault of the engine
}

// logger writes an engine's log to the trace.
func (t *trace) logger(who string, level slog.Level) *slog.Logger {
	return slog.New(&traceHandler{trace: t, who: who, level: level})
}

// traceHandler implements slog.Handler.
type traceHandler struct {
	trace *trace
	who   string
	level slog.Level
	with  string
}

func (h *traceHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *traceHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	r.Attrs(func(a slog.Attr) bool {
		b.WriteByte(' ')
		b.WriteString(a.String())
		return true
	})
	mark := ""
	if r.Level >= slog.LevelWarn {
		mark = r.Level.String() + " "
	}
	h.trace.addf(h.who, "%s%s%s%s", mark, r.Message, h.with, b.String())
	return nil
}

// WithAttrs implements slog.Handler.
func (h *traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	for _, a := range attrs {
		if a.Key != "pipeline" && a.Key != "from" { // there is one pipeline
			n.with += " " + a.String()
		}
	}
	return &n
}

// WithGroup implements slog.Handler; the engine makes no groups.
func (h *traceHandler) WithGroup(string) slog.Handler { return h }
