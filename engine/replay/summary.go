package replay

import (
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// FlapWithin is how soon after the end of an episode another one of the same rule
// and device counts as a flap.
const FlapWithin = 10 * 60_000

const week = 7 * 86_400_000

// History is how much a summary is about.
type History struct {
	First, Last event.Time // append times
	Devices     int
	Groups      int // of windows over several devices
}

// RuleSummary is what one rule did.
type RuleSummary struct {
	Rule     string
	Episodes int // that fired
	Pending  int // that ended without having fired, or wait at the end
	Open     int // that fire at the end
	Devices  int // with at least one episode that fired
	Firing   event.Time
	Flaps    int // episodes that began within FlapWithin of the end of the one before
	// PerDeviceWeek is episodes over devices, of a rule on a window over several devices
	// over groups, and weeks of history; 0 where history has no length.
	PerDeviceWeek float64
}

// Summarize sums up episodes, in the order of Close, by rule; rules without any
// are there as well, all in the order of the pipeline.
func Summarize(p *configs.Pipeline, all []Episode, h History) []RuleSummary {
	sums := make([]RuleSummary, len(p.Rules))
	for i := range p.Rules {
		s := &sums[i]
		s.Rule = p.Rules[i].Name
		ended := map[string]event.Time{} // by device, of its last episode
		for k := range all {
			e := &all[k]
			switch {
			case e.Rule != s.Rule:
				continue
			case !e.Fired:
				s.Pending++
				continue
			case e.Open:
				s.Open++
			}
			s.Episodes++
			s.Firing += e.Firing()
			last, again := ended[e.Device]
			if again && e.Start-last < FlapWithin {
				s.Flaps++
			}
			ended[e.Device] = e.End
		}
		s.Devices = len(ended)
		of := h.Devices
		if w := p.Rules[i].Window(); w >= 0 && p.Windows[w].Grouped() {
			of = h.Groups
		}
		if span := h.Last - h.First; span > 0 && of > 0 {
			s.PerDeviceWeek = float64(s.Episodes) / float64(of) / (float64(span) / week)
		}
	}
	return sums
}
