package window

import "github.com/weirstream/weir/event"

// A session's cell:
//
//	word 0   start: the time of its first reading
//	word 1   the time of its last reading; end is that + gap
//	word 2   count (32 bits) | revision, digest, times reopened (8 bits each) | touched | free
//	word 3   its end when it was last emitted while open, or when it closed and was reopened; 0: neither
//	then     the aggregates' words
//
// A cell whose session is gone by the clock is stale and counts as empty, so that nothing need be written for a session to go. One whose session was
// swallowed is marked free instead of being zeroed: cells that were never used then come after all others, and a search ends at the first of them.
const (
	sessionWords  = 4
	sessionCount  = 1<<32 - 1
	revisionShift = 32
	digestShift   = 40
	reopenedShift = 48
	sessionTouch  = 1 << 56 // a reading was folded since the last provisional emission
	sessionFree   = 1 << 57
)

// sessionCell is the words of one session.
type sessionCell []uint64

func (c sessionCell) start() event.Time   { return event.Time(c[0]) }
func (c sessionCell) last() event.Time    { return event.Time(c[1]) }
func (c sessionCell) count() uint64       { return c[2] & sessionCount }
func (c sessionCell) emitted() event.Time { return event.Time(c[3]) }
func (c sessionCell) reopened() int       { return int(uint8(c[2] >> reopenedShift)) }

func (c sessionCell) mark() mark {
	return mark{revision: uint8(c[2] >> revisionShift), digest: uint8(c[2] >> digestShift)}
}

func (c sessionCell) setMark(m mark) {
	c[2] = c[2]&^(0xffff<<revisionShift) | uint64(m.revision)<<revisionShift | uint64(m.digest)<<digestShift
}

// grow counts n readings more; the count stays at its greatest value.
func (c sessionCell) grow(n uint64) {
	c[2] = c[2]&^sessionCount | min(c.count()+n, sessionCount) | sessionTouch
}

// reopen counts that the session, which had closed, is open again.
func (c sessionCell) reopen() {
	if c.reopened() < maxRevision {
		c[2] += 1 << reopenedShift
	}
}
