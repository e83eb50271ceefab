package task

import (
	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
)

// Watched is a sample that a rule took and that left it out of ok.
type Watched struct {
	Rule    int        // index into Pipeline.Rules
	Device  []byte     // borrowed from the state table: valid during the call
	Episode event.Time // start of the episode
	At      event.Time // of the sample
	Value   float64
	Score   float64 // how unusual it is, of a rule on anomalies: in [0, 1); 0 for any other
	Kind    string  // of the anomaly so far; empty for any other rule
}

// watch tells Options.Watch of a sample, from the state that it left behind.
func (t *Task) watch(k int, words []uint64, s alerts.Sample) {
	view := t.plan.rules[k].View(words)
	if view.State == alerts.OK || view.Last != s.Time {
		return // of an older time than the last: not taken
	}
	t.o.Watch(Watched{Rule: k, Device: t.table.Name(t.slot), Episode: view.EpisodeStart, At: s.Time, Value: s.Value})
}
