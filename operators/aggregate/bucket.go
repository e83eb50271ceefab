package aggregate

import "math"

// A bucket is a word: 24 bits that say which one and order buckets as the numbers
// in them, and 40 bits of count.
//
// At level 0 bucket i of the positive numbers is (g^(i-1), g^i] with g =
// 1.01 / 0.99, i from -11512 to 35489; a level up buckets i = 2k - 1 and 2k become
// k. The 24 bits are zeroBucket for magnitudes below 1e-100, zeroBucket +
// aroundOne + i for positive numbers, and mirrored for negative ones.
const (
	bucketShift = 40
	bucketCount = 1<<bucketShift - 1
	zeroBucket  = 1 << 22
	aroundOne   = 1 << 20

	// bucketWidth is ln g.
	bucketWidth = 0.020000666706669524
	// leastMagnitude: what is below counts as 0.
	leastMagnitude = 1e-100
)

// bucketOf is the bucket of a value at level 0, with a count of 0.
func bucketOf(v float64) uint64 {
	magnitude := math.Abs(v)
	if magnitude < leastMagnitude {
		return zeroBucket << bucketShift
	}
	place := aroundOne + int64(math.Ceil(math.Log(magnitude)/bucketWidth))
	if v < 0 {
		place = -place
	}
	return uint64(zeroBucket+place) << bucketShift
}

// bucketIndex is i, and 1, 0 or -1.
func bucketIndex(b uint64) (i int64, sign float64) {
	place := int64(b>>bucketShift) - zeroBucket
	switch {
	case place > 0:
		return place - aroundOne, 1
	case place < 0:
		return -place - aroundOne, -1
	default:
		return 0, 0
	}
}

// coarser is the bucket that b has become part of some levels up, with its count.
func coarser(b uint64, levels int) uint64 {
	place := int64(b>>bucketShift) - zeroBucket
	if levels == 0 || place == 0 {
		return b
	}
	up := int64(1)<<levels - 1 // rounds up: i becomes ceil(i / 2^levels)
	if place > 0 {
		place = aroundOne + (place-aroundOne+up)>>levels
	} else {
		place = -(aroundOne + (-place-aroundOne+up)>>levels)
	}
	return uint64(zeroBucket+place)<<bucketShift | b&bucketCount
}

func sameBucket(a, b uint64) bool { return a>>bucketShift == b>>bucketShift }

// addCount adds to a bucket's count, which stays at its greatest.
func addCount(b, n uint64) uint64 {
	return b&^bucketCount | min(b&bucketCount+n, bucketCount)
}
