package statestore

import (
	"cmp"
	"fmt"
	"slices"
)

// CheckpointEnd says how a checkpoint ended.
type CheckpointEnd uint8

// The ends of a checkpoint.
const (
	Failed CheckpointEnd = iota // some image may not be on disk: its pages are dirty again
	Saved                       // all images were flushed: its pages may be dropped from memory
)

// Checkpoint is the set of pages that were dirty after one record, on the way
// to disk. Its images show the state right after that record, however far the
// fold has gone since: a page is copied before its first write.
type Checkpoint struct {
	table       *Table
	snapshot    Snapshot
	pages       []PageID // what is being saved
	next        int      // pages before it were looked at by Next
	copied      []Image  // copied by writes, not yet given out
	copiedBytes int64    // of those
	left        int      // pages not yet given out
}

// BeginCheckpoint takes the dirty pages. It must be called between Seal and
// the first change of the next batch, and panics otherwise; one checkpoint
// runs at a time. No image may reach the disk before the record is confirmed:
// a page on disk must never be ahead of the journal.
func (t *Table) BeginCheckpoint() *Checkpoint {
	if t.DirtyCells() != 0 || t.replaying {
		panic(fmt.Sprintf("statestore: checkpoint amid a batch, %d cells are not sealed", t.DirtyCells()))
	}
	return t.beginCheckpoint()
}

func (t *Table) beginCheckpoint() *Checkpoint {
	if t.checkpoint != nil {
		panic("statestore: a checkpoint is still running")
	}
	slices.SortFunc(t.dirtyPages, func(a, b PageID) int {
		return cmp.Or(cmp.Compare(a.Column, b.Column), cmp.Compare(a.Index, b.Index))
	})
	c := &Checkpoint{table: t, snapshot: t.snapshot(), pages: t.dirtyPages, left: len(t.dirtyPages)}
	for _, id := range c.pages {
		p := t.pageOf(id)
		p.state = p.state&^dirty | pending | held
	}
	t.dirtyPages = nil
	t.checkpoint = c
	return c
}

// atOnceBytes is when Next ends before its limit, so that the images of long rows do
// not wait for the disk in great numbers.
const atOnceBytes = 4 << 20

// Next gives at most limit images, and fewer where they are large: first those that
// writes have forced, then further pages. None: all were given out.
func (c *Checkpoint) Next(limit int) []Image {
	n, size := 0, 0
	for ; n < min(limit, len(c.copied)) && size < atOnceBytes; n++ {
		size += len(c.copied[n].Data)
	}
	out := slices.Clone(c.copied[:n])
	clear(c.copied[:n])
	c.copied, c.copiedBytes = c.copied[n:], c.copiedBytes-int64(size)
	for ; len(out) < limit && size < atOnceBytes && c.next < len(c.pages); c.next++ {
		id := c.pages[c.next]
		p := c.table.pageOf(id)
		if p.state&pending != 0 {
			p.state &^= pending
			image := c.image(id, p)
			size += len(image)
			out = append(out, Image{id, image})
		}
	}
	c.left -= len(out)
	return out
}

// copy saves a page from the write that is about to change it.
func (c *Checkpoint) copy(id PageID, p *page) {
	p.state &^= pending
	c.copied = append(c.copied, Image{id, c.image(id, p)})
	c.copiedBytes += int64(len(c.copied[len(c.copied)-1].Data))
}

func (c *Checkpoint) image(id PageID, p *page) []byte {
	if id.Column == NamesColumn {
		return c.table.names.appendPage(nil, Slot(id.Index)<<pageShift)
	}
	return appendWordsPage(nil, p.words)
}

// Remaining is the number of images Next has yet to give.
func (c *Checkpoint) Remaining() int { return c.left }

// Seq is the record whose state the images show.
func (c *Checkpoint) Seq() uint64 { return c.snapshot.Seq }

// Snapshot is what the marker must carry: write it after all images were
// flushed.
func (c *Checkpoint) Snapshot() Snapshot { return c.snapshot }

// EndCheckpoint ends the running checkpoint. Saved needs every image of it
// flushed to disk.
func (t *Table) EndCheckpoint(c *Checkpoint, end CheckpointEnd) {
	if c != t.checkpoint {
		panic("statestore: end of a checkpoint that does not run")
	}
	if end == Saved && c.left != 0 {
		panic(fmt.Sprintf("statestore: checkpoint %d ends with %d pages unsaved", c.Seq(), c.left))
	}
	for _, id := range c.pages {
		p := t.pageOf(id)
		p.state &^= pending | held
		if end == Failed {
			if p.state&dirty == 0 {
				p.state |= dirty
				t.dirtyPages = append(t.dirtyPages, id)
			}
			continue
		}
		p.state |= stored
		if p.words != nil && p.state&dirty == 0 {
			t.evict(p, 1)
		}
	}
	t.checkpoint = nil
}
