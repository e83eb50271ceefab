package main

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// buildInfo says which weir runs.
func buildInfo() prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "weir_build_info", Help: "1 for the version of weir that runs, as its build was stamped, and that of Go.",
		ConstLabels: prometheus.Labels{"version": version(), "goversion": runtime.Version()},
	})
	g.Set(1)
	return g
}
