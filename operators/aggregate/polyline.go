package aggregate

import "github.com/weirstream/weir/event"

// polylinePoints is how many of the newest readings a pane keeps in order.
const polylinePoints = 15

// polyline is the state of integral and time_weighted_mean: the area under the
// straight lines between readings by time, of equal times in the order of
// arrival. Readings come in any order, so the 15 newest by time wait as points;
// what is older has settled into an area, which ends at the frontier. A reading
// older than 15 points is left out: the lines there are drawn already.
//
// 39 words; area and values are compensated sums, the area in value x seconds:
//
//	0       number of points; hugeBit, with which the area is scaled; settledBit
//	1, 2    time and value of the first reading, once it has settled
//	3, 4    the frontier: the newest reading that has settled
//	5, 6    area up to there
//	7, 8    sum of the values, for when all times are equal
//	9 ...   points: time, value, ascending
//
// Panes are joined by a line from the newest point of one to the first reading of
// the next; of both the 15 newest points go on waiting, as in one pane. The error
// is below 1e-9 of the area under the magnitudes.
type polyline struct{}

const (
	settledBit  = 1 << 62
	pointsFrom  = 9
	firstWord   = 1
	frontWord   = 3
	areaWord    = 5
	sumWord     = 7
	pointsCount = 1<<8 - 1
)

func (polyline) State() string { return "polyline" }
func (polyline) Words() int    { return pointsFrom + 2*polylinePoints }

func (polyline) Fold(w []uint64, s Sample) {
	if isHuge(s.Value) {
		polylineHuge(w)
	}
	accumulate(w[sumWord:], s.Value)
	held := int(w[0] & pointsCount)
	at := held
	for at > 0 && event.Time(pointAt(w, at-1)[0]) > s.Time {
		at--
	}
	if held < polylinePoints {
		w[0]++
		copy(w[pointsFrom+2*(at+1):pointsFrom+2*(held+1)], w[pointsFrom+2*at:])
	} else {
		if at == 0 {
			return
		}
		settle(w, pointAt(w, 0))
		at--
		copy(w[pointsFrom:pointsFrom+2*at], w[pointsFrom+2:])
	}
	point := pointAt(w, at)
	point[0], point[1] = uint64(s.Time), word(s.Value)
}

func (polyline) Merge(dst, src []uint64, m Merge) {
	if m.First {
		copy(dst, src)
		return
	}
	var other [pointsFrom + 2*polylinePoints]uint64
	copy(other[:], src)
	if (dst[0]|other[0])&hugeBit != 0 {
		polylineHuge(dst)
		polylineHuge(other[:])
	}
	mergeSums(dst[sumWord:sumWord+2], other[sumWord:sumWord+2])
	held, more := int(dst[0]&pointsCount), int(other[0]&pointsCount)
	settled := other[0]&settledBit != 0
	leave := max(0, held+more-polylinePoints)
	if settled {
		leave = held
	}
	for i := range leave {
		settle(dst, pointAt(dst, i))
	}
	copy(dst[pointsFrom:], dst[pointsFrom+2*leave:pointsFrom+2*held])
	held -= leave
	if settled {
		settle(dst, other[firstWord:firstWord+2])
		mergeSums(dst[areaWord:areaWord+2], other[areaWord:areaWord+2])
		copy(dst[frontWord:frontWord+2], other[frontWord:])
	}
	copy(dst[pointsFrom+2*held:], other[pointsFrom:pointsFrom+2*more])
	dst[0] = dst[0]&^pointsCount | uint64(held+more)
}

// pointAt is a point's time and value.
func pointAt(w []uint64, i int) []uint64 { return w[pointsFrom+2*i : pointsFrom+2*i+2] }

// settle moves the frontier to a point that is not older.
func settle(w, point []uint64) {
	if w[0]&settledBit == 0 {
		w[0] |= settledBit
		copy(w[firstWord:firstWord+2], point)
	} else {
		accumulate(w[areaWord:areaWord+2], trapezoid(w[frontWord:frontWord+2], point, scaleOf(w[0])))
	}
	copy(w[frontWord:frontWord+2], point)
}

// trapezoid is the area between two points, of scaled values.
func trapezoid(from, to []uint64, scale float64) float64 {
	return (number(from[1])*scale + number(to[1])*scale) * (float64(int64(to[0]-from[0])) / 2000)
}

// polylineHuge has the area scaled, if it is not yet.
func polylineHuge(w []uint64) {
	if w[0]&hugeBit == 0 {
		w[0] |= hugeBit
		scaled(&w[areaWord], shrink)
		scaled(&w[areaWord+1], shrink)
	}
}

// area is the area under all lines, scaled, and the seconds they span.
func area(w []uint64) (scaledArea, seconds float64) {
	held := int(w[0] & pointsCount)
	all := [2]uint64{w[areaWord], w[areaWord+1]}
	oldest, before := pointAt(w, 0), pointAt(w, 0)
	if w[0]&settledBit != 0 {
		oldest, before = w[firstWord:firstWord+2], w[frontWord:frontWord+2]
	}
	for i := range held {
		next := pointAt(w, i)
		accumulate(all[:], trapezoid(before, next, scaleOf(w[0])))
		before = next
	}
	return total(all[:]), float64(int64(before[0]-oldest[0])) / 1000
}
