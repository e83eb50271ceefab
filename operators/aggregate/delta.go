package aggregate

// delta is what the value changed by: last - first.
type delta struct{ ends }

func (delta) Name() string { return "delta" }

func (delta) Result(w []uint64, _ uint64) float64 { return finite(number(w[3]) - number(w[1])) }

// ends is the state of delta and rate, 4 words: time and value of the first
// reading, time and value of the last.
type ends struct{}

func (ends) State() string { return "ends" }
func (ends) Words() int    { return 4 }

func (ends) Fold(w []uint64, s Sample) {
	first{}.Fold(w[:2], s)
	last{}.Fold(w[2:], s)
}

func (ends) Merge(dst, src []uint64, m Merge) {
	first{}.Merge(dst[:2], src[:2], m)
	last{}.Merge(dst[2:], src[2:], m)
}
