package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/access"
)

// explainingHandler tells of errors that come from how weir gets in at the brokers which setting they are about, whoever logs them: the
// engine, an outlet or the Kafka client itself.
type explainingHandler struct {
	slog.Handler
	door *atomic.Pointer[access.Kafka] // nil in it until there is one
}

// Handle implements slog.Handler.
func (h *explainingHandler) Handle(ctx context.Context, r slog.Record) error {
	door := h.door.Load()
	if door == nil || r.Level < slog.LevelInfo {
		return h.Handler.Handle(ctx, r)
	}
	explained := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.AnyValue(door.Explain(err))
		}
		explained.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, explained)
}

// WithAttrs implements slog.Handler.
func (h *explainingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &explainingHandler{Handler: h.Handler.WithAttrs(attrs), door: h.door}
}

// WithGroup implements slog.Handler.
func (h *explainingHandler) WithGroup(name string) slog.Handler {
	return &explainingHandler{Handler: h.Handler.WithGroup(name), door: h.door}
}

// startTime is how long after its start a process ends over a login that is refused: later the login was changed while it runs, and it
// goes on trying.
const startTime = time.Minute
