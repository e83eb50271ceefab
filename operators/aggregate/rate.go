package aggregate

import "math"

// rate is delta per second between the first reading and the last, 0 where their
// times are equal. It does not know counters that restart: a fall is negative.
type rate struct{ ends }

func (rate) Name() string { return "rate" }

func (rate) Result(w []uint64, _ uint64) float64 {
	seconds := float64(int64(w[2]-w[0])) / 1000
	if seconds == 0 {
		return 0
	}
	change := number(w[3]) - number(w[1])
	if math.IsInf(change, 0) { // though its rate may fit
		return finite(number(w[3])/seconds - number(w[1])/seconds)
	}
	return finite(change / seconds)
}
