package window

import "fmt"

// A pane's cell:
//
//	word 0   pane number + paneBias (48 bits) | revision and digest of window 2
//	word 1   count (31 bits), touched (1 bit) | the same of window 0 | of window 1
//	then     the aggregates' words
//
// A window's revision and digest (8 bits each) are kept in the pane it begins
// with, which may hold no reading. They are there rather than in the pane it
// ends with because the ring then need not reach a window's length into the
// future. A cell that holds another pane's number is stale and counts as empty.
const (
	paneWords   = 2
	maxWindows  = 3
	paneBias    = 1 << 20 // > maxPanes: windows of the first readings after the epoch begin before it
	numberMask  = 1<<48 - 1
	countMask   = 1<<31 - 1
	touchedBit  = 1 << 31 // a reading was folded since the last provisional emission
	maxRevision = 255
)

// mark is what is kept of a window's emissions.
type mark struct {
	revision uint8
	digest   uint8
}

func paneNumber(cell []uint64) int64 { return int64(cell[0]&numberMask) - paneBias }

// claim makes the cell that of pane p, emptying it if it was an older one's. That
// it is a newer one's means that the caller has folded a reading that was late, or
// has a ring too short.
func claim(cell []uint64, p int64) {
	held := paneNumber(cell)
	if held == p {
		return
	}
	if held > p {
		panic(fmt.Sprintf("window ring: pane %d would displace the newer pane %d", p, held))
	}
	clear(cell)
	cell[0] = uint64(p + paneBias)
}

// markPlace is the word and the lowest bit of a window's mark.
func markPlace(window int) (word, shift int) {
	if window == 2 {
		return 0, 48
	}
	return 1, 32 + 16*window
}

func loadMark(cell []uint64, window int) mark {
	word, shift := markPlace(window)
	bits := cell[word] >> shift
	return mark{revision: uint8(bits), digest: uint8(bits >> 8)}
}

func storeMark(cell []uint64, window int, m mark) {
	word, shift := markPlace(window)
	bits := uint64(m.revision) | uint64(m.digest)<<8
	cell[word] = cell[word]&^(0xffff<<shift) | bits<<shift
}
