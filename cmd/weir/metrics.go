package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirstream/weir/engine"
)

// metrics exports one engine of a pipeline, room by room; docs/METRICS.md lists them all, with the questions they answer
// and how many series each has. Totals of readings come from confirmed commits, so a replayed reading is not counted twice;
// they belong to a partition, and go where it goes, so that no sum falls when it leaves. No device is ever a label.
type metrics struct {
	i      *instance
	groups bool // of the groups and not of the devices
	rooms  []room

	commit, checkpoint, recovery, latency prometheus.Histogram
	journal                               prometheus.Counter
}

// room is a part of the metrics that belong together.
type room interface{ collect(s scrape) }

// scrape is one visit of Prometheus.
type scrape struct {
	ch     chan<- prometheus.Metric
	i      *instance
	work   *work
	engine *engine.Engine
	groups bool
	tasks  []engine.TaskStatus
}

func (s scrape) total(d *prometheus.Desc, v uint64, labels ...string) {
	s.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

func (s scrape) now(d *prometheus.Desc, v float64, labels ...string) {
	s.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// namer makes the descriptions of one engine's metrics.
type namer struct {
	prefix string
	labels prometheus.Labels
}

func (n namer) desc(name, help string, variable ...string) *prometheus.Desc {
	return prometheus.NewDesc(n.prefix+name, help, variable, n.labels)
}

func newMetrics(i *instance) *metrics { return newMetricsOf(i, "weir_") }

// newGroupMetrics exports the second engine of a pipeline with windows over several
// devices: the same series under weir_group_, where a reading is a partial. It exports
// nothing while no such engine is at work.
func newGroupMetrics(i *instance) *metrics {
	m := newMetricsOf(i, "weir_group_")
	m.groups = true
	return m
}

// engineOf is the engine that the metrics are of.
func (m *metrics) engineOf(w *work) *engine.Engine {
	if m.groups {
		return w.groups.engine
	}
	return w.engine
}

func newMetricsOf(i *instance, prefix string) *metrics {
	n := namer{prefix, prometheus.Labels{"pipeline": i.work().pipeline.Name}}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + name, Help: help, ConstLabels: n.labels, Buckets: buckets})
	}
	fast := prometheus.ExponentialBuckets(0.001, 2, 14)
	slow := prometheus.ExponentialBuckets(0.01, 2, 14)
	return &metrics{
		i:          i,
		commit:     histogram("commit_duration_seconds", "From sealing a batch to the confirmation of its transaction.", fast),
		checkpoint: histogram("checkpoint_duration_seconds", "From taking the dirty pages to the marker.", slow),
		recovery:   histogram("recovery_duration_seconds", "From owning a partition to its task being live.", slow),
		latency:    histogram("alert_latency_seconds", "From the append of the oldest reading that changed an alert to the commit of the alert.", fast),
		journal:    prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "journal_bytes_total", Help: "Bytes of journal records committed, before compression.", ConstLabels: n.labels}),
		rooms:      []room{newFlowMetrics(n), newReadingMetrics(n), newAlertMetrics(n), newStateMetrics(n), newHealthMetrics(n), newOutsideMetrics(n)},
	}
}

// Committed implements engine.Observer.
func (m *metrics) Committed(took time.Duration, journalBytes int) {
	m.commit.Observe(took.Seconds())
	m.journal.Add(float64(journalBytes))
}

// AlertLatency implements engine.Observer.
func (m *metrics) AlertLatency(d time.Duration) {
	m.latency.Observe(d.Seconds())
	m.i.latencies.add(time.Now(), d)
	if m.i.heard != nil {
		m.i.heard(d)
	}
}

// Checkpointed implements engine.Observer.
func (m *metrics) Checkpointed(took time.Duration) { m.checkpoint.Observe(took.Seconds()) }

// Recovered implements engine.Observer.
func (m *metrics) Recovered(took time.Duration) { m.recovery.Observe(took.Seconds()) }

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	w := m.i.work()
	if m.groups && !w.groups.atWork() {
		return
	}
	e := m.engineOf(w)
	for _, c := range []prometheus.Collector{m.commit, m.checkpoint, m.recovery, m.latency, m.journal} {
		c.Collect(ch)
	}
	s := scrape{ch: ch, i: m.i, work: w, engine: e, groups: m.groups, tasks: e.Status()}
	for _, r := range m.rooms {
		r.collect(s)
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
