package statestore

import (
	"fmt"
	"math/bits"
)

// Options of a Table. The zero value keeps everything in memory.
type Options struct {
	// MemoryBytes bounds ResidentBytes; 0 is no bound. Pages that a checkpoint
	// has saved are dropped beyond it, by Trim alone; names, index, masks
	// (about 40 bytes a device and its name, and two bits a cell) and pages not yet
	// saved stay and count.
	MemoryBytes int64
	// Pager reads dropped pages back; nil: nothing is ever dropped.
	Pager Pager
	// TaskWords is the number of words that belong to no device.
	TaskWords int
}

// page is one page of a column. A page of names has no words here.
type page struct {
	words []uint64 // nil: not resident
	state pageState
}

type pageState uint8

const (
	resident pageState = 1 << iota
	dirty              // written since the last checkpoint took it
	pending            // a checkpoint has yet to copy it
	held               // a checkpoint that has not ended saves it
	stored             // an image is on disk: what memory drops can be read back
	recent             // used since the clock hand of Trim passed
)

const writable = resident | dirty

type column struct {
	pages    []page
	rowWords int // words of a device
	words    int // words of a cell
	cells    int
	first    int   // number of the column's first cell
	shift    uint8 // a page is 1<<shift slots
}

// Table is the state of one task. It is not safe for concurrent use; only the
// Images it gives out may be used elsewhere.
type Table struct {
	options     Options
	layout      Layout
	fingerprint uint64
	cols        []column
	cellCount   int
	cellWords   []int   // by cell number
	cellColumn  []int32 // by cell number; cell 0 is the name

	names     names
	namePages []page
	task      []uint64

	maskWords  int
	changed    []uint64 // by slot, maskWords each: cells written since the last Seal
	journaled  []uint64 // by slot, maskWords each: cells journaled since the cycle began
	changedMap []uint64 // by slot, one bit: is there a changed cell
	drops      []Slot   // dropped since the last Seal
	dropMap    []uint64 // by slot, one bit: is it in drops

	before       before // the wide cells among the changed ones
	changedCells int
	changedBytes int

	commit     commit
	dirtyPages []PageID
	checkpoint *Checkpoint
	replaying  bool // names need not be indexed
	indexed    bool // and yet they are
	replayers  []*replayer
	formers    map[uint64]*former // by fingerprint
	aside      []aside

	stripeShift  int // usualStripe; smaller in tests
	refreshWhole int // see usualRefresh; smaller in tests

	pageBytes      int64 // of resident pages
	evictable      int   // pages Trim could drop
	evictableBytes int64 // of those
	hand           hand
	scratch        []scratchPage // by column, for refresh
	image          []byte        // the last page read back
	encoder        encoder
	broken         broken
}

// NewTable makes an empty table. Until Restore or the first Apply it is the
// state before record 1.
func NewTable(l Layout, o Options) (*Table, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	if o.TaskWords < 0 || o.MemoryBytes < 0 {
		return nil, fmt.Errorf("table: task words %d and memory %d must not be negative", o.TaskWords, o.MemoryBytes)
	}
	t := &Table{
		options:      o,
		layout:       Layout{Columns: append([]Column(nil), l.Columns...)},
		fingerprint:  l.Fingerprint(),
		cellCount:    l.Cells(),
		cellWords:    []int{0},
		cellColumn:   []int32{NamesColumn},
		task:         make([]uint64, o.TaskWords),
		commit:       newCommit(o.TaskWords),
		scratch:      make([]scratchPage, len(l.Columns)),
		stripeShift:  usualStripe,
		refreshWhole: usualRefresh,
	}
	for i, c := range l.Columns {
		t.cols = append(t.cols, column{rowWords: c.Cells * c.Words, words: c.Words, cells: c.Cells, first: len(t.cellWords), shift: shiftOf(c.Cells * c.Words)})
		for range c.Cells {
			t.cellWords = append(t.cellWords, c.Words)
			t.cellColumn = append(t.cellColumn, int32(i))
		}
	}
	t.maskWords = (t.cellCount + 63) / 64
	return t, nil
}

// grow makes room for slot s, by whole pages.
func (t *Table) grow(s Slot) {
	if s < t.names.bound() {
		return
	}
	if s >= MaxSlots {
		panic(fmt.Sprintf("statestore: slot %d is beyond %d devices a task", s, MaxSlots))
	}
	bound := (s>>pageShift + 1) << pageShift
	missing := int(bound - t.names.bound())
	t.names.grow(bound)
	t.namePages = append(t.namePages, make([]page, missing>>pageShift)...)
	for i := range t.cols {
		c := &t.cols[i]
		c.pages = append(c.pages, make([]page, missing>>c.shift)...)
	}
	t.changed = append(t.changed, make([]uint64, missing*t.maskWords)...)
	t.journaled = append(t.journaled, make([]uint64, missing*t.maskWords)...)
	t.changedMap = append(t.changedMap, make([]uint64, missing>>6)...)
	t.dropMap = append(t.dropMap, make([]uint64, missing>>6)...)
}

