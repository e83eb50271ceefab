package statestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
)

// PageSlots is the number of consecutive slots that share a page of names, and
// a page of a column whose rows are short.
const PageSlots = 128

const (
	pageShift = 7
	// fullPage is how many words a page of several rows holds at the most, 128
	// KiB. A page is what memory drops, what a checkpoint copies before a write,
	// and one value in the local store: 128 rows of a window with percentiles over
	// hundreds of panes would be 48 MB.
	fullPage = 16 << 10
)

// shiftOf gives the binary logarithm of how many rows share a page: as many as
// fit, at most PageSlots, and a row longer than a page has one of its own. The
// layout alone decides it, so a page on disk means the same to every table.
func shiftOf(rowWords int) uint8 {
	shift := uint8(pageShift)
	for shift > 0 && rowWords<<shift > fullPage {
		shift--
	}
	return shift
}

// pageAt is the index of a slot's page.
func (c *column) pageAt(s Slot) uint32 { return uint32(s >> (c.shift & 31)) }

// rowAt is where a slot's row begins in its page, in words.
func (c *column) rowAt(s Slot) int { return int(s&(1<<(c.shift&31)-1)) * c.rowWords }

// pageShift is the binary logarithm of a page's slots, of names too.
func (t *Table) pageShift(col int32) uint8 {
	if col == NamesColumn {
		return pageShift
	}
	return t.cols[col].shift
}

// NamesColumn is the Column of the pages that hold device names.
const NamesColumn = int32(-1)

// PageID names a page: of a column whose pages hold n slots, those from Index*n
// on.
type PageID struct {
	Column int32 // index into Layout.Columns, or NamesColumn
	Index  uint32
}

// String is for messages.
func (id PageID) String() string {
	if id.Column == NamesColumn {
		return fmt.Sprintf("names/%d", id.Index)
	}
	return fmt.Sprintf("%d/%d", id.Column, id.Index)
}

// Image is a page as it is written to disk. Whoever receives one owns Data.
type Image struct {
	ID   PageID
	Data []byte
}

// Pager reads back pages that memory has dropped. The image is appended to
// dst; false means that the page was never written.
type Pager interface {
	ReadPage(id PageID, dst []byte) ([]byte, bool, error)
}

// PageError is the value a Table panics with when a page cannot be read back.
// Whoever runs the fold recovers it and drops the task: no half of a batch can
// be kept.
type PageError struct {
	ID  PageID
	Err error
}

// Error names the page.
func (e *PageError) Error() string { return fmt.Sprintf("read page %v: %v", e.ID, e.Err) }

// Unwrap gives the pager's error.
func (e *PageError) Unwrap() error { return e.Err }

// ErrDamaged marks bytes that are no page, record or snapshot of ours.
var ErrDamaged = errors.New("damaged")

const (
	namesVersion = 2
	pageVersion  = 3
)

// checksum is CRC-32C. MakeTable knows the polynomial: it makes the table once
// and leads to the processor's own instruction.
func checksum(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}

func appendChecksum(b []byte, from int) []byte {
	return binary.LittleEndian.AppendUint32(b, checksum(b[from:]))
}

// trimChecksum gives b without its checksum, or false where it is wrong.
func trimChecksum(b []byte) ([]byte, bool) {
	if len(b) < 4 {
		return nil, false
	}
	body := b[:len(b)-4]
	return body, checksum(body) == binary.LittleEndian.Uint32(b[len(body):])
}

// pageHead is the version and the number of words.
const pageHead = 5

// appendWordsPage appends the image of a page of words: for every eight words a
// byte of bits that says which of them are not zero, then those words. Zeros at
// its end are left out, so a page of forgotten devices costs a few bytes.
func appendWordsPage(b []byte, words []uint64) []byte {
	from := len(b)
	n, set := 0, 0
	for i, w := range words {
		if w != 0 {
			n, set = i+1, set+1
		}
	}
	if need := pageHead + (n+7)/8 + 8*set + 8; cap(b)-from < need {
		b = append(make([]byte, 0, from+need), b...) // pages waiting for the disk should be no larger than that
	}
	b = append(b, pageVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	masks := len(b)
	at := masks + (n+7)/8
	b = b[:at+8*set+8] // the last word, if it is zero, is written and not kept
	for group := 0; group < n; group += 8 {
		mask := 0
		for i, w := range words[group:min(group+8, n)] {
			binary.LittleEndian.PutUint64(b[at:], w)
			bit := 0
			if w != 0 {
				bit = 1
			}
			mask |= bit << i
			at += bit << 3
		}
		b[masks+group/8] = byte(mask)
	}
	return appendChecksum(b[:at], from)
}

// readWordsPage fills words, which holds a page, from an image of it.
func readWordsPage(image []byte, words []uint64) error {
	body, ok := trimChecksum(image)
	if !ok || len(body) < pageHead || body[0] != pageVersion {
		return fmt.Errorf("page image of %d bytes: %w", len(image), ErrDamaged)
	}
	n := int(binary.LittleEndian.Uint32(body[1:]))
	body = body[pageHead:]
	if n > len(words) || len(body) < (n+7)/8 {
		return fmt.Errorf("page image of %d words where %d fit: %w", n, len(words), ErrDamaged)
	}
	masks, body := body[:(n+7)/8], body[(n+7)/8:]
	set := 0
	for _, m := range masks {
		set += bits.OnesCount8(m)
	}
	if len(body) != 8*set || n%8 != 0 && masks[len(masks)-1]>>(n%8) != 0 {
		return fmt.Errorf("page image of %d words, %d bytes of them: %w", n, len(body), ErrDamaged)
	}
	for i, m := range masks {
		group := words[8*i : min(8*i+8, n)]
		switch {
		case m == 0xff:
			for k := range group {
				group[k] = binary.LittleEndian.Uint64(body[8*k:])
			}
			body = body[64:]
			continue
		case m == 0:
			clear(group)
			continue
		}
		for k := range group {
			if m>>k&1 == 0 {
				group[k] = 0
				continue
			}
			group[k] = binary.LittleEndian.Uint64(body)
			body = body[8:]
		}
	}
	clear(words[n:])
	return nil
}

// appendNamesPage appends the image of the page of names that begins at first.
func (n *names) appendPage(b []byte, first Slot) []byte {
	from := len(b)
	b = append(b, namesVersion)
	for i := first; i < first+PageSlots; i++ {
		if !n.live(i) {
			b = append(b, 0)
			continue
		}
		name := n.name(i)
		b = binary.AppendUvarint(b, uint64(len(name))+1)
		b = append(b, name...)
	}
	return appendChecksum(b, from)
}

// readPage takes names from an image of the page that begins at first.
func (n *names) readPage(image []byte, first Slot) error {
	body, ok := trimChecksum(image)
	if !ok || len(body) < 1 || body[0] != namesVersion {
		return fmt.Errorf("names image of %d bytes: %w", len(image), ErrDamaged)
	}
	body = body[1:]
	for i := first; i < first+PageSlots; i++ {
		size, k := binary.Uvarint(body)
		if k <= 0 || size > maxName+1 || uint64(len(body)-k)+1 < size {
			return fmt.Errorf("names image, slot %d: %w", i, ErrDamaged)
		}
		body = body[k:]
		if size == 0 {
			n.unset(i)
			continue
		}
		n.set(i, body[:size-1])
		body = body[size-1:]
	}
	if len(body) != 0 {
		return fmt.Errorf("names image: %d bytes too many: %w", len(body), ErrDamaged)
	}
	return nil
}
