package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// readingMetrics answer what became of readings, and why some were dropped.
type readingMetrics struct {
	readings, quarantined, results, corrections, forgotten, ungrouped, expressions, ruleErrors, resets, alerts *prometheus.Desc
}

func newReadingMetrics(n namer) *readingMetrics {
	return &readingMetrics{
		readings:    n.desc("readings_total", "Readings since the pipeline began, by what became of them; in is their sum. Retained messages have no partition.", "partition", "outcome"),
		quarantined: n.desc("quarantined_total", "Readings put into quarantine by commits of this process, by the reason that their records give.", "reason"),
		results:     n.desc("window_results_total", "Window results produced, revisions among them.", "partition"),
		alerts:      n.desc("alert_events_total", "Alert events produced.", "partition"),
		corrections: n.desc("alert_corrections_total", "Window revisions that would have changed an alert.", "partition"),
		forgotten:   n.desc("devices_forgotten_total", "Devices dropped after state.forget_after of silence.", "partition"),
		ungrouped:   n.desc("readings_ungrouped_total", "Readings that no group got, for their device has not the label: once for each window over several devices.", "partition"),
		expressions: n.desc("expression_errors_total", "Readings for which where or derive could not be worked out.", "partition"),
		ruleErrors:  n.desc("rule_errors_total", "Times that the expression of a rule could not be worked out.", "partition"),
		resets:      n.desc("clock_resets_total", "Device clocks restarted after time.reset_clock_after of late readings.", "partition"),
	}
}

func (m *readingMetrics) collect(s scrape) {
	for i := range s.tasks {
		if t := &s.tasks[i]; t.Seq > 0 {
			m.task(s, strconv.Itoa(int(t.Partition)), t.Counters)
		}
	}
	if s.groups {
		return // what devices sent them is no reading
	}
	retained := uint64(s.i.bridgeCounts().RetainedDropped)
	s.total(m.readings, retained, "", "in")
	s.total(m.readings, retained, "", "retained")
	counts := s.engine.Quarantined()
	for i, reason := range event.Reasons() {
		s.total(m.quarantined, counts[i], string(reason))
	}
}

// task exports the counters of one task.
func (m *readingMetrics) task(s scrape, p string, c task.Counters) {
	for _, class := range []struct {
		name string
		n    uint64
	}{
		{"in", c.In}, {"processed", c.Processed}, {"filtered", c.Filtered}, {"late", c.Late},
		{"future", c.Future}, {"bad", c.Bad}, {"duplicate", c.Duplicate},
	} {
		s.total(m.readings, class.n, p, class.name)
	}
	s.total(m.results, c.Windows, p)
	s.total(m.alerts, c.Alerts, p)
	s.total(m.corrections, c.Corrections, p)
	s.total(m.forgotten, c.Forgotten, p)
	if s.work.pipeline.Grouped() && !s.groups {
		s.total(m.ungrouped, c.Ungrouped, p)
	}
	s.total(m.expressions, c.Expressions, p)
	s.total(m.ruleErrors, c.RuleErrors, p)
	s.total(m.resets, c.Resets, p)
}