// Lookup finds a device by name.
func (t *Table) Lookup(name []byte) (Slot, bool) { return t.names.lookup(name) }

// Hash is what FindHashed and TouchNames know a name by.
func Hash(name []byte) uint64 { return hashName(name) }

// FindHashed is Lookup for a name with its Hash.
func (t *Table) FindHashed(h uint64, name []byte) (Slot, bool) { return t.names.find(h, name) }

// TouchNames reads what finding names with these hashes will read. It does so step by step for all of them, so that each step waits for memory
// once and not once for each name.
func (t *Table) TouchNames(hashes []uint64) uint64 {
	var x uint64
	for steps := 1; steps <= 3; steps++ {
		for _, h := range hashes {
			x ^= t.names.touch(h, steps)
		}
	}
	return x
}

// Add gives a new device the lowest free slot; its cells are zero. The name,
// at most 65,535 bytes, is copied. The device must not be known yet.
func (t *Table) Add(name []byte) Slot {
	if len(name) > maxName {
		panic(fmt.Sprintf("statestore: a name of %d bytes is too long", len(name)))
	}
	s := t.names.vacant()
	t.grow(s)
	t.writeNames(s)
	t.names.set(s, name)
	t.names.link(s)
	t.mark(s, 0)
	return s
}

// Drop forgets a device: one operation of the journal that clears every cell
// of the slot, also those of pages that memory has dropped.
func (t *Table) Drop(s Slot) {
	t.mustLive(s)
	t.names.unlink(s)
	t.clearSlot(s)
	t.forgetAside(s)
	mask := t.mask(t.changed, s)
	for i, m := range mask {
		t.changedCells -= bits.OnesCount64(m)
		mask[i] = 0
	}
	clear(t.mask(t.journaled, s))
	t.changedMap[s>>6] &^= 1 << (s & 63)
	if t.dropMap[s>>6]>>(s&63)&1 == 0 {
		t.dropMap[s>>6] |= 1 << (s & 63)
		t.drops = append(t.drops, s)
	}
}

// clearSlot zeroes every cell of a slot and takes its name away.
func (t *Table) clearSlot(s Slot) {
	if t.names.live(s) {
		t.writeNames(s)
		t.names.unset(s)
	}
	t.clearCells(s)
}

// clearCells zeroes every cell of a slot but its name.
func (t *Table) clearCells(s Slot) {
	for i := range t.cols {
		c := &t.cols[i]
		p := &c.pages[c.pageAt(s)]
		if p.state&(resident|stored) == 0 {
			continue
		}
		if !zero(t.row(i, s)) {
			clear(t.writeRow(i, s))
		}
	}
}

// Name is the device's name: valid for good, never to be written.
func (t *Table) Name(s Slot) []byte { return t.names.name(s) }

// Live says whether the slot holds a device.
func (t *Table) Live(s Slot) bool { return t.names.live(s) }

// Len is the number of devices.
func (t *Table) Len() int { return t.names.count }

// Bound is greater than every slot in use.
func (t *Table) Bound() Slot { return t.names.bound() }

// Task is the task's own words. They are the caller's to change and are
// journaled whole with every record.
func (t *Table) Task() []uint64 { return t.task }

// Row is all words of a device in a column, read only and valid until the next
// Trim; a Write to one of its cells shows in it. It may panic with *PageError.
func (t *Table) Row(col int, s Slot) []uint64 { return t.row(col, s) }

// Cell is one cell of the Row.
func (t *Table) Cell(col, cell int, s Slot) []uint64 {
	c := &t.cols[col]
	row := t.row(col, s)
	return row[cell*c.words : (cell+1)*c.words : (cell+1)*c.words]
}

// Write is the words of a cell for writing, valid until the next Seal,
// BeginCheckpoint or Trim. Whoever asks is taken to write. It may panic with
// *PageError.
func (t *Table) Write(col, cell int, s Slot) []uint64 {
	c := &t.cols[col]
	if uint(cell) >= uint(c.cells) {
		panic(fmt.Sprintf("statestore: cell %d of column %d, which has %d", cell, col, c.cells))
	}
	row := t.writeRow(col, s)
	t.mark(s, c.first+cell)
	return row[cell*c.words : (cell+1)*c.words : (cell+1)*c.words]
}

