//go:build real

package main

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/realbrokers"
)

// Prometheus has nothing to say against names, types and helps.
func TestPromtoolFindsNoFaultWithMetrics(t *testing.T) {
	promtool := realbrokers.Promtool(t)
	b := newPlantBench(t)
	defer b.close()
	b.sendAll(10, 1)
	waitFor(t, "readings", func() bool { return b.value("weir_group_alerts_firing") == 1 })
	resp, err := http.Get("http://" + b.outside.addr() + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(string(text))
	said, err := check.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Empty(t, string(said))
}
