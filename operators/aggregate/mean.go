package aggregate

// mean is the arithmetic mean of the values: the compensated sum over the count.
type mean struct{ sums }

func (mean) Name() string { return "mean" }

func (mean) Result(w []uint64, count uint64) float64 { return total(w) / float64(count) }