// Touch reads the first word of each slot's row in a column and gives their
// xor. Calling it for a block of slots lets the processor fetch all their
// lines at once instead of one after the other.
func (t *Table) Touch(col int, slots []Slot) uint64 {
	c := &t.cols[col]
	var x uint64
	for _, s := range slots {
		if p := &c.pages[c.pageAt(s)]; p.words != nil {
			x ^= p.words[c.rowAt(s)]
		}
	}
	return x
}

// TouchCell is Touch for one cell of one slot, and for the bits that say what of the slot changed.
func (t *Table) TouchCell(col, cell int, s Slot) uint64 {
	c := &t.cols[col]
	x := t.changed[int(s)*t.maskWords]
	if p := &c.pages[c.pageAt(s)]; p.words != nil {
		x ^= p.words[c.rowAt(s)+cell*c.words]
	}
	return x
}

func (t *Table) row(col int, s Slot) []uint64 {
	c := &t.cols[col]
	p := &c.pages[c.pageAt(s)]
	if p.state&(resident|recent) != resident|recent {
		t.admit(int32(col), p, s)
	}
	at := c.rowAt(s)
	return p.words[at : at+c.rowWords : at+c.rowWords]
}

func (t *Table) writeRow(col int, s Slot) []uint64 {
	c := &t.cols[col]
	p := &c.pages[c.pageAt(s)]
	if p.state&writable != writable {
		t.unlock(PageID{int32(col), c.pageAt(s)}, p, s)
	}
	at := c.rowAt(s)
	return p.words[at : at+c.rowWords : at+c.rowWords]
}

// mark notes a changed cell.
func (t *Table) mark(s Slot, cell int) {
	m := &t.changed[int(s)*t.maskWords+cell>>6]
	bit := uint64(1) << (cell & 63)
	if *m&bit != 0 {
		return
	}
	if *m == 0 {
		t.mustLive(s)
		t.changedMap[s>>6] |= 1 << (s & 63)
	}
	*m |= bit
	t.changedCells++
	if words := t.cellWords[cell]; words < wideWords {
		t.changedBytes += narrowBytes(words)
	} else {
		t.changedBytes += t.remember(s, cell)
	}
	if cell == 0 {
		t.changedBytes += len(t.names.name(s))
	}
}

func (t *Table) mask(of []uint64, s Slot) []uint64 {
	return of[int(s)*t.maskWords : (int(s)+1)*t.maskWords]
}

func (t *Table) mustLive(s Slot) {
	if !t.names.live(s) {
		panic(fmt.Sprintf("statestore: slot %d holds no device", s))
	}
}

// unlock makes a page ready to be written: resident, copied where a checkpoint
// has yet to, and noted as dirty.
func (t *Table) unlock(id PageID, p *page, s Slot) {
	t.admit(id.Column, p, s)
	if p.state&pending != 0 && !t.broken.noCopy {
		t.checkpoint.copy(id, p)
	}
	t.soil(id, p)
}

// soil notes a resident page as dirty.
func (t *Table) soil(id PageID, p *page) {
	if p.state&dirty != 0 {
		return
	}
	t.leaveEvictable(p)
	p.state |= dirty
	t.dirtyPages = append(t.dirtyPages, id)
}

// writeNames readies the page of names that holds s.
func (t *Table) writeNames(s Slot) {
	p := &t.namePages[s>>pageShift]
	if p.state&dirty != 0 {
		return
	}
	id := PageID{NamesColumn, uint32(s >> pageShift)}
	if p.state&pending != 0 {
		t.checkpoint.copy(id, p)
	}
	p.state |= dirty
	t.dirtyPages = append(t.dirtyPages, id)
}

func (t *Table) pageOf(id PageID) *page {
	if id.Column == NamesColumn {
		return &t.namePages[id.Index]
	}
	return &t.cols[id.Column].pages[id.Index]
}

// LiveBytes is the size of all live cells and names, uncompressed.
func (t *Table) LiveBytes() int64 {
	row := 0
	for i := range t.cols {
		row += t.cols[i].rowWords * 8
	}
	return int64(t.names.count)*int64(row) + int64(len(t.names.arena)-t.names.garbage)
}

// DirtyCells is the number of cells changed since the last Seal; a device
// dropped counts as one.
func (t *Table) DirtyCells() int { return t.changedCells + len(t.drops) }

// DirtyBytes estimates the size of the record Seal would make, without
// refresh.
func (t *Table) DirtyBytes() int { return t.changedBytes + 4*len(t.drops) }

// DirtyPages is the number of pages the next checkpoint would save.
func (t *Table) DirtyPages() int { return len(t.dirtyPages) }
