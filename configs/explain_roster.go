package configs

import (
	"fmt"

	"github.com/weirstream/weir/operators/roster"
)

// sayRoster is the roster as one sentence.
func (p *Pipeline) sayRoster() string {
	r := p.Roster
	if len(r.Labels) == 0 {
		return fmt.Sprintf("The roster %s names devices and gives them no labels; a changed file takes effect while the pipeline runs.", r.Path)
	}
	carried := "its alerts carry"
	for _, l := range r.Labels {
		if isOwnLabel(l.Name) {
			carried = "its alerts carry, " + l.Name + " excepted"
		}
	}
	labels := make([]string, len(r.Labels))
	for i, l := range r.Labels {
		kind := "text"
		switch l.Kind {
		case roster.Number:
			kind = "a number"
		case roster.Bool:
			kind = "true or false"
		}
		labels[i] = l.Name + " (" + kind + ")"
	}
	return fmt.Sprintf("The roster %s gives each device the labels %s, which %s; a changed file takes effect while the pipeline runs.",
		r.Path, andList(labels), carried)
}

// isOwnLabel reports whether alerts have a label of that name of their own.
func isOwnLabel(name string) bool {
	return name == "alertname" || name == "pipeline" || name == "severity"
}

// sayThreshold is a threshold of a level in words, given what it is in the file;
// empty where the level has none of that key.
func (l *Level) sayThreshold(key string, written *float64) string {
	switch label := l.Labels[key]; {
	case label != "":
		return "the device's own " + label
	case written != nil:
		return sayNumber(*written)
	default:
		return ""
	}
}
