package aggregate

// spread is the range of the values, from least to greatest: 2 words, which are
// those two.
type spread struct{}

func (spread) Name() string  { return "range" }
func (spread) State() string { return "range" }
func (spread) Words() int    { return 2 }

func (spread) Fold(w []uint64, s Sample) {
	minimum{}.Fold(w[:1], s)
	maximum{}.Fold(w[1:], s)
}

func (spread) Merge(dst, src []uint64, m Merge) {
	minimum{}.Merge(dst[:1], src[:1], m)
	maximum{}.Merge(dst[1:], src[1:], m)
}

func (spread) Result(w []uint64, _ uint64) float64 {
	return finite(number(w[1]) - number(w[0]))
}
