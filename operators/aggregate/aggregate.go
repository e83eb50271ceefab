// Package aggregate holds the functions a window can compute over its readings:
// one small file each, and here the contract they share.
//
// An aggregate keeps its state in 64-bit words that somebody else owns: the same
// words are a cell in memory, on disk and in the journal. It therefore has no
// fields that change, and one value of it serves every device.
package aggregate

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/event"
)

// Aggregate folds readings into words, merges words of adjacent panes, and reads
// the answer off them.
//
// Numbers are kept as math.Float64bits and times as uint64(int64). All words of
// a pane are zero before its first reading.
type Aggregate interface {
	// Name is what the pipeline file calls it.
	Name() string
	// Words is how many words of a pane it needs, from 0.
	Words() int
	// Fold adds one reading. Readings may come in any order of time.
	Fold(w []uint64, s Sample)
	// Merge adds pane src to dst. src holds at least one reading; panes are
	// merged in order of time, oldest first.
	Merge(dst, src []uint64, m Merge)
	// Result is the answer over the count readings that were folded in; count
	// is at least 1. It is always finite.
	Result(w []uint64, count uint64) float64
}

// Sample is one reading as an aggregate sees it. Value is finite.
type Sample struct {
	Time  event.Time
	Value float64
	First bool // nothing has been folded into the words yet; they are zero
}

// Merge says what a Merge call meets.
type Merge struct {
	First bool // dst holds nothing yet, and what its words are does not matter
}

// New returns the aggregate called name, or an error that names the known ones.
func New(name string) (Aggregate, error) {
	for _, a := range all() {
		if a.Name() == name {
			return a, nil
		}
	}
	return nil, fmt.Errorf("unknown aggregate %q: known are %s", name, strings.Join(Names(), ", "))
}

// Names lists the known aggregates in the order in which they are documented.
func Names() []string {
	known := all()
	names := make([]string, len(known))
	for i, a := range known {
		names[i] = a.Name()
	}
	return names
}

func all() []Aggregate {
	return []Aggregate{count{}, sum{}, minimum{}, maximum{}, mean{}, last{}}
}
