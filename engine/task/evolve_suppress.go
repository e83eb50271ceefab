package task

import (
	"slices"

	"github.com/weirstream/weir/configs"
)

// suppression compares what suppresses alerts of a rule, and how they escalate, and
// returns what is to be known of it.
func (e *evolving) suppression(from, to *configs.Rule) (notes []string) {
	switch was, is := len(from.Escalate) > 0, len(to.Escalate) > 0; {
	case is && !was:
		notes = append(notes, "it gets steps of escalation, which count from the change where an alert fires already")
	case was && !is:
		notes = append(notes, "it loses its steps of escalation")
	case !slices.Equal(from.Escalate, to.Escalate):
		notes = append(notes, "its steps of escalation change: an open episode has taken as many as before, of the new ones")
	}
	say := func(s *configs.Schedule) string {
		if s == nil {
			return "always"
		}
		return s.String()
	}
	if was, is := say(from.Schedule), say(to.Schedule); was != is {
		notes = append(notes, "its alerts count "+is+" instead of "+was)
	}
	of := func(all []configs.Inhibit) (some []configs.Inhibit) {
		for _, in := range all {
			if in.Target.Rule == to.Name || in.Source.Rule == to.Name {
				some = append(some, in)
			}
		}
		return some
	}
	if !slices.Equal(of(e.old.whole.Inhibit), of(e.now.whole.Inhibit)) {
		notes = append(notes, "which alerts suppress others changes")
	}
	return notes
}
