package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

func TestLossIsSaidOnceAMinute(t *testing.T) {
	var text bytes.Buffer
	r := &runner{e: &Engine{}, log: slog.New(slog.NewTextHandler(&text, nil)), plan: &task.Plan{Pipeline: &configs.Pipeline{QuarantineTopic: "weir.p.quarantine"}}}
	now := time.Now()
	batch := func(after time.Duration, reason event.Reason, n uint32) string {
		text.Reset()
		c := &task.Counts{}
		c.Quarantined[reason.Index()] = n
		now = now.Add(after)
		r.sayLoss(c, now)
		return text.String()
	}
	require.Contains(t, batch(0, event.TimeFormat, 2), "reason=time_format readings=2 see=weir.p.quarantine")
	require.Empty(t, batch(59*time.Second, event.TimeFormat, 5))
	require.Contains(t, batch(0, event.NoValue, 1), "reason=no_value readings=1")
	require.Contains(t, batch(time.Second, event.TimeFormat, 1), "readings=6")
	require.Empty(t, batch(time.Hour, event.Late, 1))
	require.Empty(t, batch(0, event.Future, 1))
	require.Equal(t, 1, strings.Count(batch(time.Hour, event.Malformed, 3), "\n"))
}
