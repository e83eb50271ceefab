package operators

import "github.com/weirstream/weir/event"

// Verdict is what Dedupe makes of a reading.
type Verdict uint8

// The verdicts.
const (
	New       Verdict = iota // not seen before: Mark it
	Duplicate                // seen before
	TooOld                   // older than what is remembered: not judged, to be treated as new
)

// DedupeWords is how many 64-bit words Dedupe keeps for a series: one cache line.
const DedupeWords = 8

// Dedupe tells repeated readings of a series from new ones by the device's own
// sequence number: a duplicate has the seq and the event time of a reading seen
// before.
//
// It relies on seq and event time growing together while the device's counter
// runs, and on the counter starting again, lower, at a later time than any
// before: that is a new run. Under this it is exact for
//   - readings up to 63 numbers behind the greatest of the run, in any order;
//   - repeats of anything seen in this run and in the run before;
//   - live readings sent before a backlog: a jump in the numbers leaves a gap,
//     which may be filled any time later, upwards (up to 63 numbers out of
//     order) or downwards (in order); what the device has lost may be missing;
//   - a backlog of the run before, in order.
//
// One gap is kept: the newest of more than 63 numbers, or else the longest. A new
// reading is taken for a duplicate where it comes more than 63 numbers behind
// and is not in that gap, or where the gap is being filled from further on; and
// where it belongs to the run before and that has come past it. A duplicate is
// taken for new where it is of a run longer ago than the one before and its
// number is beyond that one's, or where the counter went back and time did not.
type Dedupe struct {
	// Remember is how far behind the newest reading of the run, in
	// milliseconds, a reading may lie and still be judged; 0 is without bound.
	Remember event.Time
}

// history is a series' words by name. Numbers are seq+1, so that 0 is none.
//
// Live readings and the backlog each have a place up to which they have come and
// a mask of the 64 numbers up to it: bit i is that of the i-th below. Between
// the two lies the gap, none of which has been seen. Every other number counts
// as seen.
type history struct {
	newest   uint64 // greatest number of the run
	mask     uint64
	backlog  uint64 // below the gap
	backMask uint64
	gapEnd   uint64 // above the gap; 0 where there is none
	maxTime  event.Time

	// Of the run before, where there is one, and where this one was first heard.
	before   uint64 // greatest number; 0 where there is none
	lastTime event.Time
	runStart event.Time
}

// Times fit 43 bits for 278 years from the epoch. The start of the run is kept as
// its distance from the last time of the run before, in the 21 bits left above
// each of the other two.
const (
	timeBits = 43
	timeMask = 1<<timeBits - 1
	restBits = 64 - timeBits
	restMask = 1<<restBits - 1
)

func load(w []uint64) history {
	_ = w[DedupeWords-1]
	lastTime := event.Time(w[6] & timeMask)
	return history{
		newest: w[0], mask: w[1], backlog: w[2], backMask: w[3], gapEnd: w[4],
		maxTime: event.Time(w[5] & timeMask), before: w[7],
		lastTime: lastTime, runStart: lastTime + event.Time(w[5]>>timeBits|w[6]>>timeBits<<restBits),
	}
}

func (h history) store(w []uint64) {
	_ = w[DedupeWords-1]
	w[0], w[1], w[2], w[3], w[4], w[7] = h.newest, h.mask, h.backlog, h.backMask, h.gapEnd, h.before
	apart := uint64(h.runStart - h.lastTime)
	w[5] = uint64(h.maxTime) | apart&restMask<<timeBits
	w[6] = uint64(h.lastTime) | apart>>restBits<<timeBits
}

// place is where a reading belongs.
type place uint8

const (
	tooOld    place = iota
	seen            // it is a duplicate
	unseen          // in this run, not beyond its newest
	ahead           // in this run, beyond its newest
	newRun          // the counter has started again
	runBefore       // in the run before, beyond its newest
)

// Judge says whether the reading was seen before. w has DedupeWords words, is
// not changed, and is all zero for a series nothing was heard from; seq is at
// least 0.
func (d Dedupe) Judge(w []uint64, seq int64, t event.Time) Verdict {
	h := load(w)
	switch d.find(&h, uint64(seq)+1, t) {
	case tooOld:
		return TooOld
	case seen:
		return Duplicate
	}
	return New
}

// Mark records a reading that Judge calls New; any other changes nothing.
func (d Dedupe) Mark(w []uint64, seq int64, t event.Time) {
	h, n := load(w), uint64(seq)+1
	switch d.find(&h, n, t) {
	case tooOld, seen:
		return
	case runBefore:
		h.before, h.lastTime = n, max(h.lastTime, t)
		h.store(w)
		return
	case newRun:
		h = history{before: h.newest, lastTime: h.maxTime, runStart: t}
		h.advance(n)
	case ahead:
		h.advance(n)
	case unseen:
		h.fill(n)
	}
	h.maxTime = max(h.maxTime, t)
	h.store(w)
}

func (d Dedupe) find(h *history, n uint64, t event.Time) place {
	switch {
	case h.newest == 0:
		return ahead
	case d.Remember > 0 && t < h.maxTime-d.Remember:
		return tooOld
	case h.before != 0 && t < h.runStart && n > h.before:
		return runBefore
	case h.before != 0 && t <= h.lastTime:
		return seen
	case n > h.newest:
		return ahead
	case t > h.maxTime:
		return newRun
	case h.saw(n):
		return seen
	}
	return unseen
}

// saw reports whether n, not beyond the newest, counts as seen.
func (h *history) saw(n uint64) bool {
	switch {
	case h.newest-n < 64:
		return h.mask>>(h.newest-n)&1 != 0
	case n >= h.gapEnd:
		return true
	case n > h.backlog:
		return false
	}
	return h.backlog-n >= 64 || h.backMask>>(h.backlog-n)&1 != 0
}

// advance makes n, beyond the newest, the newest.
func (h *history) advance(n uint64) {
	jump := n - h.newest
	if jump > 64 || jump > 1 && jump >= h.gap() {
		h.backlog, h.backMask, h.gapEnd = h.newest, h.mask, n
	}
	h.mask = h.mask<<jump | 1 // a shift of 64 and more leaves nothing
	h.newest = n
}

// gap is one more than the numbers in the gap, or 0 where none was ever opened.
func (h *history) gap() uint64 { return h.gapEnd - h.backlog }

// fill records n, unseen and not beyond the newest. Where it is both near the
// newest and at the gap it is recorded in both places, since the mask moves on.
//
// The gap shrinks from the side that n is near to. Far from both it shrinks from
// below: the device has lost the oldest of its backlog. So a wrong guess, at its
// upper end, costs 63 readings at most.
func (h *history) fill(n uint64) {
	if h.newest-n < 64 {
		h.mask |= 1 << (h.newest - n)
	}
	switch {
	case n >= h.gapEnd:
	case n <= h.backlog:
		if h.backlog-n < 64 {
			h.backMask |= 1 << (h.backlog - n)
		}
	case n-h.backlog > 64 && h.gapEnd-n <= 64:
		h.gapEnd = n
	default:
		h.backMask = h.backMask<<(n-h.backlog) | 1
		h.backlog = n
	}
}
