package anomaly

import (
	"math"

	"github.com/weirstream/weir/event"
)

// The words of a series, in order. A sample may change every word of the first cell
// and, behind it, at most one of each family: a bucket of the day, one of the week,
// one word of each ring (a ring that is thinned out changes as a whole). What nearly
// every sample changes stands side by side, so that it is one run in a journal.
const (
	wordCount    = iota // samples taken; 0 for a series never seen
	wordTime            // time of the newest sample
	wordValue           // the newest value
	wordInterval        // mean time between samples, in milliseconds
	wordRun             // 63 bits samples in a row with the newest value; the top bit: told
	wordLevels          // the views' levels: raw 8, 64, 512, then seasonal
	wordTrend    = wordLevels + 2*levels
	wordNoise    = wordTrend + 1  // mean steps between neighbours: of 64 and 512
	wordSmooth   = wordNoise + 2  // means of 8 samples: with the day, with the week
	wordErrors   = wordSmooth + 2 // mean distances: from the trend, with the day, with the week
	wordDaySum   = wordErrors + 3 // what the running bucket of the day gathers
	wordDayRun   = wordDaySum + 1 // its number and samples
	wordWeekSum  = wordDayRun + 1
	wordWeekRun  = wordWeekSum + 1
	wordChannels = wordWeekRun + 1                      // see channel.go
	wordFirst    = wordChannels + channels*channelWords // time of the first sample
	wordOrigin   = wordFirst + 1                        // the first value; every other float is relative to it
	wordQuantum  = wordOrigin + 1                       // the smallest step between two neighbouring values that differ
	wordEpisode  = wordQuantum + 1                      // see episode
	wordAnchor   = wordEpisode + 1                      // samples taken before the levels began anew, of each view
	wordMeans    = wordAnchor + 2                       // of the buckets of the day, of those of the week
	wordSeason   = wordMeans + 2                        // mode of the season
	hotWords     = wordSeason + 1
	wordDay      = cellWords
	wordWeek     = wordDay + dayBuckets/2
	wordRings    = wordWeek + weekBuckets/2
	words        = wordRings + channels*ringWords
)

// state is the words of one series, and who has to know which cells of them change;
// nil: nobody.
type state struct {
	w   *[words]uint64
	row Row
}

func (s state) float(i int) float64       { return math.Float64frombits(s.w[i]) }
func (s state) setFloat(i int, v float64) { s.w[i] = math.Float64bits(v) }
func (s state) time(i int) event.Time     { return event.Time(s.w[i]) }

// half returns the i-th of the floats that are kept from word on in 32 bits: the
// upper half of a float64, so the whole range of it with a precision of 1e-6.
func (s state) half(word, i int) float64 {
	return math.Float64frombits(s.w[word+i>>1] >> (32 * (uint(i) & 1)) << 32)
}

func (s state) setHalf(word, i int, v float64) {
	if s.row != nil {
		s.row.Write((word + i>>1) / cellWords)
	}
	shift := 32 * (uint(i) & 1)
	bits := math.Float64bits(v) + 1<<31 // rounded, not cut off
	p := &s.w[word+i>>1]
	*p = *p&^(math.MaxUint32<<shift) | bits>>32<<shift
}
