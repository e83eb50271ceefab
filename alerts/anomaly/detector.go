package anomaly

import (
	"math"

	"github.com/weirstream/weir/event"
)

// The channels of a series: one statistic each, with a threshold of its own.
const (
	jump        = iota // distance from the sample before
	near               // distance from the level of 8 samples
	shift              // distance between the levels of 8 and 64
	drift              // distance between the levels of 64 and 512
	nearSeason         // the same of the series less its season
	shiftSeason        //
	driftSeason        //
	noise              // logarithm of how the steps of 64 samples compare to those of 512
	run                // logarithm of samples in a row with one value
	channels
)

const (
	levels = 3
	// shares is among how many the false alarms are divided: the channels of one
	// series speak of the same samples, so they count for less than their number.
	shares = 7
	// A gap is a distance of two samples of so many mean distances. Levels from
	// before it say nothing about the sample behind it.
	gap       = 32
	leastRun  = 12 // samples of one value before it can be called stuck
	toldBit   = 1 << 63
	limitless = 1e300 // values count as this far from zero at most
)

// Detector judges the samples of a series one by one. It is immutable and may be
// shared; the state of a series is in words that the caller keeps, all zero for a
// series never seen.
type Detector struct {
	period float64 // mean milliseconds between false alarms
}

// Step takes one sample of a series into its words, which must be Words long, and
// says what to think of it. Samples come in order of time: one that is not newer
// than the last, or is not a number, changes nothing and gets a zero Verdict.
// Values count as within 1e300 of zero.
func (d *Detector) Step(w []uint64, t event.Time, v float64) Verdict {
	if !d.Takes(w, t, v) {
		return Verdict{}
	}
	return d.take(state{w: (*[words]uint64)(w)}, t, v)
}

// Takes reports whether Step would take a sample into these words.
func (*Detector) Takes(w []uint64, t event.Time, v float64) bool {
	s := state{w: (*[words]uint64)(w)}
	return v == v && (s.w[wordCount] == 0 || t > s.time(wordTime))
}

// take is Step for a sample that is one.
func (d *Detector) take(s state, t event.Time, v float64) Verdict {
	v = max(-limitless, min(v, limitless))
	if s.w[wordCount] == 0 {
		s.begin(t, v)
		return Verdict{Expected: v}
	}
	x := v - s.float(wordOrigin)
	dt := float64(t - s.time(wordTime))
	s.w[wordCount]++
	s.pace(dt)
	season := s.season(t)
	if interval := s.float(wordInterval); dt > gap*interval && s.w[wordCount] > 8 {
		d.anchor(s, x, season)
	}
	var stat [channels]float64
	stat[jump] = math.Abs(x-s.float(wordValue)) / math.Sqrt(max(1, dt/s.float(wordInterval)))
	verdict := s.expect(season)
	s.follow(&stat, x, season, dt)
	stat[noise] = s.unrest(stat[jump], dt)
	stat[run] = d.repeat(s, x)
	d.judge(s, &stat, &verdict)
	for c := range run { // what run observes, repeat does
		if c < nearSeason || c == noise || s.w[wordSeason] != seasonNone {
			d.observe(s, c, stat[c])
		}
	}
	s.setFloat(wordValue, x)
	s.w[wordTime] = uint64(t)
	mode := s.learnSeason(t, dt, x)
	if (mode == seasonNone) != (s.w[wordSeason] == seasonNone) {
		s.wear(mode, t, x)
	}
	s.w[wordSeason] = mode
	return verdict
}

// begin makes the words those of a series with one sample.
func (s state) begin(t event.Time, v float64) {
	s.w[wordCount] = 1
	s.w[wordTime], s.w[wordFirst] = uint64(t), uint64(t)
	s.setFloat(wordOrigin, v)
	s.w[wordRun] = 1
}

// pace learns the mean time between samples; one distance counts for at most twice
// the mean, so that gaps do not stretch it.
func (s state) pace(dt float64) {
	interval := s.float(wordInterval)
	if interval == 0 {
		s.setFloat(wordInterval, dt)
		return
	}
	rate := max(1/float64(s.w[wordCount]), 1.0/64)
	s.setFloat(wordInterval, interval+rate*(min(dt, 2*interval)-interval))
}

// anchor takes the series up at x, as behind a gap.
func (d *Detector) anchor(s state, x, season float64) {
	if e := s.episode(); e.kind != None {
		d.end(s, e)
	}
	s.setFloat(wordValue, x)
	s.w[wordAnchor], s.w[wordAnchor+1] = s.w[wordCount]-1, s.w[wordCount]-1
	for i := range levels {
		s.setFloat(wordLevels+i, x)
		s.setFloat(wordLevels+levels+i, x-season)
	}
}

// wear begins the seasonal view anew, for the season begins or ends to be used.
func (s state) wear(mode uint64, t event.Time, x float64) {
	s.w[wordSeason] = mode
	x -= s.season(t)
	s.w[wordAnchor+1] = s.w[wordCount] - 1
	for i := range levels {
		s.setFloat(wordLevels+levels+i, x)
	}
	for c := nearSeason; c <= driftSeason; c++ {
		s.forget(c)
	}
}

