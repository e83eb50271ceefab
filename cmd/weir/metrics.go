package main

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
)

// metrics exports one pipeline. Totals come from confirmed commits, so a
// replayed reading is not counted twice; they belong to a partition, and go where
// it goes, so that no sum falls when it leaves. Cardinality: some thirty series
// and fifteen for each owned partition; no device is ever a label.
type metrics struct {
	i      *instance
	groups bool // of the groups and not of the devices

	commit, checkpoint, recovery, latency prometheus.Histogram
	journal                               prometheus.Counter

	readings, results, alerts, corrections, forgotten, expressions, recoveries, aborted, commits *prometheus.Desc
	firing, open, devices, state, skew, trusted                                                  *prometheus.Desc
	live, lag, offset, seq, resets, ungrouped, ruleErrors                                        *prometheus.Desc
	reloads                                                                                      *prometheus.Desc
	mqtt, mqttConnected                                                                          *prometheus.Desc
	rosterDevices, rosterFaults, rosterInfo                                                      *prometheus.Desc
	commands, commandsOffset                                                                     *prometheus.Desc
	outletDelivered, outletFailed, outletRefused, outletLag                                      *prometheus.Desc
}

func newMetrics(i *instance) *metrics { return newMetricsOf(i, "weir_") }

// newGroupMetrics exports the second engine of a pipeline with windows over several
// devices: the same series under weir_group_, where a reading is a partial. It exports
// nothing while there is no such engine.
func newGroupMetrics(i *instance) *metrics {
	m := newMetricsOf(i, "weir_group_")
	m.groups = true
	return m
}

// engineOf is the engine that the metrics are of; nil where there is none.
func (m *metrics) engineOf(w *work) *engine.Engine {
	switch {
	case !m.groups:
		return w.engine
	case w.groups == nil:
		return nil
	default:
		return w.groups.engine
	}
}

