package operators

import "github.com/weirstream/weir/event"

// DedupeTimes is how many event times DedupeTime remembers of a series. They
// take DedupeTimeCells cells of DedupeWords 64-bit words.
const (
	DedupeTimes     = DedupeTimeCells*DedupeWords - 1
	DedupeTimeCells = 8
)

// Row is the cells of one series, one after the other. A cell that is written is
// journaled: a series is made of several so that a reading costs the journal two
// of them, as a rule, and not all.
type Row interface {
	// Words are all words, to be read only. What is written shows in them.
	Words() []uint64
	// Write is the words of one cell, for writing until the next call.
	Write(cell int) []uint64
}

// DedupeTime tells repeated readings of a series from new ones by event time
// alone, for devices that do not number what they send: a duplicate has the time
// of one of the 63 latest readings. It is exact for these, in whatever order
// they came. Further back everything passes for new: a backlog that is sent
// twice counts twice, and none of it is lost.
type DedupeTime struct {
	// Remember is how far behind the greatest time, in milliseconds, a reading
	// may lie and be remembered; 0 is without bound.
	Remember event.Time
}

// The words of a series: one that says where the times are, then a ring of them.
// Counted from the oldest they ascend, and no time is there twice. The ring has
// turned only where it is full. A reading that is the newest, as nearly all are,
// takes the place of the oldest; another moves those on the shorter side of it.
const (
	ringCountBits = 8 // of word 0: how many times there are; above them the place of the oldest
	ringCountMask = 1<<ringCountBits - 1
)

// ring is the words of a series taken apart.
type ring struct {
	times  []uint64
	count  int
	oldest int // index of the oldest in times
}

func ringOf(w []uint64) ring {
	return ring{
		times:  w[1 : 1+DedupeTimes],
		count:  min(int(w[0]&ringCountMask), DedupeTimes),
		oldest: int(w[0]>>ringCountBits) % DedupeTimes,
	}
}

// slot is where the i-th time counted from the oldest is, for i from 0 to DedupeTimes.
func (r *ring) slot(i int) int {
	if i += r.oldest; i >= DedupeTimes {
		i -= DedupeTimes
	}
	return i
}

func (r *ring) at(i int) event.Time { return event.Time(r.times[r.slot(i)]) }

// find is how many times are less than t, and whether t is the next.
func (r *ring) find(t event.Time) (int, bool) {
	if r.count == 0 || r.at(r.count-1) < t {
		return r.count, false
	}
	low, high := 0, r.count-1
	for low < high {
		if middle := (low + high) / 2; r.at(middle) < t {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, r.at(low) == t
}

// Judge says whether a reading of that time was seen before. w is the words of a
// Row, is not changed, and is all zero for a series nothing was heard from; t is
// at least 0.
func (d DedupeTime) Judge(w []uint64, t event.Time) Verdict {
	r := ringOf(w)
	before, seen := r.find(t)
	switch {
	case seen:
		return Duplicate
	case d.forgets(&r, before, t):
		return TooOld
	}
	return New
}

// Mark records the time of a reading that Judge calls New; any other changes
// nothing.
func (d DedupeTime) Mark(row Row, t event.Time) {
	r := ringOf(row.Words())
	before, seen := r.find(t)
	if seen || d.forgets(&r, before, t) {
		return
	}
	r.insert(row, before, t)
	row.Write(0)[0] = uint64(r.count) | uint64(r.oldest)<<ringCountBits
}

// forgets reports whether t, which is not there, is too old to be remembered.
func (d DedupeTime) forgets(r *ring, before int, t event.Time) bool {
	if before == 0 && r.count == DedupeTimes {
		return true
	}
	return d.Remember > 0 && before < r.count && t < r.at(r.count-1)-d.Remember
}

// insert puts t behind as many times. Where the ring is full the oldest leaves it.
func (r *ring) insert(row Row, before int, t event.Time) {
	to := pen{row: row, cell: -1}
	switch {
	case r.count < DedupeTimes:
		r.count++
	case before <= DedupeTimes/2:
		before--
		for i := range before {
			to.write(r.slot(i), r.times[r.slot(i+1)])
		}
		to.write(r.slot(before), uint64(t))
		return
	default:
		r.oldest = r.slot(1)
		before--
	}
	for i := r.count - 1; i > before; i-- {
		to.write(r.slot(i), r.times[r.slot(i-1)])
	}
	to.write(r.slot(before), uint64(t))
}

// pen writes the times of a row and asks for each cell once, where they lie
// beside each other.
type pen struct {
	row   Row
	cell  int
	words []uint64
}

func (p *pen) write(slot int, t uint64) {
	at := slot + 1 // behind the word that says where the times are
	if cell := at / DedupeWords; cell != p.cell {
		p.cell, p.words = cell, p.row.Write(cell)
	}
	p.words[at%DedupeWords] = t
}
