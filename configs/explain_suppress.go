package configs

import (
	"strings"
)

// saySuppression says when alerts of a rule count, and how they escalate.
func (r *Rule) saySuppression() string {
	s := ""
	if d := r.Schedule; d != nil {
		s += "; outside of " + d.String() + " its alerts are suppressed"
	}
	for i, e := range r.Escalate {
		if s += "; "; i > 0 {
			s += "and "
		}
		s += saySpan(e.After) + " after it has fired its severity becomes " + e.Severity
		if !e.Never {
			s += " unless it is acknowledged"
		}
	}
	return s
}

// String is the schedule in words: mon-fri from 06:00 to 22:00 in Europe/Berlin.
func (d *Schedule) String() string {
	s := d.Days.String()
	if d.From != 0 || d.To != 0 {
		s += " from " + clockTime(d.From) + " to " + clockTime(d.To)
		if d.To <= d.From {
			s += " of the next day"
		}
	}
	return s + " in " + d.Location.String()
}

// explainInhibits tells which alerts suppress others, each as one sentence.
func (p *Pipeline) explainInhibits(b *strings.Builder) {
	for i := range p.Inhibit {
		b.WriteString("\n" + p.Inhibit[i].String() + "\n")
	}
}

// String is the sentence that says what it does.
func (in *Inhibit) String() string {
	s := "While " + in.Source.Rule + " fires"
	if in.Source.Level != "" {
		s += " at level " + in.Source.Level + " or above"
	}
	s += ", alerts of " + in.Target.Rule
	if in.Target.Level != "" {
		s += " up to level " + in.Target.Level
	}
	if in.Label == "" {
		return s + " are suppressed on the same device or group."
	}
	return s + " are suppressed wherever the label " + in.Label + " is the same."
}
