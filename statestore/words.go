package statestore

import (
	"encoding/binary"
	"math/bits"
)

// Words in the journal are written in pairs: one byte holds a code of four
// bits for each, then follow the bytes the codes ask for. Code 0 is the word
// 0; 1 to 8 is a word of that many low bytes (counters, times, small sums); 9
// to 15 is a word of code-8 high bytes whose low bytes are zero, which is what
// float64 values with few digits look like.

// maxPair is the most bytes two words take.
const maxPair = 1 + 2*8

// wordsSize bounds the encoded size of n words.
func wordsSize(n int) int { return (n + 1) / 2 * maxPair }

// putWord writes w at b, which has room for 8 bytes, and gives its code and
// the number of bytes that count.
func putWord(b []byte, w uint64) (code byte, n int) {
	if w == 0 {
		return 0, 0
	}
	low := (bits.Len64(w) + 7) >> 3
	skip := bits.TrailingZeros64(w) >> 3
	if high := 8 - skip; high < low {
		binary.LittleEndian.PutUint64(b, w>>(skip<<3))
		return byte(high + 8), high
	}
	binary.LittleEndian.PutUint64(b, w)
	return byte(low), low
}

// appendWords appends the encoding of words. The slice grows by whole bounds,
// so the loop writes without checks for room.
func appendWords(b []byte, words []uint64) []byte {
	at := len(b)
	b = room(b, wordsSize(len(words))+8)
	for len(words) >= 2 {
		head := at
		at++
		low, n := putWord(b[at:], words[0])
		at += n
		high, n := putWord(b[at:], words[1])
		at += n
		b[head] = low | high<<4
		words = words[2:]
	}
	if len(words) == 1 {
		code, n := putWord(b[at+1:], words[0])
		b[at] = code
		at += 1 + n
	}
	return b[:at]
}

// room lengthens b by n bytes of any content.
func room(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		grown := make([]byte, len(b), 2*cap(b)+n)
		copy(grown, b)
		b = grown
	}
	return b[:len(b)+n]
}

// getWord reads the word of a code from b, false where b is too short. The
// caller passes bytes beyond the word where there are any: eight at once are
// read and masked.
func getWord(b []byte, code byte) (w uint64, n int, ok bool) {
	if code == 0 {
		return 0, 0, true
	}
	n, shift := int(code), 0
	if code > 8 {
		n = int(code) - 8
		shift = (8 - n) << 3
	}
	if len(b) >= 8 {
		w = binary.LittleEndian.Uint64(b) & (^uint64(0) >> ((8 - n) << 3))
		return w << shift, n, true
	}
	if len(b) < n {
		return 0, 0, false
	}
	for i := n - 1; i >= 0; i-- {
		w = w<<8 | uint64(b[i])
	}
	return w << shift, n, true
}

// readWords fills words and gives the rest of b.
func readWords(b []byte, words []uint64) (rest []byte, ok bool) {
	// A whole pair and the eight bytes read at once with its last word: no need
	// to look at how much is left.
	for len(words) >= 2 && len(b) >= maxPair+8 {
		codes := b[0]
		w, n := fastWord(b[1:9], codes&15)
		words[0] = w
		b = b[1+n:]
		w, n = fastWord(b[:8], codes>>4)
		words[1] = w
		b = b[n:]
		words = words[2:]
	}
	for len(words) > 0 {
		if len(b) == 0 {
			return nil, false
		}
		codes := b[0]
		b = b[1:]
		w, n, ok := getWord(b, codes&15)
		if !ok {
			return nil, false
		}
		words[0], b = w, b[n:]
		if len(words) == 1 {
			return b, codes>>4 == 0
		}
		w, n, ok = getWord(b, codes>>4)
		if !ok {
			return nil, false
		}
		words[1], b = w, b[n:]
		words = words[2:]
	}
	return b, true
}

// fastWord is getWord where there are eight bytes. Codes follow no pattern, so
// it has no branch but the one the compiler turns into a conditional move.
func fastWord(b []byte, code byte) (w uint64, n int) {
	n, shift := int(code), 0
	if code > 8 {
		n = int(code) - 8
		shift = (16 - int(code)) << 3
	}
	return (binary.LittleEndian.Uint64(b) & (uint64(1)<<(n<<3) - 1)) << (shift & 63), n
}
