package aggregate

// areas is the state of integral and time_weighted_mean over parts of several
// devices, each of which has lines of its own: what is under them is added up, and
// no line joins one part to another. It is what Condense makes of a polyline.
//
// 6 words; area and values are compensated sums:
//
//	0       hugeBit, with which the area is scaled
//	1, 2    area in value x seconds
//	3       the spans from the first to the last reading of each part, in ms
//	4, 5    sum of the values, for when all spans are 0
//
// The error is below 1e-9 of the area under the magnitudes.
type areas struct{}

const (
	areasArea  = 1
	areasSpan  = 3
	areasSum   = 4
	areasWords = 6
)

func (areas) State() string { return "areas" }
func (areas) Words() int    { return areasWords }

// Fold takes a reading for a part by itself, under which there is no area.
func (areas) Fold(w []uint64, s Sample) { accumulate(w[areasSum:areasSum+2], s.Value) }

func (areas) Merge(dst, src []uint64, m Merge) {
	if m.First {
		copy(dst, src)
		return
	}
	other := [areasWords]uint64(src)
	if (dst[0]|other[0])&hugeBit != 0 {
		areasHuge(dst)
		areasHuge(other[:])
	}
	mergeSums(dst[areasArea:areasArea+2], other[areasArea:areasArea+2])
	dst[areasSpan] += other[areasSpan]
	mergeSums(dst[areasSum:areasSum+2], other[areasSum:areasSum+2])
}

// areasHuge has the area scaled, if it is not yet.
func areasHuge(w []uint64) {
	if w[0]&hugeBit == 0 {
		w[0] |= hugeBit
		scaled(&w[areasArea], shrink)
		scaled(&w[areasArea+1], shrink)
	}
}

// scaledArea is the area as it is kept.
func (areas) scaledArea(w []uint64) float64 { return total(w[areasArea : areasArea+2]) }

// integralOfParts is the sum of the integrals of the parts.
type integralOfParts struct{ areas }

func (integralOfParts) Name() string { return "integral" }

func (a integralOfParts) Result(w []uint64, _ uint64) float64 {
	return finite(a.scaledArea(w) * unscale(w[0]))
}

// timeWeightedMeanOfParts is the sum of the integrals over the seconds that the
// parts span together, and the mean where those are none.
type timeWeightedMeanOfParts struct{ areas }

func (timeWeightedMeanOfParts) Name() string { return "time_weighted_mean" }

func (a timeWeightedMeanOfParts) Result(w []uint64, count uint64) float64 {
	if w[areasSpan] == 0 {
		return total(w[areasSum:areasSum+2]) / float64(count)
	}
	return finite(a.scaledArea(w) / (float64(w[areasSpan]) / 1000) * unscale(w[0]))
}

// Condense appends to a part what an aggregate's words of one device amount to for
// the same aggregate with Options.Parts: the words themselves, but for those that
// hold the order of readings, which are those that Condenses names.
func Condense(part []uint64, a Aggregate, w []uint64) []uint64 {
	if !Condenses(a) {
		return append(part, w...)
	}
	scaledArea, seconds := area(w)
	return append(part, w[0]&hugeBit, word(scaledArea), 0, uint64(seconds*1000+0.5), w[sumWord], w[sumWord+1])
}

// Condenses reports whether Condense makes other words of an aggregate's.
func Condenses(a Aggregate) bool { return a.State() == polyline{}.State() }
