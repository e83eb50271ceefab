package configs

import (
	"slices"
	"strings"
)

// sayFormula says whose expression a rule looks at, what that is, and when it is
// judged.
func (p *Pipeline) sayFormula(r *Rule) (whose, subject, judged string) {
	whose = "for each device"
	if w := r.Window(); w >= 0 {
		whose = sayBy(&p.Windows[w])
	}
	var readings, results, closings []string
	for _, in := range r.Formula.Inputs {
		switch {
		case in.Window < 0:
			readings = append(readings, in.Name)
		case p.Windows[in.Window].speaksAlways() || r.Evaluate == "change":
			results = appendNew(results, p.Windows[in.Window].Name)
		default:
			closings = appendNew(closings, p.Windows[in.Window].Name)
		}
	}
	var when []string
	if len(readings) > 0 {
		when = append(when, "at every reading of "+andList(readings))
	}
	if len(results) > 0 {
		when = append(when, "at every reading in "+andList(results))
	}
	if len(closings) > 0 {
		when = append(when, "when a window of "+andList(closings)+" closes")
	}
	judged = "judged " + andList(when)
	if len(r.Formula.Inputs) > 1 {
		judged += ", with the newest value of each once all have one"
	}
	return whose, "the value of " + strings.Join(strings.Fields(r.Formula.Source), " "), judged + "; where it cannot be worked out the alert stays as it is"
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
