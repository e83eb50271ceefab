package configs

import "strings"

// sayRule is a rule as one sentence.
func (p *Pipeline) sayRule(r *Rule) string {
	if r.NoData != nil {
		return p.sayNoData(r) + r.sayManner() + "."
	}
	if r.Anomaly != nil {
		return p.sayAnomaly(r) + r.sayManner() + "."
	}
	judged := "judged at every reading"
	subject, whose := "", "for each device"
	switch {
	case r.Formula != nil:
		whose, subject, judged = p.sayFormula(r)
	case r.When.Window < 0:
		subject = "the newest " + p.Metrics[r.When.Metric]
	default:
		whose = sayBy(&p.Windows[r.When.Window])
		subject = "the " + r.When.Result + " of window " + p.Windows[r.When.Window].Name
		switch {
		case p.Windows[r.When.Window].speaksAlways():
		case r.Evaluate == "change":
			subject += " so far"
		default:
			judged = "judged when a window closes"
		}
	}
	levels := make([]string, len(r.Levels))
	holds := false
	for i := range r.Levels {
		levels[i] = sayLevel(&r.Levels[i])
		holds = holds || r.Levels[i].Hold > 0
	}
	s := whose + ", " + subject + " raises " + strings.Join(levels, "; and ") + "; " + judged
	if holds {
		s += p.sayGap(r)
	}
	if r.KeepFiring > 0 {
		s += "; once its condition is gone it recovers for " + saySpan(r.KeepFiring) + " before it is resolved"
	}
	return s + r.sayManner() + "."
}

// sayGap says what a hole in the data is to the holds of a rule, where that is not
// the default.
func (p *Pipeline) sayGap(r *Rule) string {
	switch r.OnGap {
	case "reset":
		return "; a hole in the data starts what has held over"
	case "hold":
		return "; a hole in the data counts as if the condition had held"
	default:
		return ""
	}
}

// sayNoData says what a rule on silence watches.
func (p *Pipeline) sayNoData(r *Rule) string {
	level, after := r.Levels[0].Name, saySpan(r.NoData.After)
	if r.NoData.Expect == "roster" {
		return "each device that the roster " + p.Roster.Path + " names raises " + level + " once nothing has been heard of it for " + after +
			", also where nothing ever was, until it is heard again or the roster no longer names it"
	}
	return "each device that was heard once raises " + level + " once nothing has been heard of it for " + after + ", until it is heard again"
}

// sayManner says how a rule speaks of its alerts.
func (r *Rule) sayManner() string {
	s := ""
	if r.RepeatEvery > 0 {
		s += "; said again every " + eachSpan(r.RepeatEvery) + " while it fires"
	}
	if f := r.Flapping; f != nil {
		s += "; marked as flapping when it changes " + plural(int64(f.Changes), "time") + " within " + saySpan(f.Within)
	}
	return s + r.saySuppression()
}
