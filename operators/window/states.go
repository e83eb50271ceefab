package window

import "github.com/weirstream/weir/operators/aggregate"

// share returns the slice of an aggregate that can use the words of one of those
// given, which hold the same state.
func share(placed []slice, a aggregate.Aggregate) (slice, bool) {
	for _, s := range placed {
		if s.State() == a.State() {
			return slice{Aggregate: a, from: s.from, to: s.to}, true
		}
	}
	return slice{}, false
}

// states are the slices with words, of those that share words one: what is to be
// folded or merged.
func states(slices []slice) []slice {
	var out []slice
	for _, s := range slices {
		if _, shared := share(out, s.Aggregate); s.from < s.to && !shared {
			out = append(out, s)
		}
	}
	return out
}

// lay places aggregates in the words of a cell behind those before it, and returns how many
// words the cell has then.
func lay(aggs []aggregate.Aggregate, words int) ([]slice, int) {
	var slices []slice
	for _, a := range aggs {
		s, shared := share(slices, a)
		if !shared {
			s = slice{Aggregate: a, from: words, to: words + a.Words()}
			words = s.to
		}
		slices = append(slices, s)
	}
	return slices, words
}

// halfLife is the half-life of the readings in a window of some length in ms.
func halfLife(length float64) aggregate.Options { return aggregate.Options{HalfLife: length / 4} }
