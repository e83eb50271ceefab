package anomaly

import "math"

// The prior and the margins of a return level.
const (
	priorWeight = 32  // maxima that the prior shape, Gumbel's, is worth
	youth       = 2.0 // share by which a level of n maxima is raised, times n
	// A level is raised by so much for each time the span foretold is longer than
	// the history by a factor of e, beyond the first two. A series seen for an hour
	// has not shown what it does in a month, whatever the fit says.
	reach = 0.1
)

// returnLevel returns the value that the maximum of a block exceeds with probability
// p, from at least warmAt maxima in rising order, which it may change. It fits the
// generalised extreme value distribution by probability-weighted moments (Hosking,
// Wallis and Wood, Technometrics 27, 1985), not to the maxima themselves but to the
// greater of two of them: the moments of that are moments of the same sample (Wang,
// Water Resources Research 33, 1997), and nights in which nothing happens do not bend
// the fit of busy days.
func returnLevel(maxima []float64, p float64) float64 {
	n := float64(len(maxima))
	unit := maxima[len(maxima)-1]
	if unit <= 0 {
		return 0
	}
	trim(maxima)
	var b0, b1, b2 float64 // E[X F^k], X the greater of two, F its distribution
	for i, v := range maxima {
		w := v / unit / n
		i := float64(i)
		w *= i / (n - 1)
		b0 += 2 * w
		w *= (i - 1) / (n - 2) * (i - 2) / (n - 3)
		b1 += 2 * w
		w *= (i - 3) / (n - 4) * (i - 4) / (n - 5)
		b2 += 2 * w
	}
	l2 := 2*b1 - b0
	if l2 <= 0 {
		return unit
	}
	c := 2/(3+(6*b2-6*b1+b0)/l2) - math.Ln2/math.Log(3)
	shape := n / (n + priorWeight) * (7.859*c + 2.9554*c*c)
	shape = max(-0.4, min(shape, 0.3))
	if math.Abs(shape) < 1e-4 {
		shape = 1e-4 // Gumbel's, without a formula of its own
	}
	gamma := math.Gamma(1 + shape)
	scale := l2 * shape / ((1 - math.Exp2(-shape)) * gamma)
	place := b0 - scale*(1-gamma)/shape
	level := place + scale/shape*(1-math.Pow(-2*math.Log1p(-p), shape))
	margin := (1 + youth/n) * (1 + reach*max(0, -math.Log(p*n)-2))
	return unit * (b0 + (level-b0)*margin)
}

// trim pulls in maxima that stand far off, if they are one or two in a full ring:
// those were anomalies. From the third on they are what this series does.
func trim(maxima []float64) {
	n := len(maxima)
	middle, upper := maxima[n/2], maxima[n*3/4]
	limit := upper + 5*(upper-middle)
	if !(limit > upper) {
		return
	}
	far := 0
	for maxima[n-1-far] > limit {
		far++
	}
	if far > (n+16)/32 {
		return
	}
	for i := range far {
		maxima[n-1-i] = limit
	}
}
