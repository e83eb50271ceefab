package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
)

// The example with its roster beside it: found relative to the pipeline file, taken
// up again when it changes, and seen in the metrics.
func TestOwnLimitsExample(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"own-limits.yaml", "own-limits.csv"} {
		text, err := os.ReadFile(filepath.Join(examplesDir, name))
		require.NoError(t, err)
		embedded := strings.Replace(string(text), "brokers: [localhost:9092]", "embedded: {dir: "+filepath.Join(dir, "kafka")+", partitions: 1}", 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(embedded), 0o644))
	}
	p, err := loadPipeline(filepath.Join(dir, "own-limits.yaml"), func(d configs.Diagnostic) { t.Error(d) })
	require.NoError(t, err)
	p.State.Dir = filepath.Join(dir, "state")
	s := start(t, p)
	waitFor(t, "ready", s.work().engine.Ready)
	registry := prometheus.NewRegistry()
	registry.MustRegister(newMetrics(s.instance))
	assert.Equal(t, 4.0, metric(t, registry, "weir_roster_devices"))
	assert.Equal(t, 1.0, metric(t, registry, "weir_roster_info"))

	file := filepath.Join(dir, "own-limits.csv")
	require.NoError(t, os.WriteFile(file, []byte("device,site,goods,limit,spoils_at,on_call\nstore-9,Tromsø,fish,1,3,Nils\n"), 0o644))
	waitFor(t, "taken", func() bool { return metric(t, registry, "weir_roster_devices") == 1 })
	require.NoError(t, os.WriteFile(file, []byte("device,limit\n"), 0o644))
	waitFor(t, "refused", func() bool { return metric(t, registry, "weir_roster_reload_errors_total") == 1 })
	assert.Equal(t, 1.0, metric(t, registry, "weir_roster_devices"))
	s.end(t)
}

// metric is the value of the only series of a name.
func metric(t *testing.T, registry *prometheus.Registry, name string) float64 {
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			require.Len(t, f.Metric, 1)
			return f.Metric[0].GetGauge().GetValue() + f.Metric[0].GetCounter().GetValue()
		}
	}
	return -1
}
