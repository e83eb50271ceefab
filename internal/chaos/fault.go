package chaos

import (
	"slices"
	"strings"
	"time"
)

// Fault is a row of the table: what is broken, and what has to come of it.
type Fault struct {
	// Name is unique; words with hyphens between.
	Name string
	// Does is what is done while readings flow, for a reader of the table.
	Does string
	// Needs is what the machine must have beyond Kafka and kcat; empty: nothing. Where it is missing the fault is skipped, and says so.
	Needs string
	// Refused is how the message of the refusal begins, with … for a name or a number; empty: weir goes on and all is verified.
	Refused string
	// Recovers says that all is verified after the refusal: once its cause is gone, or by the process that goes on.
	Recovers bool
	// Takes is about how long a round takes on 2 cores.
	Takes time.Duration
	// Long leaves it to the long run, whatever the choice.
	Long bool
}

// Expected is the last column of the table.
func (f Fault) Expected() string {
	switch {
	case f.Refused == "":
		return "verified"
	case f.Recovers:
		return "`" + f.Refused + "`, then verified"
	default:
		return "`" + f.Refused + "`"
	}
}

// Says reports whether a line holds the message of the refusal.
func (f Fault) Says(line string) bool {
	for part := range strings.SplitSeq(f.Refused, "…") {
		_, after, found := strings.Cut(line, part)
		if !found {
			return false
		}
		line = after
	}
	return true
}

// Faults is the whole table, in the order in which it is shown and run.
func Faults() []Fault {
	return slices.Concat(processFaults(), stateFaults(), clockFaults(), inputFaults(), brokerFaults())
}
