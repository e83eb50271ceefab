package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/access"
)

const (
	// startTime is how long after its start a process ends over a login that is refused: later the login was changed while it runs, and it
	// goes on trying.
	startTime = time.Minute
	// complainEvery is how often trouble in getting in is logged in the same words: a process has a dozen clients, and each tries again
	// several times a second.
	complainEvery = 30 * time.Second
)

// explainingHandler tells of errors that come from how weir gets in at the brokers which setting they are about, whoever logs them: the
// engine, an outlet or the Kafka client itself. It says the same only now and then, but at the level debug.
type explainingHandler struct {
	slog.Handler
	shared *explaining
}

// explaining is common to the loggers that are derived from one.
type explaining struct {
	door atomic.Pointer[access.Kafka] // nil in it until there is one
	now  func() time.Time

	mu   sync.Mutex
	said map[string]*complaint
}

// complaint is what has been said of one trouble.
type complaint struct {
	at      time.Time
	skipped int
}

func newExplainingHandler(to slog.Handler) *explainingHandler {
	return &explainingHandler{Handler: to, shared: &explaining{now: time.Now, said: map[string]*complaint{}}}
}

// Handle implements slog.Handler.
func (h *explainingHandler) Handle(ctx context.Context, r slog.Record) error {
	door := h.shared.door.Load()
	if door == nil || r.Level < slog.LevelInfo {
		return h.Handler.Handle(ctx, r)
	}
	told := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	trouble := ""
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			better := door.Explain(err)
			a.Value = slog.AnyValue(better)
			trouble += troubleOf(err, better)
		}
		told.AddAttrs(a)
		return true
	})
	if trouble != "" && !h.Handler.Enabled(ctx, slog.LevelDebug) {
		skipped, again := h.shared.again(r.Message + "\x00" + trouble)
		if again {
			return nil
		}
		if skipped > 0 {
			told.AddAttrs(slog.Int("said_again", skipped))
		}
	}
	return h.Handler.Handle(ctx, told)
}

// troubleOf names what an error is about, without what differs each time; empty: not of getting in.
func troubleOf(err, explained error) string {
	var e *access.Error
	if errors.As(err, &e) {
		return e.Setting + ": " + e.Reason
	}
	if explained.Error() != err.Error() {
		return strings.TrimSuffix(explained.Error(), err.Error())
	}
	return ""
}

// again reports whether something was said a moment ago, and, where it is not, how often it was left unsaid since.
func (e *explaining) again(what string) (skipped int, again bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	c := e.said[what]
	if c == nil {
		if len(e.said) > 1_000 {
			clear(e.said)
		}
		c = &complaint{}
		e.said[what] = c
	} else if now.Sub(c.at) < complainEvery {
		c.skipped++
		return 0, true
	}
	skipped, c.at, c.skipped = c.skipped, now, 0
	return skipped, false
}

// WithAttrs implements slog.Handler.
func (h *explainingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &explainingHandler{Handler: h.Handler.WithAttrs(attrs), shared: h.shared}
}

// WithGroup implements slog.Handler.
func (h *explainingHandler) WithGroup(name string) slog.Handler {
	return &explainingHandler{Handler: h.Handler.WithGroup(name), shared: h.shared}
}