func newMetricsOf(i *instance, prefix string) *metrics {
	labels := prometheus.Labels{"pipeline": i.work().pipeline.Name}
	desc := func(name, help string, variable ...string) *prometheus.Desc {
		return prometheus.NewDesc(prefix+name, help, variable, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + name, Help: help, ConstLabels: labels, Buckets: buckets})
	}
	fast := prometheus.ExponentialBuckets(0.001, 2, 14)
	slow := prometheus.ExponentialBuckets(0.01, 2, 14)
	return &metrics{
		i:          i,
		commit:     histogram("commit_duration_seconds", "From sealing a batch to the confirmation of its transaction.", fast),
		checkpoint: histogram("checkpoint_duration_seconds", "From taking the dirty pages to the marker.", slow),
		recovery:   histogram("recovery_duration_seconds", "From owning a partition to its task being live.", slow),
		latency:    histogram("alert_latency_seconds", "From the append of the oldest reading that changed an alert to the commit of the alert.", fast),
		journal:    prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "journal_bytes_total", Help: "Bytes of journal records committed, before compression.", ConstLabels: labels}),

		readings:    desc("readings_total", "Readings since the pipeline began, by what became of them; in is their sum. Retained messages have no partition.", "partition", "outcome"),
		results:     desc("window_results_total", "Window results produced, revisions among them.", "partition"),
		alerts:      desc("alert_events_total", "Alert events produced.", "partition"),
		corrections: desc("alert_corrections_total", "Window revisions that would have changed an alert.", "partition"),
		forgotten:   desc("devices_forgotten_total", "Devices dropped after state.forget_after of silence.", "partition"),
		ungrouped:   desc("readings_ungrouped_total", "Readings that no group got, for their device has not the label: once for each window over several devices.", "partition"),
		expressions: desc("expression_errors_total", "Readings for which where or derive could not be worked out.", "partition"),
		ruleErrors:  desc("rule_errors_total", "Times that the expression of a rule could not be worked out.", "partition"),
		resets:      desc("clock_resets_total", "Device clocks restarted after time.reset_clock_after of late readings.", "partition"),
		recoveries:  desc("recoveries_total", "Tasks dropped on a doubt and recovered."),
		aborted:     desc("transactions_aborted_total", "Transactions aborted and sent again."),
		commits:     desc("commits_total", "Transactions committed."),
		firing:      desc("alerts_firing", "Alerts that fire now."),
		open:        desc("windows_open", "Windows that hold readings and have not closed for good."),
		devices:     desc("devices", "Devices with state."),
		state:       desc("state_bytes", "Memory of the state tables."),
		skew:        desc("clock_skew_seconds", "How far this machine's clock is ahead of the brokers'."),
		trusted:     desc("clock_trusted", "1 while the clocks agree; silence is not judged while they do not."),
		live:        desc("task_live", "1 where the task of an owned partition is live, 0 while it recovers.", "partition"),
		lag:         desc("lag_records", "Source records not yet folded.", "partition"),
		offset:      desc("committed_offset", "Source offset up to which outputs are committed.", "partition"),
		seq:         desc("journal_seq", "Last confirmed journal record.", "partition"),

		rosterDevices: desc("roster_devices", "Devices that the roster in force names."),
		rosterFaults:  desc("roster_reload_errors_total", "Versions of the roster that could not be used."),
		rosterInfo:    desc("roster_info", "1 for the version of the roster in force.", "fingerprint"),

		commands:       desc("commands_total", "Records of the topic of commands read since the start, by what they were.", "result"),
		commandsOffset: desc("commands_offset", "Offset behind the newest command in force; -1 before commands have been read."),

		outletDelivered: desc("outlet_delivered_total", "Alerts of the alerts topic that the receiver has, or has no use for.", "outlet"),
		outletFailed:    desc("outlet_failed_total", "Attempts to deliver alerts that failed and are made again.", "outlet"),
		outletRefused:   desc("outlet_refused_total", "Alerts that the receiver will never take as they are.", "outlet"),
		outletLag:       desc("outlet_lag", "Records of the alerts topic, in partitions that this process delivers, that the receiver does not have yet.", "outlet"),

		reloads: desc("reloads_total", "Attempts to take a changed pipeline file: done, unchanged, refused, or failed and gone back to the former one.", "result"),

		mqtt:          desc("mqtt_messages_total", "Messages of the MQTT bridge by what became of them.", "outcome"),
		mqttConnected: desc("mqtt_connected", "1 while the bridge is subscribed and receiving."),
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
	e := m.engineOf(w)
	if e == nil {
		return
	}
	for _, c := range []prometheus.Collector{m.commit, m.checkpoint, m.recovery, m.latency, m.journal} {
		c.Collect(ch)
	}
	total := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	now := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	var sum task.Counters
	devices, state := 0, int64(0)
	for _, t := range e.Status() {
		p := strconv.Itoa(int(t.Partition))
		sum = sum.Add(t.Counters)
		if t.Seq > 0 {
			m.totals(p, t.Counters, total)
		}
		devices += t.Devices
		state += t.StateBytes
		now(m.live, flag(t.State == engine.Live), p)
		now(m.lag, float64(t.Lag()), p)
		now(m.offset, float64(t.Offset), p)
		now(m.seq, float64(t.Seq), p)
	}
	now(m.firing, float64(sum.Firing))
	now(m.open, float64(sum.Open))
	now(m.devices, float64(devices))
	now(m.state, float64(state))
	totals := e.Totals()
	total(m.recoveries, uint64(totals.Recoveries))
	total(m.aborted, uint64(totals.Aborts))
	total(m.commits, uint64(totals.Commits))
	now(m.skew, totals.ClockSkew.Seconds())
	now(m.trusted, flag(totals.ClockTrusted))
	if m.groups {
		return // bridge and roster are the devices'
	}
	for result, n := range m.i.reloadCounts() {
		total(m.reloads, n, reloadResult(result).String())
	}
	bridge := m.i.bridgeCounts()
	retained := uint64(bridge.RetainedDropped)
	total(m.readings, retained, "", "in")
	total(m.readings, retained, "", "retained")
	if r, ok := e.Roster(); ok {
		now(m.rosterDevices, float64(r.Devices))
		if r.Fingerprint != "" {
			now(m.rosterInfo, 1, r.Fingerprint)
		}
		total(m.rosterFaults, uint64(r.Faults))
	}
	c := m.i.commands.Status()
	total(m.commands, uint64(c.Taken), "taken")
	total(m.commands, uint64(c.TakenBack), "taken_back")
	total(m.commands, uint64(c.Ignored), "ignored")
	now(m.commandsOffset, float64(c.Offset))
	for _, o := range w.outlets {
		c := o.Counts()
		total(m.outletDelivered, uint64(c.Delivered), o.name)
		total(m.outletFailed, uint64(c.Failed), o.name)
		total(m.outletRefused, uint64(c.Refused), o.name)
		now(m.outletLag, float64(c.Lag), o.name)
	}
	if w.pipeline.MQTT == nil {
		return
	}
	now(m.mqttConnected, flag(bridge.Connected))
	for _, class := range []struct {
		name string
		n    int64
	}{
		{"received", bridge.Received}, {"produced", bridge.Produced}, {"retained_dropped", bridge.RetainedDropped}, {"failed", bridge.Failed},
		{"abandoned", bridge.Abandoned}, {"redelivered", bridge.Redelivered}, {"no_device", bridge.NoDevice}, {"acked", bridge.Acked},
	} {
		total(m.mqtt, uint64(class.n), class.name)
	}
}

// totals exports the counters of one task.
func (m *metrics) totals(p string, c task.Counters, total func(*prometheus.Desc, uint64, ...string)) {
	for _, class := range []struct {
		name string
		n    uint64
	}{
		{"in", c.In}, {"processed", c.Processed}, {"filtered", c.Filtered}, {"late", c.Late},
		{"future", c.Future}, {"bad", c.Bad}, {"duplicate", c.Duplicate},
	} {
		total(m.readings, class.n, p, class.name)
	}
	total(m.results, c.Windows, p)
	total(m.alerts, c.Alerts, p)
	total(m.corrections, c.Corrections, p)
	total(m.forgotten, c.Forgotten, p)
	if m.i.work().pipeline.Grouped() && !m.groups {
		total(m.ungrouped, c.Ungrouped, p)
	}
	total(m.expressions, c.Expressions, p)
	total(m.ruleErrors, c.RuleErrors, p)
	total(m.resets, c.Resets, p)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
