package codec

import (
	"encoding/binary"
	"math/bits"
)

// The scanner looks at strings, dates and digits eight bytes at a time, as
// little-endian words whose lowest byte comes first in the text. The tests for
// a byte that is zero or less than n are those of Warren, Hacker's Delight,
// section 6-1: the lowest byte they mark is right; a borrow may mark others
// above it.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// load returns the first eight bytes of p, which must have as many.
func load(p []byte) uint64 {
	return binary.LittleEndian.Uint64(p)
}

// stops marks the first byte of w that ends a plain run of string characters: a
// quote, a backslash or a control character.
func stops(w uint64) uint64 {
	quote := w ^ '"'*lowBits
	slash := w ^ '\\'*lowBits
	return ((quote-lowBits)&^quote | (slash-lowBits)&^slash | (w-' '*lowBits)&^w) & highBits
}

// firstByte is the index of the lowest marked byte; 8 if none is.
func firstByte(mask uint64) int {
	return bits.TrailingZeros64(mask) >> 3
}

// prefix returns the first bytes of p, at most eight, padded with zeros. What
// lies behind p in its capacity may be read, and is masked away.
func prefix(p []byte) uint64 {
	n := len(p)
	if n >= 8 {
		return load(p)
	}
	if cap(p) >= 8 {
		return load(p[:8]) & (1<<(8*n) - 1)
	}
	var w uint64
	for k, c := range p {
		w |= uint64(c) << (8 * k)
	}
	return w
}
