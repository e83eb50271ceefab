// Package aggregate holds the functions a window can compute over its readings:
// one small file each, and here the contract they share.
//
// An aggregate keeps its state in 64-bit words that somebody else owns: the same
// words are a cell in memory, on disk and in the journal. It therefore has no
// fields that change, and one value of it serves every device. Aggregates that
// can be read off the same words share them.
//
//	state              words  aggregates
//	-                      0  count
//	sum                    2  sum, mean
//	min, max, range  1, 1, 2  the same
//	first, last            2  the same
//	ends                   4  delta, rate
//	moments                4  variance, stddev
//	sketch               129  median, every pNN
//	mode                  65  mode
//	distinct             121  distinct
//	ewma HALF-LIFE         3  ewma
//	slope                  7  slope
//	polyline              39  integral, time_weighted_mean
//	areas                  6  the same, over parts of several devices
//
// Values are finite: a decoder refuses NaN and the infinities, as the tests of
// ingest/codec show (a number beyond float64 is value_range, the words NaN and
// Infinity are no JSON).
package aggregate

import (
	"fmt"
	"slices"
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
	// State names what the words hold. Aggregates of equal State have the same
	// Words, Fold and Merge and differ in Result only: one set of words, folded
	// once, serves them all.
	State() string
	// Words is how many words of a pane it needs, from 0.
	Words() int
	// Fold adds one reading. Readings may come in any order of time.
	Fold(w []uint64, s Sample)
	// Merge adds pane src to dst. src holds at least one reading; panes are
	// merged in order of time, oldest first, and no reading of src is older than
	// one of dst.
	Merge(dst, src []uint64, m Merge)
	// Result is the answer over the count readings that were folded in; count
	// is at least 1. It is always finite: what is beyond float64 is the greatest
	// number of that sign.
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

// Options are the parameters of the aggregates that have any.
type Options struct {
	// HalfLife is the age in milliseconds at which a reading weighs half of the
	// newest in ewma. It need not be whole. 0 where windows have no length: ewma is
	// refused then.
	HalfLife float64
	// Parts is set where no reading is folded in, but parts that Condense made of
	// what devices hold, each with an order of its own.
	Parts bool
}

// Percentile is how a list of names writes the percentiles: p and one to three
// digits, the quantile behind the decimal point, so p95 is the quantile 0.95 and
// p5 is 0.5.
const Percentile = "pNN"

// New returns the aggregate called name, or an error that names the known ones.
func New(name string, o Options) (Aggregate, error) {
	for _, a := range fixed(o) {
		if a.Name() != name {
			continue
		}
		if e, ok := a.(ewma); ok && !(e.halfLife > 0) {
			return nil, fmt.Errorf("%s weighs readings by age, for which the window must have a length in time", name)
		}
		return a, nil
	}
	if q, ok := percentile(name); ok {
		return q, nil
	}
	return nil, fmt.Errorf("unknown aggregate %q: known are %s and %s such as p95", name, strings.Join(Names(), ", "), Percentile)
}

// Names lists the known aggregates but the percentiles, in the order in which
// they are documented.
func Names() []string {
	known := fixed(Options{})
	names := make([]string, len(known))
	for i, a := range known {
		names[i] = a.Name()
	}
	return names
}

// IsPercentile reports whether a name is that of a percentile.
func IsPercentile(name string) bool {
	_, ok := percentile(name)
	return ok
}

// Known reports whether there is an aggregate of that name.
func Known(name string) bool {
	return IsPercentile(name) || slices.Contains(Names(), name)
}

// Words is how many words of a pane the named aggregates take together: those
// that share their state count once, unknown names not at all.
func Words(names []string) int {
	total := 0
	var states []string
	for _, name := range names {
		a, err := New(name, Options{HalfLife: 1})
		if err != nil || slices.Contains(states, a.State()) {
			continue
		}
		states = append(states, a.State())
		total += a.Words()
	}
	return total
}

func fixed(o Options) []Aggregate {
	var overTime, meanOverTime Aggregate = integral{}, timeWeightedMean{}
	if o.Parts {
		overTime, meanOverTime = integralOfParts{}, timeWeightedMeanOfParts{}
	}
	return []Aggregate{
		count{}, sum{}, minimum{}, maximum{}, mean{}, spread{}, first{}, last{}, delta{}, rate{}, variance{}, stddev{},
		quantile{name: "median", part: 5, whole: 10}, mode{}, distinct{}, ewma{halfLife: o.HalfLife}, slope{},
		overTime, meanOverTime,
	}
}
