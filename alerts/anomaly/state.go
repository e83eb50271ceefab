package anomaly

import (
	"math"

	"github.com/weirstream/weir/event"
)

// The words of a series, in order. A sample may change every word below hotWords
// and, behind them, at most one of each family: a bucket of the day, one of the
// week, one word of each ring (a ring that is thinned out changes as a whole).
const (
	wordCount    = iota           // samples taken; 0 for a series never seen
	wordTime                      // time of the newest sample
	wordFirst                     // time of the first sample
	wordOrigin                    // the first value; every other float is relative to it
	wordValue                     // the newest value
	wordInterval                  // mean time between samples, in milliseconds
	wordQuantum                   // the smallest step between two neighbouring values that differ
	wordRun                       // 63 bits samples in a row with the newest value; the top bit: told
	wordEpisode                   // see episode
	wordAnchor                    // samples taken before the levels began anew, of each view
	wordLevels   = wordAnchor + 2 // the views' levels: raw 8, 64, 512, then seasonal
	wordTrend    = wordLevels + 2*levels
	wordNoise    = wordTrend + 1  // mean steps between neighbours: of 64 and 512
	wordSmooth   = wordNoise + 2  // means of 8 samples: with the day, with the week
	wordMeans    = wordSmooth + 2 // of the buckets of the day, of those of the week
	wordErrors   = wordMeans + 2  // mean distances: from the trend, with the day, with the week
	wordSeason   = wordErrors + 3 // mode of the season
	wordDaySum   = wordSeason + 1 // what the running bucket of the day gathers
	wordDayRun   = wordDaySum + 1 // its number and samples
	wordWeekSum  = wordDayRun + 1
	wordWeekRun  = wordWeekSum + 1
	wordChannels = wordWeekRun + 1
	hotWords     = wordChannels + channels*channelWords
	wordDay      = hotWords
	wordWeek     = wordDay + dayBuckets/2
	wordRings    = wordWeek + weekBuckets/2
	words        = wordRings + channels*ringWords
)

// state is the words of one series.
type state []uint64

func (s state) float(i int) float64       { return math.Float64frombits(s[i]) }
func (s state) setFloat(i int, v float64) { s[i] = math.Float64bits(v) }
func (s state) time(i int) event.Time     { return event.Time(s[i]) }

// half returns the i-th of the floats that are kept from word on in 32 bits: the
// upper half of a float64, so the whole range of it with a precision of 1e-6.
func (s state) half(word, i int) float64 {
	return math.Float64frombits(s[word+i>>1] >> (32 * (uint(i) & 1)) << 32)
}

func (s state) setHalf(word, i int, v float64) {
	shift := 32 * (uint(i) & 1)
	bits := math.Float64bits(v) + 1<<31 // rounded, not cut off
	p := &s[word+i>>1]
	*p = *p&^(math.MaxUint32<<shift) | bits>>32<<shift
}
