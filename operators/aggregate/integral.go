package aggregate

// integral is the area under the straight lines between successive readings, in
// value x seconds; 0 for one reading. Its error and what it leaves out is told at
// polyline.
type integral struct{ polyline }

func (integral) Name() string { return "integral" }

func (integral) Result(w []uint64, _ uint64) float64 {
	scaledArea, _ := area(w)
	return finite(scaledArea * unscale(w[0]))
}
