//go:build real

package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// happened counts what a round saw of each kind, by the words of wanted.
type happened map[string]int

// wanted are the kinds that a round with an operator has to have seen. What takes a whole minute, or a device that is odd, may not come about in
// one, and is counted only.
func wanted() []string {
	return []string{
		"commands", "silenced", "maintained", "acked", "unacked", "suppressed", "unsuppressed", "inhibited", "inhibited by label", "out of schedule",
		"escalated", "repeated", "no_data", "expected", "flapping", "recovering", "error", "formula",
	}
}

// String lists what was seen, the wanted first.
func (h happened) String() string {
	var b strings.Builder
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(h)), func(kind string) bool { return slices.Contains(wanted(), kind) })
	for i, kind := range append(wanted(), others...) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", kind, h[kind])
	}
	return b.String()
}

func (h happened) add(other happened) {
	for kind, n := range other {
		h[kind] += n
	}
}

// require fails the test where a wanted kind is missing.
func (h happened) require(t *testing.T) {
	t.Helper()
	for _, kind := range wanted() {
		require.Positive(t, h[kind], "%s: none was seen, and the run would show nothing of it: %s", kind, h)
	}
}

// take counts one alert event.
func (h happened) take(value string) error {
	var a struct {
		Rule, State  string
		Flapping     bool
		Error        bool
		Anomaly      *struct{ Kind string }
		SuppressedBy []string `json:"suppressed_by"`
		Cause        struct{ Reason string }
	}
	if err := json.Unmarshal([]byte(value), &a); err != nil {
		return err
	}
	switch a.Cause.Reason {
	case "repeat":
		h["repeated"]++
	case "acked", "unacked", "suppressed", "unsuppressed", "escalated", "error", "worked", "struck":
		h[a.Cause.Reason]++
	}
	switch first := a.State == "firing" && a.Cause.Reason == "silence"; {
	case first && a.Rule == "silent":
		h["no_data"]++
	case first && a.Rule == "missing":
		h["expected"]++
	case a.Rule == "beyond":
		h["formula"]++
	case a.Anomaly != nil:
		h["anomaly"]++
	}
	if a.Flapping {
		h["flapping"]++
	}
	if a.State == "recovering" {
		h["recovering"]++
	}
	for _, by := range a.SuppressedBy {
		kind, _, _ := strings.Cut(by, "/")
		h[map[string]string{"schedule": "out of schedule", "silence": "silenced", "maintenance": "maintained", "inhibit": "inhibited"}[kind]]++
	}
	return nil
}

// look counts what a round saw that had an operator: something of what there are operators, timers and schedules for has to be among it.
func (r *round) look() {
	r.t.Helper()
	if r.pipe.untold {
		return
	}
	r.seen = r.observe()
	r.t.Logf("seen: %s; the operator gave %d commands, %d were taken, %d of them by the API", r.seen, r.operator.done.given, r.operator.done.taken, r.operator.done.byAPI)
	require.NotEmpty(r.t, r.seen)
}

// observe counts what a round saw, by what kcat reads.
func (r *round) observe() happened {
	r.t.Helper()
	h := happened{}
	for _, record := range r.kafka.Read(r.pipe.alerts) {
		require.NoError(r.t, h.take(record.Value), record.Value)
	}
	for _, record := range r.kafka.Read(r.pipe.Commands()) {
		if strings.HasPrefix(record.Device, "inhibit/") {
			h["inhibited by label"]++
		} else {
			h["commands"]++
		}
	}
	return h
}
