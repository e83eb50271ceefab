package anomaly

// An episode is one anomaly, from the sample that alarms to the one after which the
// series is calm, or its new ways are taken for the ordinary ones. In between nothing
// alarms. Its word is 8 bits kind, 16 bits samples since its start, 16 bits calm
// samples in a row, 16 bits samples outside the band in a row.
type episode struct {
	kind    Kind
	age     uint16
	calm    uint16
	outside uint16
}

const (
	calmFor   = 16  // samples that end an episode
	adoptedAt = 128 // samples after which what is new is ordinary
	calmBelow = 0.8 // of a threshold
	// acceptAfter is the samples in a row outside the band after which they count in
	// full for the levels; until then each counts as the edge of the band.
	acceptAfter = 4
)

func (s state) anomalous() bool { return uint8(s.w[wordEpisode]) != 0 }

func (s state) episode() episode {
	w := s.w[wordEpisode]
	return episode{Kind(w), uint16(w >> 8), uint16(w >> 24), uint16(w >> 40)}
}

func (s state) setEpisode(e episode) {
	s.w[wordEpisode] = uint64(e.kind) | uint64(e.age)<<8 | uint64(e.calm)<<24 | uint64(e.outside)<<40
}

// end closes an episode: what exceeded a threshold goes into the rings, so that a
// series that does the same again and again stops alarming, and the levels of a
// series that stays where it is are moved there.
func (d *Detector) end(s state, e episode) {
	kind := e.kind
	e.kind = None
	s.setEpisode(e)
	for c := range channels {
		if limit := s.threshold(c); limit > 0 && s.float(channelWord(c)+channelMax) > limit {
			d.closeBlock(s, c)
		}
	}
	switch {
	case kind == Noise:
		s.setFloat(wordNoise+1, s.float(wordNoise))
	case kind != Spike && kind != Stuck, e.calm < calmFor:
		s.settle()
	}
	if kind == Stuck && e.calm < calmFor { // it is stuck still, and that is said
		s.w[wordRun] |= toldBit
	}
}

// settle takes where the series is now for its level. The level of 8 has seen about
// 16 samples; the longer ones go on from there with the weights of that age, or its
// noise would look like a drift for long. Under a season the raw levels swing with
// the hour: they move as far as those of the seasonal view do, and keep their swing.
func (s state) settle() {
	raw, seasonal := wordLevels, wordLevels+levels
	began := s.w[wordCount] - min(16, s.w[wordCount])
	for i := 1; i < levels; i++ {
		if s.w[wordSeason] == seasonNone {
			s.setFloat(raw+i, s.float(raw))
		} else {
			s.setFloat(raw+i, s.float(raw+i)+s.float(seasonal)-s.float(seasonal+i))
		}
		s.setFloat(seasonal+i, s.float(seasonal))
	}
	s.setFloat(wordNoise+1, s.float(wordNoise))
	s.w[wordAnchor+1] = began
	if s.w[wordSeason] == seasonNone {
		s.w[wordAnchor] = began
	}
}
