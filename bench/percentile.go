package main

import (
	"math"
	"slices"
)

// percentile is the smallest of the sorted values that at least p percent of them do not exceed (nearest rank); NaN of nothing.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(p*float64(len(sorted))/100 - 1e-9)) // 99.9 is not exact
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// spread is what is told of several runs.
type spread struct {
	Min, Median, Max float64
	N                int
}

// spreadOf tells the median of an even number as the mean of the middle two.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN(), 0}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{Min: sorted[0], Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Max: sorted[n-1], N: n}
}
