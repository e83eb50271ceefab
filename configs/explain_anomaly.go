package configs

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

// sayAnomaly says what a rule on anomalies looks at, how often it may be wrong, and
// from when on it judges.
func (p *Pipeline) sayAnomaly(r *Rule) string {
	subject, whose, every, values := "the newest "+p.Metrics[r.When.Metric], "for each device", event.Time(0), "readings"
	who := "device"
	if r.When.Window >= 0 {
		w := &p.Windows[r.When.Window]
		subject, whose, values = "the "+r.When.Result+" of window "+w.Name, sayBy(w), "results"
		if !w.speaksAlways() {
			every = w.Every
		}
		if w.Grouped() {
			who = "group"
		}
	}
	after := func(n int64) string {
		if every == 0 {
			return plural(n, strings.TrimSuffix(values, "s"))
		}
		return plural(n, strings.TrimSuffix(values, "s")) + " (" + roughly(event.Time(n)*every) + ")"
	}
	return fmt.Sprintf("%s, %s raises %s once it is not as it was, and may be wrong about once %s for each %s in which nothing is; "+
		"it learns from the %s themselves: spikes are judged after %s, level shifts after %s, stuck values after %s, drifts and noise after %s; "+
		"it is resolved once %s in a row are ordinary again, or after %d, which then are what is ordinary",
		whose, subject, r.Levels[0].Name, sayPer(r.Anomaly.FalseAlarmsPer), who, values,
		after(anomaly.SpikesAfter), after(anomaly.ShiftsAfter), after(anomaly.StuckAfter), after(anomaly.DriftsAfter),
		plural(anomaly.CalmFor, strings.TrimSuffix(values, "s")), anomaly.AdoptedAt)
}

// sayPer says how often: a month, or every 14 days.
func sayPer(t event.Time) string {
	switch t {
	case anomaly.Hour:
		return "an hour"
	case anomaly.Day:
		return "a day"
	case anomaly.Week:
		return "a week"
	case anomaly.Month:
		return "a month"
	case anomaly.Year:
		return "a year"
	}
	return "in " + saySpan(t)
}

// roughly is a span in its two greatest units.
func roughly(t event.Time) string {
	units := spanUnits()
	for i, u := range units {
		if int64(t) < u.size {
			continue
		}
		if i+1 < len(units) {
			t -= event.Time(int64(t) % units[i+1].size)
		}
		return saySpan(t)
	}
	return saySpan(t)
}

// explainSeries tells what series that rules learn cost.
func (p *Pipeline) explainSeries(b *strings.Builder) {
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Anomaly == nil {
			continue
		}
		who := "device"
		if r.When.Window >= 0 && p.Windows[r.When.Window].Grouped() {
			who = "group"
		}
		fmt.Fprintf(b, "\nRule %s keeps what it has learned of each %s in %d bytes of state.\n", r.Name, who, anomaly.SeriesBytes)
	}
}
