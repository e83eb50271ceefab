package chaos

import (
	"slices"
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
	// Refused is how the message of the refusal begins; empty: weir goes on and all is verified.
	Refused string
	// Takes is about how long a round takes on 2 cores.
	Takes time.Duration
	// Long leaves it to the long run, whatever the choice.
	Long bool
}

// Expected is the last column of the table.
func (f Fault) Expected() string {
	if f.Refused == "" {
		return "verified"
	}
	return "`" + f.Refused + "`"
}

// Faults is the whole table, in the order in which it is shown and run.
func Faults() []Fault {
	return slices.Concat(processFaults(), brokerFaults())
}

func processFaults() []Fault {
	return []Fault{
		{Name: "kill-random", Takes: 20 * time.Second, Does: "kill -9 at random moments, about one in 1.5 s, start again at once (`WEIR_CHAOS_KILLS`: how often)"},
	}
}
