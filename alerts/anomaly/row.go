package anomaly

import "github.com/weirstream/weir/event"

// The words of a series lie in cells of one length, for a caller who keeps apart
// what changes: every sample changes the first cell, and one in three on the mean
// one of the others.
const (
	cellWords = 66
	cells     = words / cellWords
)

// These do not compile where a cell does not hold what every sample changes, or the
// words are not whole cells.
const (
	_ = uint(cellWords - hotWords)
	_ = uint(-(words % cellWords))
)

// Row is the cells of one series, kept by the caller.
type Row interface {
	// Words are the words of all cells, one cell after the other.
	Words() []uint64
	// Write says that a cell is about to change, and returns its words; the change
	// shows in Words.
	Write(cell int) []uint64
}

// Words returns how many 64-bit words the state of one series takes.
func (*Detector) Words() int { return words }

// Cells returns how many cells these are, and CellWords how long each is.
func (*Detector) Cells() int { return cells }

// CellWords returns the length of a cell in words.
func (*Detector) CellWords() int { return cellWords }

// HotWords returns how many of the words, from the first on, a sample may change.
// Behind the first cell it changes a few once in a while.
func (*Detector) HotWords() int { return hotWords }

// Fold is Step for a series that lies in cells: it says of each cell, before it
// changes, that it does. It reports whether the sample was taken; one that was not
// changes nothing.
func (d *Detector) Fold(r Row, t event.Time, v float64) (verdict Verdict, taken bool) {
	w := r.Words()
	if !d.Takes(w, t, v) {
		return Verdict{}, false
	}
	r.Write(0)
	return d.take(state{w: (*[words]uint64)(w), row: r}, t, v), true
}

// View is a series for a person to look at.
type View struct {
	Samples uint64     // taken so far
	Last    event.Time // of the newest; 0 where there is none
	Warm    bool       // single values are judged
	Kind    Kind       // of the anomaly that lasts; None outside of one
}

// View reads the words of a series without changing them.
func (*Detector) View(w []uint64) View {
	s := state{w: (*[words]uint64)(w)}
	return View{Samples: s.w[wordCount], Last: s.time(wordTime), Warm: s.expect(0).Warm, Kind: s.episode().kind}
}

// Samples after which the kinds of anomaly are judged, counted from the first.
const (
	SpikesAfter = 16 * warmAt  // spikes; shifts of the season, once there is one
	ShiftsAfter = 32 * warmAt  // level shifts
	StuckAfter  = 64 * warmAt  // stuck values, or later: in blocks in which the value changed
	DriftsAfter = 128 * warmAt // drifts and noise
)

// Samples that end an anomaly: so many calm ones in a row, or so many in all.
const (
	CalmFor   = calmFor
	AdoptedAt = adoptedAt
)

// SeriesBytes is the size of the words of one series.
const SeriesBytes = 8 * words
