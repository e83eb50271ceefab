package statestore

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Slot is the dense number of a device in its task. Slots are reused: a slot
// means a device only while Table.Live says so.
type Slot uint32

// MaxSlots bounds the devices of one task. A record or page beyond it is
// refused as damaged rather than answered with gigabytes of memory.
const MaxSlots = 1 << 26

// The bounds of a layout. They keep one cell well inside one journal part, and
// one row well inside what a local store takes as one value (Badger: 32 MiB).
const (
	MaxCells    = 32768    // cells of a device over all columns
	MaxWords    = 4096     // words of one cell
	MaxRowBytes = 24 << 20 // of a device in one column
)

// Column is one family of cells: every device has Cells cells of Words 64-bit
// words each. A cell is the unit the journal carries.
type Column struct {
	Name  string
	Cells int // in [1, MaxCells]
	Words int // in [1, MaxWords]
}

// Layout says what a device's state is made of. It may have no column at all:
// a task that only counts.
type Layout struct {
	Columns []Column
	// Remarks are what else there is to know of the state for who reads it under
	// another layout: none twice, none empty. They take no room in a device.
	Remarks []string
}

// Cells is the number of cells of a device: those of all columns and one for
// its name, which is cell 0.
func (l Layout) Cells() int {
	n := 1
	for _, c := range l.Columns {
		n += c.Cells
	}
	return n
}

// RowBytes is the length of a device's rows in all columns.
func (l Layout) RowBytes() (n int) {
	for _, c := range l.Columns {
		n += 8 * c.Cells * c.Words
	}
	return n
}

// Long reports whether a column's rows are so long that fewer than PageSlots of them
// share a page.
func (l Layout) Long() bool {
	for _, c := range l.Columns {
		if shiftOf(c.Cells*c.Words) < pageShift {
			return true
		}
	}
	return false
}

// Fingerprint tells layouts apart: state written under one cannot be read
// under another. It covers names, cells, words and order of the columns, how many
// rows share a page, and the remarks.
func (l Layout) Fingerprint() uint64 {
	var b []byte
	for _, c := range l.Columns {
		b = binary.AppendUvarint(b, uint64(len(c.Name)))
		b = append(b, c.Name...)
		b = binary.AppendUvarint(b, uint64(c.Cells))
		b = binary.AppendUvarint(b, uint64(c.Words))
		b = append(b, shiftOf(c.Cells*c.Words))
	}
	for _, r := range l.Remarks {
		b = binary.AppendUvarint(b, uint64(len(r)))
		b = append(b, r...)
		b = append(b, 0, 0)
	}
	return xxhash.Sum64(b)
}

// Validate says what is wrong with the layout, naming the column.
func (l Layout) Validate() error {
	seen := make(map[string]bool, len(l.Columns))
	for i, c := range l.Columns {
		switch {
		case c.Name == "":
			return fmt.Errorf("columns[%d]: the name is empty", i)
		case seen[c.Name]:
			return fmt.Errorf("columns[%d]: the name %q appears twice", i, c.Name)
		case c.Cells < 1 || c.Cells > MaxCells:
			return fmt.Errorf("column %q: cells=%d must be in [1, %d]", c.Name, c.Cells, MaxCells)
		case c.Words < 1 || c.Words > MaxWords:
			return fmt.Errorf("column %q: words=%d must be in [1, %d]", c.Name, c.Words, MaxWords)
		case c.Cells*c.Words > MaxRowBytes/8:
			return fmt.Errorf("column %q: %d cells of %d words are %d MiB a device, more than %d",
				c.Name, c.Cells, c.Words, c.Cells*c.Words>>17, MaxRowBytes>>20)
		}
		seen[c.Name] = true
	}
	for i, r := range l.Remarks {
		if r == "" || seen[r] {
			return fmt.Errorf("remarks[%d]: %q is empty or appears twice", i, r)
		}
		seen[r] = true
	}
	if n := l.Cells(); n > MaxCells {
		return fmt.Errorf("layout: %d cells a device, with the name, are more than %d", n, MaxCells)
	}
	return nil
}
