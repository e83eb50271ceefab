package aggregate

import "math"

// quantile is the value of rank floor(q (count - 1)) in ascending order, from 0,
// within the relative error of sketch: 1 % as long as the readings fall into at
// most 126 buckets. median is one of them.
type quantile struct {
	sketch
	name        string
	part, whole uint64 // q = part / whole, so that ranks are exact
}

func (q quantile) Name() string { return q.name }

func (q quantile) Result(w []uint64, _ uint64) float64 {
	held, count := w[sketchHeader:sketchHeader+sketchHeld(w)], uint64(0)
	for _, b := range held {
		count += b & bucketCount
	}
	rank := q.part * (count - 1) / q.whole
	for _, b := range held {
		n := b & bucketCount
		if rank < n {
			v := bucketValue(b, sketchLevel(w))
			return max(number(w[1]), min(v, number(w[2])))
		}
		rank -= n
	}
	return number(w[2])
}

// percentile reads a name such as p95 or p999.
func percentile(name string) (quantile, bool) {
	if len(name) < 2 || len(name) > 4 || name[0] != 'p' {
		return quantile{}, false
	}
	q := quantile{name: name, whole: 1}
	for _, c := range []byte(name[1:]) {
		if c < '0' || c > '9' {
			return quantile{}, false
		}
		q.part, q.whole = 10*q.part+uint64(c-'0'), 10*q.whole
	}
	return q, true
}

// bucketValue is the number nearest, in relative error, to all of a bucket.
func bucketValue(b uint64, level int) float64 {
	index, sign := bucketIndex(b)
	if sign == 0 {
		return 0
	}
	// Between g^(i-1) and g^i it is 2 g^i / (1 + g) = (1 - a) g^i, a = tanh(ln g / 2).
	width := math.Ldexp(bucketWidth, level)
	return sign * finite(math.Exp(float64(index)*width+math.Log1p(-math.Tanh(width/2))))
}
