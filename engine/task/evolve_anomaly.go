package task

import (
	"fmt"

	"github.com/weirstream/weir/configs"
)

// anomalyChange says why a rule cannot go on from its state where it is one on
// anomalies, or was.
func (e *evolving) anomalyChange(from, to *configs.Rule) string {
	switch {
	case from.Anomaly == nil:
		return "it becomes a rule on anomalies, which has everything to learn"
	case to.Anomaly == nil:
		return "it is no rule on anomalies any more, and what it has learned goes"
	}
	if was, is := e.old.sayWhen(from), e.now.sayWhen(to); was != is {
		return fmt.Sprintf("it looks at %s instead of %s, and what it has learned of the one is nothing for the other", is, was)
	}
	return fmt.Sprintf("its severity changes from %s to %s", from.Levels[0].Name, to.Levels[0].Name)
}

// sensitivityChange says what another sensitivity does to what a rule has learned.
func sensitivityChange(from, to *configs.Rule) []string {
	if from.Anomaly == nil || to.Anomaly == nil || *from.Anomaly == *to.Anomaly {
		return nil
	}
	return []string{fmt.Sprintf("it may be wrong once in %s instead of once in %s; what it has learned is kept, and thresholds follow within some 16 to 128 values, or later where it has learned for long",
		sayMs(to.Anomaly.FalseAlarmsPer), sayMs(from.Anomaly.FalseAlarmsPer))}
}
