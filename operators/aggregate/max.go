package aggregate

import "math"

// maximum is the greatest value: 1 word.
type maximum struct{}

func (maximum) Name() string  { return "max" }
func (maximum) State() string { return "max" }
func (maximum) Words() int    { return 1 }

func (maximum) Fold(w []uint64, s Sample) {
	if s.First || s.Value > math.Float64frombits(w[0]) {
		w[0] = math.Float64bits(s.Value)
	}
}

func (maximum) Merge(dst, src []uint64, m Merge) {
	if m.First || math.Float64frombits(src[0]) > math.Float64frombits(dst[0]) {
		dst[0] = src[0]
	}
}

func (maximum) Result(w []uint64, _ uint64) float64 { return math.Float64frombits(w[0]) }
