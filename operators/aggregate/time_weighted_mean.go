package aggregate

// timeWeightedMean is the integral over the seconds between first and last
// reading: what a mean of readings is when they come irregularly. It is the mean
// where all have one time.
type timeWeightedMean struct{ polyline }

func (timeWeightedMean) Name() string { return "time_weighted_mean" }

func (timeWeightedMean) Result(w []uint64, count uint64) float64 {
	scaledArea, seconds := area(w)
	if seconds == 0 {
		return total(w[sumWord:sumWord+2]) / float64(count)
	}
	return finite(scaledArea / seconds * unscale(w[0]))
}
