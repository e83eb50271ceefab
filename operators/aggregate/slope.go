package aggregate

import "github.com/weirstream/weir/event"

// slope is the slope per second of the least-squares line through the readings,
// 0 where all times are equal. Its state is 7 words, the centred moments of
// Welford and Chan as in moments:
//
//	0     number of readings, hugeBit
//	1, 2  time and value of the reading that was folded first
//	3, 4  mean time and mean value, as distances from these, in ms
//	5     squared deviations of the times
//	6     products of the deviations of times and values
//
// Distances in time are whole numbers, so that where all are equal word 5 is 0
// exactly. The error is below 1e-9 of the slope and 1e-9 of the range of the
// values over the span of the times.
type slope struct{}

func (slope) Name() string  { return "slope" }
func (slope) State() string { return "slope" }
func (slope) Words() int    { return 7 }

func (slope) Fold(w []uint64, s Sample) {
	if s.First {
		w[1], w[2] = uint64(s.Time), word(s.Value)
	}
	if isHuge(s.Value) {
		slopeHuge(w)
	}
	w[0]++
	n, scale := float64(w[0]&^hugeBit), scaleOf(w[0])
	dt := float64(s.Time-event.Time(w[1])) - number(w[3])
	dv := s.Value*scale - number(w[2])*scale - number(w[4])
	w[3] = word(number(w[3]) + dt/n)
	w[4] = word(number(w[4]) + dv/n)
	left := (n - 1) / n // what is left of a deviation when the mean has moved
	w[5] = word(number(w[5]) + dt*dt*left)
	w[6] = word(number(w[6]) + dt*dv*left)
}

func (slope) Merge(dst, src []uint64, m Merge) {
	if m.First {
		copy(dst, src)
		return
	}
	other := [7]uint64(src)
	if (dst[0]|other[0])&hugeBit != 0 {
		slopeHuge(dst)
		slopeHuge(other[:])
	}
	scale := scaleOf(dst[0])
	held, more := float64(dst[0]&^hugeBit), float64(other[0]&^hugeBit)
	dt := float64(event.Time(other[1])-event.Time(dst[1])) + number(other[3]) - number(dst[3])
	dv := number(other[2])*scale - number(dst[2])*scale + number(other[4]) - number(dst[4])
	share := more / (held + more)
	dst[0] += other[0] &^ hugeBit
	dst[3] = word(number(dst[3]) + dt*share)
	dst[4] = word(number(dst[4]) + dv*share)
	dst[5] = word(number(dst[5]) + number(other[5]) + dt*dt*held*share)
	dst[6] = word(number(dst[6]) + number(other[6]) + dt*dv*held*share)
}

// slopeHuge has the state scaled, if it is not yet.
func slopeHuge(w []uint64) {
	if w[0]&hugeBit == 0 {
		w[0] |= hugeBit
		scaled(&w[4], shrink)
		scaled(&w[6], shrink)
	}
}

func (slope) Result(w []uint64, _ uint64) float64 {
	times := number(w[5])
	if times == 0 {
		return 0
	}
	return finite(number(w[6]) / times * 1000 * unscale(w[0]))
}
