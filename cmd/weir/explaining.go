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
	"github.com/weirstream/weir/complaint"
)

const (
	// startTime is how long after its start a process ends over a login that is refused: later the login was changed while it runs, and it
	// goes on trying.
	startTime = time.Minute
	// quietTime is after how long without it trouble in getting in counts as over: clients try again more often than that.
	quietTime = 2 * time.Minute
	// lastsKey is the attribute of what is paced where it is logged: how long it has lasted.
	lastsKey = "for"
)

// explainingHandler tells of errors that come from how weir gets in at the brokers which setting they are about, whoever logs them: the
// engine, an outlet or the Kafka client itself. It says the same only now and then, but at the level debug: a process has a dozen clients,
// and each tries again several times a second.
type explainingHandler struct {
	slog.Handler
	shared *explaining
}

// explaining is common to the loggers that are derived from one.
type explaining struct {
	door atomic.Pointer[access.Kafka] // nil in it until there is one
	now  func() time.Time

	mu   sync.Mutex
	said map[string]*sameTrouble
}

// sameTrouble is what has been said of one trouble.
type sameTrouble struct {
	complaint.Pace
	seen    time.Time
	skipped int
}

func newExplainingHandler(to slog.Handler) *explainingHandler {
	return &explainingHandler{Handler: to, shared: &explaining{now: time.Now, said: map[string]*sameTrouble{}}}
}

// Handle implements slog.Handler.
func (h *explainingHandler) Handle(ctx context.Context, r slog.Record) error {
	door := h.shared.door.Load()
	if door == nil || r.Level < slog.LevelInfo {
		return h.Handler.Handle(ctx, r)
	}
	told := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	trouble, paced := "", false
	r.Attrs(func(a slog.Attr) bool {
		paced = paced || a.Key == lastsKey
		if err, ok := a.Value.Any().(error); ok {
			better := door.Explain(err)
			a.Value = slog.AnyValue(better)
			trouble += troubleOf(err, better)
		}
		told.AddAttrs(a)
		return true
	})
	if trouble != "" && !paced && !h.Handler.Enabled(ctx, slog.LevelDebug) {
		lasts, skipped, say := h.shared.again(r.Message + "\x00" + trouble)
		if !say {
			return nil
		}
		if skipped > 0 {
			told.AddAttrs(slog.String(lastsKey, lasts.Round(time.Second).String()), slog.Int("times", skipped+1))
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

// again reports whether to say something again, how long it has lasted, and how often it was left unsaid since it was said last.
func (e *explaining) again(what string) (lasts time.Duration, skipped int, say bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	t := e.said[what]
	if t == nil || now.Sub(t.seen) > quietTime {
		if len(e.said) > 1_000 {
			clear(e.said)
		}
		t = &sameTrouble{}
		e.said[what] = t
	}
	t.seen = now
	if lasts, say = t.Again(now); !say {
		t.skipped++
		return lasts, 0, false
	}
	skipped, t.skipped = t.skipped, 0
	return lasts, skipped, true
}

// WithAttrs implements slog.Handler.
func (h *explainingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &explainingHandler{Handler: h.Handler.WithAttrs(attrs), shared: h.shared}
}

// WithGroup implements slog.Handler.
func (h *explainingHandler) WithGroup(name string) slog.Handler {
	return &explainingHandler{Handler: h.Handler.WithGroup(name), shared: h.shared}
}
