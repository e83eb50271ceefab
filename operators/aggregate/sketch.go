package aggregate

// sketch is the state of the quantiles: a UDDSketch (Epicoco, Melle, Cafaro,
// Pulimeno and Morleo, "UDDSketch: Accurate Tracking of Quantiles in Data Streams",
// IEEE Access 8, 2020), which is DDSketch (Masson, Rim and Lee, PVLDB 12, 2019) with
// another way to stay small. Readings are counted in buckets of equal ratio; where
// they fall into more than 126, pairs of buckets are joined, all over the range,
// which takes the relative error from a to 2a / (1 + a^2). DDSketch joins the
// lowest ones instead, whose quantiles then mean nothing.
//
// 129 words. Word 0 is how many buckets are held, and from bit 8 the level: how
// often pairs were joined. Words 1 and 2 are the least and the greatest value; no
// result is beyond them, so a constant is told exactly. Then the buckets as
// documented at bucketOf, ascending. The level, and so the error, follows from the
// set of values alone: it is the least at which they fall into 126 buckets.
//
// Words of our own and not a library's sketch: a pane is changed in place, has a
// fixed size, and is written to the journal as it stands.
type sketch struct{}

const (
	sketchHeader  = 3
	sketchBuckets = 126
	levelShift    = 8
)

func (sketch) State() string { return "sketch" }
func (sketch) Words() int    { return sketchHeader + sketchBuckets }

func sketchHeld(w []uint64) int  { return int(w[0] & (1<<levelShift - 1)) }
func sketchLevel(w []uint64) int { return int(w[0] >> levelShift) }

func (sketch) Fold(w []uint64, s Sample) {
	spread{}.Fold(w[1:3], s)
	fine := bucketOf(s.Value)
	for {
		held, level := sketchHeld(w), sketchLevel(w)
		b := coarser(fine, level)
		buckets := w[sketchHeader : sketchHeader+held]
		at := findBucket(buckets, b)
		if at < held && sameBucket(buckets[at], b) {
			buckets[at] = addCount(buckets[at], 1)
			return
		}
		if held < sketchBuckets {
			buckets = w[sketchHeader : sketchHeader+held+1]
			copy(buckets[at+1:], buckets[at:held])
			buckets[at] = b | 1
			w[0]++
			return
		}
		left := joinPairs(buckets)
		w[0] = uint64(level+1)<<levelShift | uint64(left)
	}
}

func (sketch) Merge(dst, src []uint64, m Merge) {
	if m.First {
		copy(dst, src)
		return
	}
	spread{}.Merge(dst[1:3], src[1:3], Merge{})
	var room [2 * sketchBuckets]uint64
	level := max(sketchLevel(dst), sketchLevel(src))
	n := uniteBuckets(room[:0],
		leveled{w: dst[sketchHeader : sketchHeader+sketchHeld(dst)], by: level - sketchLevel(dst)},
		leveled{w: src[sketchHeader : sketchHeader+sketchHeld(src)], by: level - sketchLevel(src)})
	for n > sketchBuckets {
		n = joinPairs(room[:n])
		level++
	}
	clear(dst[sketchHeader+copy(dst[sketchHeader:], room[:n]):])
	dst[0] = uint64(level)<<levelShift | uint64(n)
}

// leveled are buckets, ascending, to be taken as so many levels coarser.
type leveled struct {
	w  []uint64
	by int
}

func (l *leveled) first() uint64 {
	if len(l.w) == 0 {
		return ^uint64(0) // above all buckets
	}
	return coarser(l.w[0], l.by)
}

// uniteBuckets appends the buckets of both, ascending and each once, and returns
// how many there are then.
func uniteBuckets(out []uint64, a, b leveled) int {
	for len(a.w)+len(b.w) > 0 {
		next := &a
		if b.first() < a.first() {
			next = &b
		}
		out = appendBucket(out, next.first())
		next.w = next.w[1:]
	}
	return len(out)
}

// joinPairs joins pairs of buckets in place, empties the rest, and returns how
// many are left.
func joinPairs(buckets []uint64) int {
	out := buckets[:0]
	for _, b := range buckets {
		out = appendBucket(out, coarser(b, 1))
	}
	clear(buckets[len(out):])
	return len(out)
}

// appendBucket adds a bucket that is not before the last one.
func appendBucket(out []uint64, b uint64) []uint64 {
	if n := len(out); n > 0 && sameBucket(out[n-1], b) {
		out[n-1] = addCount(out[n-1], b&bucketCount)
		return out
	}
	return append(out, b)
}

// findBucket is the place of a bucket, or where it would be put.
func findBucket(buckets []uint64, b uint64) int {
	b &^= bucketCount
	low, high := 0, len(buckets)
	for low < high {
		middle := (low + high) / 2
		if buckets[middle] < b {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}
