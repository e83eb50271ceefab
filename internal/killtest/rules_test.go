//go:build real

package killtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/rig"
)

// killRules are rules whose events follow from the readings alone: hysteresis, hold, expressions, also one that cannot always be worked out,
// alerts that linger and flap, and that others inhibit on the same device. One schedule begins hours after the test, of another it is in the
// middle. Silence, repeats and escalation follow wall time and are left to internal/chaos, as is what is said again in a message: there
// active_for follows it as well.
func killRules(now time.Time) string {
	hour := func(n int) string { return now.UTC().Add(time.Duration(n) * time.Hour).Format("15:04") }
	return fmt.Sprintf(`rules:
  - name: hot
    when: tumbling.mean
    levels:
      warning: {above: labels.limit, clear_below: 35}
      critical: {above: 80, clear_below: 75, hold: 5s}
    flapping: {changes: 3, within: 60s}
    message: "{{device}} of {{labels.site}} is at {{value}}"
  - name: long
    when: recent.p95
    levels:
      warning: {above: 50, clear_below: 40, hold: 1s}
    schedule: {days: mon-sun, from: %[1]q, to: %[2]q, timezone: UTC}
    message: "{{device}} is at {{value}}"
  - name: heated
    when: newest.mean
    levels:
      warning: {above: 60, clear_below: 50, hold: 3s}
    keep_firing: 4s
    schedule: {days: mon-sun, from: %[2]q, to: %[1]q, timezone: UTC}
    message: "{{device}} has been at {{value}} for {{active_for}}"
  - name: beyond
    when: tumbling.mean - labels.limit
    levels:
      warning: {above: 1, clear_below: -2}
      critical: {above: 30, hold: 5s}
    keep_firing: 10s
    flapping: {changes: 2, within: 120s}
    message: "{{device}} is {{value}} beyond its limit"
  - name: ratio
    when: "labels.limit / (temperature > 45 ? temperature - 45 : 0)"
    levels:
      warning: {above: 1}
    message: "{{device}} is at {{value}}"
inhibit:
  - {source: {rule: hot}, target: {rule: ratio}, equal: device}
  - {source: {rule: hot, level: critical}, target: {rule: beyond, level: warning}, equal: device}
  - {source: {rule: heated}, target: {rule: hot}, equal: device}
`, hour(6), hour(9))
}

// command silences some of what a pipeline will say, before it begins.
func command(t *testing.T, kafka *rig.Cluster, p killPipeline) {
	t.Helper()
	kafka.Topic(p.Commands(), 1, map[string]string{"cleanup.policy": "compact"})
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Brokers()...), kgo.DefaultProduceTopic(p.Commands()))
	require.NoError(t, err)
	defer client.Close()
	ctx, cancel := kafka.Ask()
	defer cancel()
	for _, s := range []commands.Silence{
		silence("hall", matcher(t, "labels.site", "=", "hall 3"), matcher(t, "rule", "!=", "hot")),
		silence("unknown", matcher(t, "labels.site", "=", ""), matcher(t, "level", "=~", "w.*")),
		silence("over", matcher(t, "rule", "=~", ".*")),
		silence("belt", matcher(t, "device", "=~", "device-.*7")),
	} {
		switch s.Name {
		case "over":
			s.End = s.Start + 1
		case "belt":
			s.Kind = commands.KindMaintenance
		}
		require.NoError(t, client.ProduceSync(ctx, &kgo.Record{Key: []byte(s.Key()), Value: s.AppendValue(nil)}).FirstErr())
	}
	require.NoError(t, client.ProduceSync(ctx, &kgo.Record{Key: []byte("silence/never"), Value: []byte("no command")}).FirstErr())
}

// silence is one for as long as the test can last.
func silence(name string, matchers ...commands.Matcher) commands.Silence {
	at := func(year int) event.Time { return event.Time(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()) }
	return commands.Silence{Kind: commands.KindSilence, Name: name, Matchers: matchers, Start: at(2020), End: at(2150), Author: "ada", At: at(2020)}
}

func matcher(t *testing.T, name, op, value string) commands.Matcher {
	t.Helper()
	m, err := commands.NewMatcher(name, op, value)
	require.NoError(t, err)
	return m
}

// requireEverything checks that alerts show all that killRules and the commands can do: what never comes about is compared in vain.
func requireEverything(t *testing.T, records []rig.Record) {
	t.Helper()
	seen := map[string]int{}
	for _, r := range records {
		var a struct {
			Rule, State  string
			Flapping     bool
			SuppressedBy []string `json:"suppressed_by"`
			Cause        struct{ Reason string }
		}
		require.NoError(t, json.Unmarshal([]byte(r.Value), &a), r.Value)
		for _, what := range append(a.SuppressedBy, a.Rule, a.State, a.Cause.Reason) {
			seen[what]++
		}
		delete(seen, "") // of what a reading caused
		if a.Flapping {
			seen["flapping"]++
		}
	}
	require.Zero(t, seen["silence/over"])
	const all = "hot long heated beyond ratio pending firing recovering resolved flapping suppressed unsuppressed error worked " +
		"schedule inhibit/hot silence/hall silence/unknown maintenance/belt"
	for what := range strings.FieldsSeq(all) {
		require.Positive(t, seen[what], "%s: no alert tells of it: %v", what, seen)
	}
	t.Logf("events: %v", seen)
}
