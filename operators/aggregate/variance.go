package aggregate

// variance is that of the sample: the squared deviations from the mean over
// count - 1; 0 for one reading.
type variance struct{ moments }

func (variance) Name() string { return "variance" }

func (variance) Result(w []uint64, _ uint64) float64 {
	return finite(meanSquare(w) * unscale(w[0]) * unscale(w[0]))
}

// moments is the state of variance and stddev, 4 words: the number of readings
// with hugeBit, the first value that was folded, the mean of the others' distance
// from it, and the squared deviations from the mean (Welford, "Note on a Method
// for Calculating Corrected Sums of Squares and Products", Technometrics 4, 1962;
// merged after Chan, Golub and LeVeque, "Updating Formulae and a Pairwise
// Algorithm for Computing Sample Variances", 1979).
//
// Distances from a value of the data are small where the values are large and
// close together: without them the mean of a million values around 1e9 gets stuck
// between two numbers. The error is below 1e-9 of the variance.
type moments struct{}

func (moments) State() string { return "moments" }
func (moments) Words() int    { return 4 }

func (moments) Fold(w []uint64, s Sample) {
	if s.First {
		w[1] = word(s.Value)
	}
	if isHuge(s.Value) {
		momentsHuge(w)
	}
	w[0]++
	scale := scaleOf(w[0])
	d := s.Value*scale - number(w[1])*scale
	before := number(w[2])
	after := before + (d-before)/float64(w[0]&^hugeBit)
	w[2] = word(after)
	w[3] = word(number(w[3]) + (d-before)*(d-after))
}

func (moments) Merge(dst, src []uint64, m Merge) {
	if m.First {
		copy(dst, src)
		return
	}
	other := [4]uint64(src)
	if (dst[0]|other[0])&hugeBit != 0 {
		momentsHuge(dst)
		momentsHuge(other[:])
	}
	scale := scaleOf(dst[0])
	held, more := float64(dst[0]&^hugeBit), float64(other[0]&^hugeBit)
	apart := number(other[1])*scale - number(dst[1])*scale + number(other[2]) - number(dst[2])
	share := more / (held + more)
	dst[0] += other[0] &^ hugeBit
	dst[2] = word(number(dst[2]) + apart*share)
	dst[3] = word(number(dst[3]) + number(other[3]) + apart*apart*held*share)
}

// momentsHuge has the state scaled, if it is not yet.
func momentsHuge(w []uint64) {
	if w[0]&hugeBit == 0 {
		w[0] |= hugeBit
		scaled(&w[2], shrink)
		scaled(&w[3], shrink)
		scaled(&w[3], shrink) // twice: its square is below all numbers
	}
}

// meanSquare is the variance as the state is scaled.
func meanSquare(w []uint64) float64 {
	n := w[0] &^ hugeBit
	if n < 2 {
		return 0
	}
	return number(w[3]) / float64(n-1)
}
