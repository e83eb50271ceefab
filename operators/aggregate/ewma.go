package aggregate

import (
	"fmt"
	"math"

	"github.com/weirstream/weir/event"
)

// ewma is the mean of the values with weights that fade with age: 2^(-age / half
// life), age being the distance from the newest reading. So it does not depend on
// how regularly readings come, nor in which order (the exponential weighting of
// irregular series: Eckner, "Algorithms for Unevenly Spaced Time Series: Moving
// Averages and Other Rolling Operators", 2012).
//
// 3 words: the newest time, the sum of the weights as of then, the mean. A mean
// rather than a weighted sum, because it cannot overflow. The error is below 1e-9
// of the greatest magnitude.
type ewma struct {
	halfLife float64 // ms, more than 0
}

func (ewma) Name() string    { return "ewma" }
func (e ewma) State() string { return fmt.Sprintf("ewma %g", e.halfLife) }
func (ewma) Words() int      { return 3 }

func (e ewma) Fold(w []uint64, s Sample) {
	if s.First {
		w[0], w[1], w[2] = uint64(s.Time), word(1), word(s.Value)
		return
	}
	e.add(w, weighted{time: s.Time, weight: 1, mean: s.Value})
}

func (e ewma) Merge(dst, src []uint64, m Merge) {
	if m.First {
		copy(dst, src)
		return
	}
	e.add(dst, weighted{time: event.Time(src[0]), weight: number(src[1]), mean: number(src[2])})
}

func (ewma) Result(w []uint64, _ uint64) float64 { return number(w[2]) }

// weighted is the mean of readings and their weight as of a time.
type weighted struct {
	time         event.Time
	weight, mean float64
}

func (e ewma) add(w []uint64, more weighted) {
	weight, mean := number(w[1]), number(w[2])
	if age := more.time - event.Time(w[0]); age > 0 {
		weight *= e.fade(age)
		w[0] = uint64(more.time)
	} else if age < 0 {
		more.weight *= e.fade(-age)
	}
	all := weight + more.weight // 1 or more: the newest reading weighs 1
	share := more.weight / all
	apart := more.mean - mean
	if math.IsInf(apart, 0) {
		mean = finite(mean*(weight/all) + more.mean*share)
	} else {
		mean = finite(mean + apart*share) // leaves a mean of equal values alone
	}
	w[1], w[2] = word(all), word(mean)
}

// fade is the weight of a reading of some age in ms.
func (e ewma) fade(age event.Time) float64 { return math.Exp2(-float64(age) / e.halfLife) }
