package alerts

import (
	"math"
	"math/bits"

	"github.com/weirstream/weir/event"
)

// The words of one (rule, device). The header is, from the lowest bit: 2 bits
// state, 1 bit "a sample was seen", 4 bits level + 1, 15 bits latches, 8 bits
// marks, 34 bits number of the last event in the episode. A hold word is 0 while the hold does
// not run, else 1 + the milliseconds covered.
const (
	wordHeader = iota
	wordStart  // time of the first sample of the episode, in ok of the last one; 0 there: not known, as of versions that did not keep it
	wordLast   // time of the newest sample
	wordValue  // float bits of the newest sample's value
	wordMissed // time of the first sample of the recovery; with keep_firing only
	// then one word for each level with a hold, in order, from Rule.firstHold
)

const (
	stateMask   = 1<<2 - 1
	seenBit     = 1 << 2
	levelShift  = 3
	levelMask   = 1<<4 - 1
	latchShift  = 7
	latchMask   = 1<<MaxLevels - 1
	marksShift  = 22
	marksMask   = 1<<8 - 1
	numberShift = 30
	maxWords    = wordMissed + 1 + MaxLevels
	maxNumber   = 1<<34 - 1
)

// memory is the words of one (rule, device), taken apart; the holds stay in w.
//
// Invariants between two steps:
//  1. levels are latched in Firing and in no other state;
//  2. level is the highest latched one in Firing, the last that was in
//     Recovering, and -1 in OK and Pending;
//  3. holds run in Pending and Firing only, in Pending at least one, and none of
//     a latched level;
//  4. in every state but OK a sample was seen and an event was emitted.
type memory struct {
	state   State
	seen    bool
	level   int
	latched uint32
	marks   uint8
	number  int
	start   event.Time
	last    event.Time
	missed  event.Time
	value   float64
}

// load takes words apart. Words that no Step has written stay within the rule's
// levels, so that nothing panics; that a store is damaged its checksums find out,
// not the machine.
func (r *Rule) load(w []uint64) memory {
	h := w[wordHeader]
	m := memory{
		state:   State(h & stateMask),
		seen:    h&seenBit != 0,
		level:   min(int(h>>levelShift&levelMask)-1, len(r.levels)-1),
		latched: uint32(h>>latchShift&latchMask) & (1<<len(r.levels) - 1),
		marks:   uint8(h >> marksShift & marksMask),
		number:  int(h >> numberShift),
		start:   event.Time(w[wordStart]),
		last:    event.Time(w[wordLast]),
		value:   math.Float64frombits(w[wordValue]),
	}
	if m.state == OK || m.state == Pending {
		m.level = -1
	} else {
		m.level = max(m.level, 0)
	}
	if r.keepFiring > 0 {
		m.missed = event.Time(w[wordMissed])
	}
	return m
}

func (r *Rule) store(w []uint64, m memory) {
	h := uint64(m.state) | uint64(m.level+1)<<levelShift | uint64(m.latched)<<latchShift |
		uint64(m.marks)<<marksShift | uint64(m.number)<<numberShift
	if m.seen {
		h |= seenBit
	}
	w[wordHeader] = h
	w[wordStart] = uint64(m.start)
	w[wordLast] = uint64(m.last)
	w[wordValue] = math.Float64bits(m.value)
	if r.keepFiring > 0 {
		w[wordMissed] = uint64(m.missed)
	}
}

// takes reports whether a sample of time t comes in order: it is not older than the newest one, and two episodes never begin at one time.
func (m *memory) takes(t event.Time) bool {
	switch {
	case !m.seen || t > m.last:
		return true
	case t < m.last:
		return false
	}
	return m.state != OK || m.start != 0 && m.start < t
}

// top returns the highest latched level, -1 where none is.
func (m *memory) top() int { return bits.Len32(m.latched) - 1 }

// waiting returns the highest level whose hold runs, -1 where none does.
func (r *Rule) waiting(w []uint64) int {
	for i := len(r.levels) - 1; i >= 0; i-- {
		if s := r.levels[i].slot; s > 0 && w[s] != 0 {
			return i
		}
	}
	return -1
}

// stopHolds forgets the time that all running holds have counted.
func (r *Rule) stopHolds(w []uint64) { clear(w[r.firstHold:r.words]) }
