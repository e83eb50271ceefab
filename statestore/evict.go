package statestore

import "errors"

// hand is the clock hand of Trim: the next page it looks at.
type hand struct {
	col  int
	page int
}

// trimScan bounds the pages one Trim looks at, so that it can be called
// between blocks of readings.
const trimScan = 2048

// admit makes a column's page resident and notes its use.
func (t *Table) admit(col int32, p *page, s Slot) {
	p.state |= recent
	if p.state&resident != 0 {
		return
	}
	c := &t.cols[col]
	words := make([]uint64, c.rowWords<<c.shift)
	if p.state&stored != 0 {
		t.readPage(PageID{col, c.pageAt(s)}, words)
	}
	t.settle(p, words)
}

// settle gives a page its words. It counts as evictable at once unless a
// checkpoint is at it, which no page without words is.
func (t *Table) settle(p *page, words []uint64) {
	p.words = words
	p.state |= resident
	t.pageBytes += p.bytes()
	t.evict(p, 1)
}

// readPage fills words from the pager.
func (t *Table) readPage(id PageID, words []uint64) {
	if t.options.Pager == nil {
		panic(&PageError{id, errors.New("there is no pager")})
	}
	image, ok, err := t.options.Pager.ReadPage(id, t.image[:0])
	if err == nil && !ok {
		err = errors.New("the page is not on disk")
	}
	if err == nil {
		t.image = image
		err = readWordsPage(image, words)
	}
	if err != nil {
		panic(&PageError{id, err})
	}
}

// leaveEvictable is called before a resident page becomes dirty or held.
func (t *Table) leaveEvictable(p *page) {
	if p.words != nil && p.state&(dirty|held) == 0 {
		t.evict(p, -1)
	}
}

// evict counts pages that Trim could drop: one more or one less.
func (t *Table) evict(p *page, n int) {
	t.evictable += n
	t.evictableBytes += int64(n) * p.bytes()
}

func (p *page) bytes() int64 { return int64(len(p.words)) * 8 }

// pageEntry is what a table knows of a page beside its words, in bytes.
const pageEntry = 32

// ResidentBytes is the memory of the table: resident pages, what is known of all
// pages, names, index and masks.
func (t *Table) ResidentBytes() int64 {
	fixed := 8*(len(t.names.refs)+len(t.names.bitmap)+len(t.names.index)+
		len(t.changed)+len(t.journaled)+len(t.changedMap)+len(t.dropMap)+cap(t.before.words)+2*cap(t.before.entries)) + cap(t.names.arena)
	pages := len(t.namePages)
	for i := range t.cols {
		pages += len(t.cols[i].pages)
	}
	return t.pageBytes + int64(fixed+pages*pageEntry)
}

// UnsavedBytes is the part of the memory that no Trim can drop before the next
// checkpoint has ended, or the running one: pages that are not saved, and images that
// wait to be.
func (t *Table) UnsavedBytes() int64 {
	n := t.pageBytes - t.evictableBytes
	if t.checkpoint != nil {
		n += t.checkpoint.copiedBytes
	}
	return n
}

// SetMemoryBytes changes Options.MemoryBytes; the next Trim keeps to it.
func (t *Table) SetMemoryBytes(n int64) { t.options.MemoryBytes = n }

// Trim drops clean pages until ResidentBytes is within Options.MemoryBytes, by
// the clock algorithm: a page used since the hand last passed is spared once.
// It gives the number of pages dropped. One call looks at a bounded number of
// pages; every Row and Cell handed out before is invalid afterwards.
func (t *Table) Trim() int {
	if t.options.MemoryBytes == 0 || t.options.Pager == nil {
		return 0
	}
	return t.trimTo(t.options.MemoryBytes)
}

func (t *Table) trimTo(limit int64) int {
	over := t.ResidentBytes() - limit
	dropped := 0
	for looked := 0; over > 0 && t.evictable > 0 && looked < trimScan; looked++ {
		p := t.advance()
		switch {
		case p == nil || p.words == nil || p.state&(dirty|held) != 0:
		case p.state&recent != 0:
			p.state &^= recent
		default:
			size := p.bytes()
			t.evict(p, -1)
			p.words = nil
			p.state &^= resident
			t.pageBytes -= size
			over -= size
			dropped++
		}
	}
	return dropped
}

// advance moves the hand over one page and gives it; nil at a column's end.
func (t *Table) advance() *page {
	if t.hand.col >= len(t.cols) {
		t.hand = hand{}
		return nil
	}
	pages := t.cols[t.hand.col].pages
	if t.hand.page >= len(pages) {
		t.hand = hand{col: t.hand.col + 1}
		return nil
	}
	t.hand.page++
	return &pages[t.hand.page-1]
}

// spillAtOnce is how many images Spill gives to write in one call.
const spillAtOnce = 32

// Spill brings a table amid its replay back to half of Options.MemoryBytes: it gives
// the pages that the replay has changed to write, which must have them where the
// Pager reads when flush returns, and drops what it may. They belong to
// no checkpoint: no marker may be written before the replay has ended, and after a
// crash the next replay writes them again. A table within its bound is left
// alone.
func (t *Table) Spill(write func([]Image) error, flush func() error) error {
	limit := t.options.MemoryBytes
	if limit == 0 || t.options.Pager == nil || t.ResidentBytes() <= limit {
		return nil
	}
	c := t.beginCheckpoint()
	if err := c.spill(write, flush); err != nil {
		t.EndCheckpoint(c, Failed)
		return err
	}
	t.EndCheckpoint(c, Saved)
	for t.ResidentBytes() > limit/2 && t.evictable > 0 { // room, or the next record would spill again
		t.trimTo(limit / 2)
	}
	return nil
}

func (c *Checkpoint) spill(write func([]Image) error, flush func() error) error {
	for {
		images := c.Next(spillAtOnce)
		if len(images) == 0 {
			return flush()
		}
		if err := write(images); err != nil {
			return err
		}
	}
}
