package oracle

import (
	"math"
	"math/big"
	"slices"
)

// Of the sketch that the engine takes quantiles from (Epicoco et al., UDDSketch,
// 2020): the relative error it begins with, how many buckets it has, the bounds
// between which a count of buckets may come out on either side of that, because
// values lie on the edges of buckets, and the magnitude that counts as 0.
const (
	firstError   = 0.01
	mostBuckets  = 126
	fewerBuckets = 120
	moreBuckets  = 132
	zeroBelow    = 1e-100
)

// quantile is the value of a rank. digits are those of the name: pNN is the
// quantile 0.NN.
func quantile(digits string, samples []sample) measure {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = s.value
	}
	slices.Sort(values)
	exact, rounded := rank(digits, len(values))
	a := sketchError(values)
	m := atRank(values, exact, a)
	if rounded != exact {
		m.or = &measure{}
		*m.or = atRank(values, rounded, a)
	}
	return m
}

// rank is floor(q (n - 1)), worked out exactly, and as float64 does it, which may
// be one less or more.
func rank(digits string, n int) (exact, rounded int) {
	q, ok := new(big.Rat).SetString("0." + digits)
	if !ok {
		panic("the model does not know the quantile p" + digits)
	}
	near, _ := q.Float64()
	product := q.Mul(q, big.NewRat(int64(n-1), 1))
	return int(new(big.Int).Quo(product.Num(), product.Denom()).Int64()), int(near * float64(n-1))
}

// errors are the relative errors of a sketch: the one that the readings call for,
// and the greatest that may pass.
type sketchErrors struct{ of, most float64 }

// sketchError counts the buckets that sorted values fall into, and joins pairs of
// them until they are few enough.
func sketchError(values []float64) sketchErrors {
	step := math.Log((1 + firstError) / (1 - firstError))
	var buckets []bucket
	for _, v := range values {
		b := bucketOf(v, step)
		if n := len(buckets); n == 0 || buckets[n-1] != b {
			buckets = append(buckets, b) // sorted values fall into buckets one after the other
		}
	}
	a := firstError
	for len(buckets) > mostBuckets {
		if len(buckets) <= moreBuckets {
			// The engine may have stopped here; the next error allows for that as well.
			return sketchErrors{of: joined(a), most: joined(a)}
		}
		for i := range buckets {
			buckets[i].index = int(math.Ceil(float64(buckets[i].index) / 2))
		}
		buckets, a = slices.Compact(buckets), joined(a)
	}
	if len(buckets) >= fewerBuckets {
		return sketchErrors{of: a, most: joined(a)}
	}
	return sketchErrors{of: a, most: a}
}

// joined is the relative error after pairs of buckets were joined.
func joined(a float64) float64 { return 2 * a / (1 + a*a) }

// bucket is one of a sketch. sign is that of its values, 0 for the one around 0.
type bucket struct{ sign, index int }

func bucketOf(v, step float64) bucket {
	switch size := math.Abs(v); {
	case size < zeroBelow:
		return bucket{}
	case v < 0:
		return bucket{-1, int(math.Ceil(math.Log(size) / step))}
	default:
		return bucket{1, int(math.Ceil(math.Log(size) / step))}
	}
}

// atRank is the value of a rank of sorted values, and how far the sketch may be
// from it.
func atRank(values []float64, rank int, a sketchErrors) measure {
	x := values[min(rank, len(values)-1)]
	m := measure{value: x, tolerance: a.most*math.Abs(x)*(1+1e-9) + zeroBelow, vague: true}
	// What a sketch says is the middle of the bucket, by ratio: the point whose
	// relative error is the same towards both ends.
	g := (1 + a.of) / (1 - a.of)
	if b := bucketOf(x, math.Log(g)); b.sign != 0 {
		if said := float64(b.sign) * 2 * math.Pow(g, float64(b.index)) / (g + 1); m.takes(said) {
			m.likely = said
			m.hinted = true
		}
	}
	return m
}