// expect says what the next sample should be.
func (s state) expect(season float64) Verdict {
	v := Verdict{Warm: s.threshold(jump) > 0 && s.threshold(near) > 0}
	level, band := s.float(wordLevels), s.threshold(near)
	if s.w[wordSeason] != seasonNone && s.threshold(nearSeason) > 0 {
		level, band = s.float(wordLevels+levels)+season, s.threshold(nearSeason)
	}
	v.Expected, v.Band = s.float(wordOrigin)+level, band
	return v
}

// follow measures both views against their levels and moves the levels. These are
// exponential means over 8, 64 and 512 samples that weigh by time: one distance dt
// moves a level of n samples by dt/(dt+n*interval).
func (s state) follow(stat *[channels]float64, x, season, dt float64) {
	e := s.episode()
	limit := s.threshold(near)
	out := limit > 0 && math.Abs(x-s.float(wordLevels)) > limit
	if out {
		e.outside = min(e.outside+1, math.MaxUint16)
	} else {
		e.outside = 0
	}
	s.setEpisode(e)
	clip := limit
	if !out || e.outside > acceptAfter {
		clip = math.Inf(1)
	}
	for view, c := range [2]int{near, nearSeason} {
		at := wordLevels + view*levels
		y := x - season*float64(view)
		off := y - s.float(at)
		stat[c] = math.Abs(off)
		y = s.float(at) + max(-clip, min(off, clip))
		n, least := 8*s.float(wordInterval), 1/float64(s.w[wordCount]-s.w[wordAnchor+view]+1)
		for i := range levels {
			s.meet(at+i, y, max(dt/(dt+n), least))
			n *= 8
		}
		stat[c+1] = math.Abs(s.float(at) - s.float(at+1))
		stat[c+2] = math.Abs(s.float(at+1) - s.float(at+2))
	}
}

// unrest takes a step into the mean steps and returns how the newer compares to the
// older. One step counts for no more than the threshold of steps, and a tenth of the
// older mean stands under both, so that a series may rest without end. Of a series
// that is stuck nothing is learned.
func (s state) unrest(step, dt float64) float64 {
	if s.w[wordRun]&toldBit != 0 && step == 0 || s.episode().kind == Stuck {
		return 0
	}
	if limit := s.threshold(jump); limit > 0 {
		step = min(step, limit)
	}
	n, least := 64*s.float(wordInterval), 1/float64(s.w[wordCount]-s.w[wordAnchor]+1)
	s.meet(wordNoise, step, max(dt/(dt+n), least))
	s.meet(wordNoise+1, step, max(dt/(dt+8*n), least))
	newer, older := s.float(wordNoise), s.float(wordNoise+1)
	if older == 0 {
		return 0
	}
	return math.Abs(math.Log((min(newer/older, 1e9) + 0.1) / 1.1))
}

// repeat counts equal values in a row and returns the statistic of the run: how
// long the newest one is. What its channel observes are the runs that have ended.
func (d *Detector) repeat(s state, x float64) float64 {
	length := s.w[wordRun] &^ toldBit
	if step := math.Abs(x - s.float(wordValue)); step != 0 {
		d.observe(s, run, math.Log1p(float64(length)))
		s.w[wordRun] = 1
		if q := s.float(wordQuantum); q == 0 || step < q {
			s.setFloat(wordQuantum, step)
		}
		return 0
	}
	d.observe(s, run, 0)
	s.w[wordRun]++
	if s.w[wordRun]&toldBit != 0 || length < leastRun {
		return 0
	}
	return math.Log1p(float64(length + 1))
}

// judge compares each statistic with its threshold, and begins, carries on or ends
// an episode.
func (d *Detector) judge(s state, stat *[channels]float64, v *Verdict) {
	best, ratio := -1, 0.0
	raw := 0.0
	for c := range channels {
		limit := s.threshold(c)
		if limit == 0 {
			continue
		}
		// A value steps by a quantum at least: one step is no anomaly, and a
		// threshold between two steps is meant for the upper one.
		switch c {
		case run, noise:
		case jump, near, nearSeason:
			limit = max(limit+0.5*s.float(wordQuantum), 1.5*s.float(wordQuantum))
		default:
			limit = max(limit, s.float(wordQuantum))
		}
		r := stat[c] / limit
		if r > ratio {
			best, ratio = c, r
		}
		if c < nearSeason || c > driftSeason {
			raw = max(raw, r)
		}
	}
	v.Score = ratio / (1 + ratio)
	e := s.episode()
	kind := None
	if ratio > 1 {
		kind = kindOf(best, raw > 1)
	}
	switch {
	case e.kind == None && kind != None:
		e = episode{kind: kind, outside: e.outside}
		v.Alarm, v.Kind = true, kind
		s.setEpisode(e)
	case e.kind != None:
		e.kind = max(e.kind, kind)
		v.Kind = e.kind
		e.age++
		e.calm++
		if ratio > calmBelow {
			e.calm = 0
		}
		s.setEpisode(e)
		if e.calm >= calmFor || e.age >= adoptedAt {
			d.end(s, e)
		}
	}
}

// kindOf names the anomaly of a channel; raw says that the series is unusual
// whatever the hour.
func kindOf(c int, raw bool) Kind {
	switch c {
	case jump, near:
		return Spike
	case shift:
		return LevelShift
	case drift:
		return Drift
	case noise:
		return Noise
	case run:
		return Stuck
	}
	if !raw {
		return Seasonal
	}
	return [...]Kind{Spike, LevelShift, Drift}[c-nearSeason]
}
