package aggregate

import "math"

// sum is the sum of the values, with an error that does not grow with their
// number: word 0 is the running sum, word 1 what rounding has cost it so far
// (Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher
// Summen", ZAMM 54, 1974). A sum beyond the greatest finite number stays there.
type sum struct{}

func (sum) Name() string { return "sum" }
func (sum) Words() int   { return 2 }

func (sum) Fold(w []uint64, s Sample) { accumulate(w, s.Value) }

func (sum) Merge(dst, src []uint64, m Merge) { mergeSums(dst, src, m) }

func (sum) Result(w []uint64, _ uint64) float64 { return total(w) }

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

func mergeSums(dst, src []uint64, m Merge) {
	if m.First {
		copy(dst, src)
		return
	}
	accumulate(dst, math.Float64frombits(src[0]))
	accumulate(dst, math.Float64frombits(src[1]))
}

func total(w []uint64) float64 {
	t := math.Float64frombits(w[0]) + math.Float64frombits(w[1])
	if math.IsInf(t, 0) {
		return math.Copysign(math.MaxFloat64, t)
	}
	return t
}
