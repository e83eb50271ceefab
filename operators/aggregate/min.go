package aggregate

import "math"

// minimum is the least value: 1 word.
type minimum struct{}

func (minimum) Name() string  { return "min" }
func (minimum) State() string { return "min" }
func (minimum) Words() int    { return 1 }

func (minimum) Fold(w []uint64, s Sample) {
	if s.First || s.Value < math.Float64frombits(w[0]) {
		w[0] = math.Float64bits(s.Value)
	}
}

func (minimum) Merge(dst, src []uint64, m Merge) {
	if m.First || math.Float64frombits(src[0]) < math.Float64frombits(dst[0]) {
		dst[0] = src[0]
	}
}

func (minimum) Result(w []uint64, _ uint64) float64 { return math.Float64frombits(w[0]) }
