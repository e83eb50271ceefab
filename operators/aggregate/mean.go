package aggregate

// mean is the arithmetic mean of the values: the compensated sum over the count.
type mean struct{}

func (mean) Name() string { return "mean" }
func (mean) Words() int   { return 2 }

func (mean) Fold(w []uint64, s Sample) { accumulate(w, s.Value) }

func (mean) Merge(dst, src []uint64, m Merge) { mergeSums(dst, src, m) }

func (mean) Result(w []uint64, count uint64) float64 { return total(w) / float64(count) }
