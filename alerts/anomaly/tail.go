package anomaly

import "math"

// A channel is one statistic of a series. It keeps the greatest value of each
// block of samples in a ring, and its threshold is the value that a block exceeds
// as rarely as was asked: a return level of extreme value theory (Gumbel, Statistics
// of Extremes, 1958; on streams Siffer et al., Anomaly Detection in Streams with
// Extreme Value Theory, KDD 2017, who take the peaks over a threshold instead).
// Maxima of blocks need no model of the noise and no independence within a block:
// only their own history says what is ordinary for this series.
//
// The words of a channel.
const (
	channelMax       = iota // greatest value of the running block
	channelMeta             // 32 bits samples in the block, 8 bits each: doublings, maxima in the ring, next place in it
	channelThreshold        // 0 until warm
	channelWords
)

const (
	ringSize  = 64
	ringWords = ringSize / 2
	warmAt    = 12 // maxima in the ring from which on a channel judges
)

// meta is channelMeta taken apart.
type meta struct {
	samples   uint32
	doublings uint8
	filled    uint8
	next      uint8
}

func unpackMeta(w uint64) meta {
	return meta{uint32(w), uint8(w >> 32), uint8(w >> 40), uint8(w >> 48)}
}

func (m meta) pack() uint64 {
	return uint64(m.samples) | uint64(m.doublings)<<32 | uint64(m.filled)<<40 | uint64(m.next)<<48
}

// block returns the base length of a channel's blocks in samples. It is some
// times the memory of the statistic, so that neighbouring maxima say different
// things.
func block(c int) uint32 {
	switch c {
	case jump, near, nearSeason:
		return 16
	case shift, shiftSeason, run:
		return 64
	}
	return 256 // drift, driftSeason, noise
}

func channelWord(c int) int { return wordChannels + c*channelWords }
func ringWord(c int) int    { return wordRings + c*ringWords }

func (s state) threshold(c int) float64 { return s.float(channelWord(c) + channelThreshold) }

// forget takes a channel back to its warm-up.
func (s state) forget(c int) {
	clear(s[channelWord(c) : channelWord(c)+channelWords])
}

// observe takes one value of a channel's statistic into its running block and
// closes the block where it is full. While an anomaly lasts the block stands still:
// of all that happens then only the peak is kept.
func (d *Detector) observe(s state, c int, v float64) {
	at := channelWord(c)
	if v > s.float(at+channelMax) {
		s.setFloat(at+channelMax, v)
	}
	if s.anomalous() {
		return
	}
	s[at+channelMeta]++
	m := unpackMeta(s[at+channelMeta])
	// A block in which no run of equal values has ended says nothing of runs yet.
	if m.samples >= block(c)<<m.doublings && (c != run || s.float(at+channelMax) > 0) {
		d.closeBlock(s, c)
	}
}

// closeBlock puts the running block's maximum into the ring and learns the threshold
// anew. A full ring whose blocks are short beside the time asked for is thinned out:
// the greater of each two neighbours stays, and blocks are twice as long from then
// on. So the ring comes to remember about as long as FalseAlarmsPer, and the
// threshold of a series read every second is not guessed from one quiet hour.
func (d *Detector) closeBlock(s state, c int) {
	at, ring := channelWord(c), ringWord(c)
	m := unpackMeta(s[at+channelMeta])
	s.setHalf(ring, int(m.next), s.float(at+channelMax))
	s.setFloat(at+channelMax, 0)
	m.samples = 0
	m.filled = min(m.filled+1, ringSize)
	m.next = (m.next + 1) % ringSize
	span := float64(block(c)<<m.doublings) * s.float(wordInterval)
	if m.next == 0 && 2*span <= d.period/ringSize {
		for i := range ringSize / 2 {
			s.setHalf(ring, i, max(s.half(ring, 2*i), s.half(ring, 2*i+1)))
		}
		m.doublings++
		m.filled, m.next = ringSize/2, ringSize/2
		span *= 2
	}
	s[at+channelMeta] = m.pack()
	if m.filled < warmAt {
		return
	}
	var maxima [ringSize]float64
	sorted := maxima[:m.filled]
	for i := range sorted {
		v := s.half(ring, i)
		k := i
		for ; k > 0 && sorted[k-1] > v; k-- {
			sorted[k] = sorted[k-1]
		}
		sorted[k] = v
	}
	s.setFloat(at+channelThreshold, returnLevel(sorted, min(span/(d.period*shares), 0.2)))
}

// returnLevel returns the value that the maximum of a block exceeds with
// probability p, from at least warmAt maxima in rising order. It fits the generalised extreme value
// distribution by L-moments (Hosking, Wallis and Wood, Technometrics 27, 1985), the
// shape drawn towards Gumbel's, for few maxima know little of it.
func returnLevel(maxima []float64, p float64) float64 {
	n := float64(len(maxima))
	trim(maxima)
	var b0, b1, b2 float64
	unit := maxima[len(maxima)-1]
	if unit <= 0 {
		return 0
	}
	for i, v := range maxima {
		w := v / unit / n // times the chance that i others are smaller
		i := float64(i)
		w *= i / (n - 1)
		b0 += 2 * w
		w *= (i - 1) / (n - 2) * (i - 2) / (n - 3)
		b1 += 2 * w
		w *= (i - 3) / (n - 4) * (i - 4) / (n - 5)
		b2 += 2 * w
	}
	l2 := 2*b1 - b0
	if l2 <= 0 {
		return unit
	}
	t3 := (6*b2 - 6*b1 + b0) / l2
	c := 2/(3+t3) - math.Ln2/math.Log(3)
	k := 7.859*c + 2.9554*c*c
	k = (n*k + priorWeight*priorShape) / (n + priorWeight)
	k = max(-0.4, min(k, 0.3))
	if math.Abs(k) < 1e-4 {
		k = 1e-4
	}
	g := math.Gamma(1 + k)
	scale := l2 * k / ((1 - math.Exp2(-k)) * g)
	place := b0 - scale*(1-g)/k
	level := place + scale/k*(1-math.Pow(-2*math.Log1p(-p), k))
	return unit * (b0 + (level-b0)*(1+caution/n)*(1+0.1*max(0, -math.Log(p*n)-2)))
}

const (
	priorShape  = 0.0
	priorWeight = 32
	caution     = 2.0
)

// trim pulls in maxima that stand far off, if they are one or two: those were
// anomalies. From the third on they are what this series does.
func trim(maxima []float64) {
	n := len(maxima)
	middle, upper := maxima[n/2], maxima[n*3/4]
	limit := upper + 5*(upper-middle)
	if !(limit > upper) {
		return
	}
	far := 0
	for far < n && maxima[n-1-far] > limit {
		far++
	}
	if far > (n+16)/32 {
		return
	}
	for i := range far {
		maxima[n-1-i] = limit
	}
}
