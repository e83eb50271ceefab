package aggregate

import "math"

// sum is the sum of the values. A sum beyond the greatest finite number stays
// there.
type sum struct{ sums }

func (sum) Name() string { return "sum" }

func (sum) Result(w []uint64, _ uint64) float64 { return total(w) }

// sums is the state of sum and mean, 2 words: word 0 is the running sum, word 1
// what rounding has cost it so far, so that the error does not grow with the
// number of values (Neumaier, "Rundungsfehleranalyse einiger Verfahren zur
// Summation endlicher Summen", ZAMM 54, 1974). It is below 1e-15 of the sum of
// magnitudes.
type sums struct{}

func (sums) State() string { return "sum" }
func (sums) Words() int    { return 2 }

func (sums) Fold(w []uint64, s Sample) { accumulate(w, s.Value) }

func (sums) Merge(dst, src []uint64, m Merge) {
	if m.First {
		copy(dst, src)
		return
	}
	mergeSums(dst, src)
}

func accumulate(w []uint64, v float64) {
	s, lost := math.Float64frombits(w[0]), math.Float64frombits(w[1])
	t := s + v
	if math.IsInf(t, 0) {
		w[0], w[1] = math.Float64bits(math.Copysign(math.MaxFloat64, t)), 0
		return
	}
	if math.Abs(s) >= math.Abs(v) {
		lost += (s - t) + v
	} else {
		lost += (v - t) + s
	}
	w[0], w[1] = math.Float64bits(t), math.Float64bits(lost)
}

func mergeSums(dst, src []uint64) {
	accumulate(dst, math.Float64frombits(src[0]))
	accumulate(dst, math.Float64frombits(src[1]))
}

func total(w []uint64) float64 {
	return finite(math.Float64frombits(w[0]) + math.Float64frombits(w[1]))
}
