package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirstream/weir/engine/task"
)

// alertMetrics answer what fires, by rule: the file bounds how many series that makes, and not the fleet.
type alertMetrics struct {
	firing, ruleFiring, suppressed, acked, events *prometheus.Desc
}

func newAlertMetrics(n namer) *alertMetrics {
	return &alertMetrics{
		firing:     n.desc("alerts_firing", "Alerts that fire now."),
		ruleFiring: n.desc("rule_alerts_firing", "Alerts of a rule that fire now, by their level; what is suppressed or acknowledged fires too.", "rule", "level"),
		suppressed: n.desc("rule_alerts_suppressed", "Alerts of a rule that fire now and are suppressed: by a schedule, a silence or an inhibition.", "rule"),
		acked:      n.desc("rule_alerts_acked", "Alerts of a rule that fire now and are acknowledged.", "rule"),
		events:     n.desc("rule_alert_events_total", "Alert events in commits of this process, by rule and by the state that they tell.", "rule", "state"),
	}
}

func (m *alertMetrics) collect(s scrape) {
	var firing uint64
	for i := range s.tasks {
		firing += s.tasks[i].Counters.Firing
	}
	s.now(m.firing, float64(firing))
	rules, counted := s.engine.Rules()
	for _, r := range rules {
		for i, n := range r.Events {
			s.total(m.events, n, r.Rule, task.EventStateAt(i).String())
		}
		if !counted {
			continue // too little is worse than nothing
		}
		for i, level := range r.Levels {
			s.now(m.ruleFiring, float64(r.Firing[i]), r.Rule, level)
		}
		s.now(m.suppressed, float64(r.Suppressed), r.Rule)
		s.now(m.acked, float64(r.Acked), r.Rule)
	}
}
