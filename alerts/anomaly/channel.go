package anomaly

// A channel is one statistic of a series. It keeps the greatest value of each
// block of samples in a ring, and its threshold is the value that a block exceeds
// as rarely as was asked: a return level of extreme value theory (Gumbel, Statistics
// of Extremes, 1958; on streams Siffer et al., Anomaly Detection in Streams with
// Extreme Value Theory, KDD 2017, who take the peaks over a threshold instead).
// Maxima of blocks need no model of the noise and no independence within a block:
// only their own history says what is ordinary for this series.
//
// The words of a channel, counted from channelWord: those of all channels stand
// together by what they are.
const (
	channelMeta      = iota * channels // from the lowest bit 8 bits each: next place in the ring, maxima in it, doublings; then the samples in the block
	channelMax                         // greatest value of the running block
	channelThreshold                   // 0 until warm
	channelWords     = iota
)

const (
	ringSize  = 64
	ringWords = ringSize / 2
	warmAt    = 12 // maxima in the ring from which on a channel judges
	// metaSamples is where the count of samples begins in a channel's meta word. It
	// stands highest, so that a word that changes at every sample is short.
	metaSamples = 24
)

// meta is channelMeta taken apart.
type meta struct {
	samples   uint32
	doublings uint8
	filled    uint8
	next      uint8
}

// unpackMeta keeps words that no Step has written within the ring.
func unpackMeta(w uint64) meta {
	return meta{uint32(w >> metaSamples), uint8(w>>16) % 24, min(uint8(w>>8), ringSize), uint8(w) % ringSize}
}

func (m meta) pack() uint64 {
	return uint64(m.samples)<<metaSamples | uint64(m.doublings)<<16 | uint64(m.filled)<<8 | uint64(m.next)
}

// block returns the base length of a channel's blocks in samples. It is some
// times the memory of the statistic, so that neighbouring maxima say different
// things.
func block(c int) uint32 {
	switch c {
	case jump, near, nearSeason:
		return 16
	case shift, shiftSeason:
		return 32
	case run:
		return 64
	}
	return 128 // drift, driftSeason, noise
}

func channelWord(c int) int { return wordChannels + c }
func ringWord(c int) int    { return wordRings + c*ringWords }

func (s state) threshold(c int) float64 { return s.float(channelWord(c) + channelThreshold) }

// forget takes a channel back to its warm-up.
func (s state) forget(c int) {
	for i := range channelWords {
		s.w[channelWord(c)+i*channels] = 0
	}
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
	s.w[at+channelMeta] += 1 << metaSamples
	m := unpackMeta(s.w[at+channelMeta])
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
	m := unpackMeta(s.w[at+channelMeta])
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
	s.w[at+channelMeta] = m.pack()
	if m.filled < warmAt {
		return
	}
	var maxima [ringSize]float64
	sorted := s.sorted(ring, maxima[:m.filled])
	s.setFloat(at+channelThreshold, returnLevel(sorted, min(span/(d.period*shares), 0.2)))
}

// sorted fills a slice with the first values of a ring, in rising order.
func (s state) sorted(ring int, into []float64) []float64 {
	for i := range into {
		v := s.half(ring, i)
		k := i
		for ; k > 0 && into[k-1] > v; k-- {
			into[k] = into[k-1]
		}
		into[k] = v
	}
	return into
}
