//go:build real

package main

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/realbrokers"
)

// Prometheus takes rules and configuration, and each rule fires when it should and not when it should not.
func TestPromtoolTestsTheAlertingRules(t *testing.T) {
	promtool := realbrokers.Promtool(t)
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"}, {"check", "rules", "weir.rules.yml"}, {"test", "rules", "weir.rules.test.yml"},
	} {
		run := exec.Command(promtool, args...)
		run.Dir = "../../deploy/prometheus"
		said, err := run.CombinedOutput()
		require.NoError(t, err, "%v: %s", args, said)
		require.Contains(t, string(said), "SUCCESS", args)
	}
}
