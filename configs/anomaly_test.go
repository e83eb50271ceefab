package configs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

// Rules on anomalies find no outcome that a revision could change, so a window may
// have as many as it likes.
func TestAnomaliesAreNoOutcomes(t *testing.T) {
	var b strings.Builder
	b.WriteString(`name: p
kafka: {brokers: [localhost:9092]}
source: {topic: readings}
windows: [{name: w, metric: m, tumbling: 1m, compute: [mean]}]
rules:
- {name: hot, when: w.mean, levels: {warning: {above: 1}}}
`)
	for i := range 10 {
		fmt.Fprintf(&b, "- {name: odd%d, anomaly: w.mean}\n", i)
	}
	p, diagnostics := Parse("p.yaml", []byte(b.String()), Options{})
	require.Empty(t, diagnostics)
	require.Len(t, p.Rules, 11)
	for i := range p.Rules[1:] {
		r := &p.Rules[i+1]
		require.Equal(t, &Anomaly{FalseAlarmsPer: anomaly.Month}, r.Anomaly)
		require.Equal(t, []Level{{Name: "warning"}}, r.Levels)
		require.Equal(t, When{Window: 0, Result: "mean", Metric: 0}, r.When)
		require.Equal(t, "close", r.Evaluate)
		require.Equal(t, "pause", r.OnGap)
	}
}

func TestSensitivity(t *testing.T) {
	for text, want := range map[string]event.Time{
		"one false alarm per hour": anomaly.Hour, "one false alarm per month": anomaly.Month, "one false alarm per 14d": 14 * anomaly.Day,
		"36h": 36 * anomaly.Hour, "1h": anomaly.Hour, "3650d": 10 * anomaly.Year,
	} {
		got, problem := parseSensitivity(text)
		require.Empty(t, problem, text)
		require.Equal(t, want, got, text)
		_, err := anomaly.Compile(anomaly.Options{FalseAlarmsPer: got})
		require.NoError(t, err, "what a file may say the detector takes")
	}
	for _, text := range []string{"59m59s", "3651d", "month", "one false alarm per", "one false alarm per 0s", "two false alarms per month", "one false alarm per month ", "high"} {
		_, problem := parseSensitivity(text)
		require.NotEmpty(t, problem, text)
	}
}
