package aggregate

// modeValues is how many different values a pane counts.
const modeValues = 32

// mode is the most frequent value, of equally frequent ones the least: exact
// where a window holds at most 32 different values, otherwise the most frequent
// of 32 of them.
//
// 65 words: how many values are held, then value and count of each, in order of
// the values' hashes. Those of the least hashes are kept. What has once given way
// never comes back, for the hashes kept only get smaller; so the count of a value
// that is held is exact, and which are held follows from the readings alone, in
// whatever order and panes they came. A sketch of heavy hitters (Space-Saving,
// Misra-Gries) would find a frequent value among many more often, but with counts
// that depend on order.
type mode struct{}

func (mode) Name() string  { return "mode" }
func (mode) State() string { return "mode" }
func (mode) Words() int    { return 1 + 2*modeValues }

func (mode) Fold(w []uint64, s Sample) {
	value := canonical(s.Value)
	held := int(w[0])
	at, found := findMode(w, value)
	switch {
	case found:
		w[1+2*at+1]++
		return
	case at == modeValues:
		return
	case held == modeValues:
		held--
	}
	copy(w[1+2*(at+1):1+2*(held+1)], w[1+2*at:1+2*held])
	w[1+2*at], w[1+2*at+1] = value, 1
	w[0] = uint64(held + 1)
}

// findMode is the place of a value, or where it would be put.
func findMode(w []uint64, value uint64) (at int, found bool) {
	h := hash(value)
	low, high := 0, int(w[0])
	for low < high {
		middle := (low + high) / 2
		if hash(w[1+2*middle]) < h {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < int(w[0]) && w[1+2*low] == value
}

func (mode) Merge(dst, src []uint64, m Merge) {
	if m.First {
		copy(dst, src)
		return
	}
	var all [1 + 2*modeValues]uint64
	i, j, k := 0, 0, 0
	for k < modeValues && (i < int(dst[0]) || j < int(src[0])) {
		out := all[1+2*k:]
		switch {
		case j == int(src[0]) || i < int(dst[0]) && hash(dst[1+2*i]) < hash(src[1+2*j]):
			out[0], out[1] = dst[1+2*i], dst[1+2*i+1]
			i++
		case i == int(dst[0]) || dst[1+2*i] != src[1+2*j]:
			out[0], out[1] = src[1+2*j], src[1+2*j+1]
			j++
		default:
			out[0], out[1] = dst[1+2*i], dst[1+2*i+1]+src[1+2*j+1]
			i++
			j++
		}
		k++
	}
	all[0] = uint64(k)
	copy(dst, all[:])
}

func (mode) Result(w []uint64, _ uint64) float64 {
	best, most := number(w[1]), w[2]
	for i := 1; i < int(w[0]); i++ {
		value, n := number(w[1+2*i]), w[1+2*i+1]
		if n > most || n == most && value < best {
			best, most = value, n
		}
	}
	return best
}
