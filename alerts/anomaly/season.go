package anomaly

import (
	"math"

	"github.com/weirstream/weir/event"
)

// A season is what the hour of the day, and the hour of the week on top of it, add
// to a series: an additive profile learned beside the level, as Holt and Winters do
// (Winters, Management Science 6, 1960), one step a visit of a bucket, drawn as a
// line between the middles of the buckets. It is used only where it has foretold
// the series better than no season would have.
const (
	dayBuckets  = 48  // of half an hour, UTC
	weekBuckets = 168 // of an hour, UTC
)

// The modes of a season.
const (
	seasonNone = iota
	seasonDay
	seasonWeek
)

// profile is one of the two cyclic profiles of a series.
type profile struct {
	word, buckets int
	length        event.Time // of a bucket
	sum           int        // word of what its running bucket gathers; the next one is the count
	mean          int        // word of the mean of all buckets
	memory        float64    // visits of a bucket that are remembered
}

func ofDay() profile {
	return profile{wordDay, dayBuckets, Hour / 2, wordDaySum, wordMeans, 8}
}

func ofWeek() profile {
	return profile{wordWeek, weekBuckets, Hour, wordWeekSum, wordMeans + 1, 6}
}

// at returns what the profile adds at a time. A bucket never visited counts as its
// neighbour.
func (p profile) at(s state, t event.Time) float64 {
	period := p.length * event.Time(p.buckets)
	into := t % period
	if into < 0 {
		into += period
	}
	into += period - p.length/2
	i := int(into/p.length) % p.buckets
	part := float64(into%p.length) / float64(p.length)
	a, b := s.half(p.word, i), s.half(p.word, (i+1)%p.buckets)
	switch {
	case unvisited(a):
		return b
	case unvisited(b):
		return a
	}
	return a + (b-a)*part
}

// learn takes a residual at a time into the running bucket, and the bucket before
// it into the profile once it is over. limit, where positive, bounds what one visit
// may say.
func (p profile) learn(s state, t event.Time, residual, limit float64) {
	bucket := int(t / p.length % event.Time(p.buckets))
	if bucket < 0 {
		bucket += p.buckets
	}
	run := s.w[p.sum+1]
	count := run >> 32
	if int(uint32(run)) == bucket && count > 0 {
		s.setFloat(p.sum, s.float(p.sum)+residual)
		s.w[p.sum+1] = (count+1)<<32 | uint64(bucket)
		return
	}
	if count > 0 {
		p.commit(s, int(uint32(run)), s.float(p.sum)/float64(count), limit, t)
	}
	s.setFloat(p.sum, residual)
	s.w[p.sum+1] = 1<<32 | uint64(bucket)
}

func (p profile) commit(s state, bucket int, mean, limit float64, t event.Time) {
	bucket %= p.buckets // whatever the words say
	old := s.half(p.word, bucket)
	rate := 1.0
	if !unvisited(old) {
		age := float64((t - s.time(wordFirst)) / (p.length * event.Time(p.buckets)))
		rate = 1 / min(age+1, p.memory)
		if limit > 0 {
			mean = max(old-limit, min(mean, old+limit))
		}
	}
	learned := old + (mean-old)*rate
	if learned == 0 {
		learned = math.Copysign(0, -1)
	}
	s.setHalf(p.word, bucket, learned)
	s.setFloat(p.mean, s.float(p.mean)+(learned-old)/float64(p.buckets))
}

// unvisited reports whether a bucket was never visited: one that was and says zero
// holds the negative zero.
func unvisited(v float64) bool { return math.Float64bits(v) == 0 }

// drop forgets what the running bucket has gathered.
func (p profile) drop(s state) { s.w[p.sum], s.w[p.sum+1] = 0, 0 }

// season returns what the season in use adds at a time.
func (s state) season(t event.Time) float64 {
	switch s.w[wordSeason] {
	case seasonDay:
		return ofDay().at(s, t)
	case seasonWeek:
		return ofDay().at(s, t) + ofWeek().at(s, t)
	}
	return 0
}

// learnSeason takes the sample into both profiles, measures how well each would have
// foretold it and says which mode is to be used from the next sample on.
func (s state) learnSeason(t event.Time, dt, x float64) uint64 {
	day, week := ofDay(), ofWeek()
	trend := s.float(wordTrend)
	byDay := day.at(s, t)
	byWeek := week.at(s, t)
	rate := dt / (dt + float64(Week))
	quick := dt / (dt + 8*s.float(wordInterval))
	s.meet(wordSmooth, x-byDay, quick)
	s.meet(wordSmooth+1, x-byDay-byWeek, quick)
	s.meet(wordErrors, math.Abs(s.float(wordLevels)-trend-s.float(wordMeans)), rate)
	s.meet(wordErrors+1, math.Abs(s.float(wordSmooth)-trend-s.float(wordMeans+1)), rate)
	s.meet(wordErrors+2, math.Abs(s.float(wordSmooth+1)-trend), rate)
	none, withDay, withWeek := s.float(wordErrors), s.float(wordErrors+1), s.float(wordErrors+2)

	mode := s.w[wordSeason]
	if s.anomalous() {
		day.drop(s)
		week.drop(s)
		return mode
	}
	age := t - s.time(wordFirst)
	limit := 0.0
	if age > 2*Day {
		limit = 4 * withDay
	}
	toDay, level := x-trend, byDay
	if mode == seasonWeek {
		toDay -= byWeek
		level += byWeek
	}
	day.learn(s, t, toDay, limit)
	if age > 2*Week {
		limit = 4 * withWeek
	} else {
		limit = 0
	}
	week.learn(s, t, x-trend-byDay, limit)
	memory := max(512*s.float(wordInterval), float64(Week))
	count := float64(s.w[wordCount])
	s.meet(wordTrend, x-level, max(dt/(dt+memory), 1/(1+count)))
	switch {
	case age < 3*Day || !(withDay < 0.8*none || withWeek < 0.8*none):
		return seasonNone
	case age > 15*Day && withWeek < 0.9*withDay && withWeek < 0.6*none:
		return seasonWeek
	case mode == seasonWeek && withWeek < withDay:
		return seasonWeek
	case withDay < 0.6*none:
		return seasonDay
	}
	return min(mode, seasonDay)
}

// meet moves a mean towards v.
func (s state) meet(word int, v, rate float64) {
	old := s.float(word)
	s.setFloat(word, old+(v-old)*rate)
}
