package statestore

import (
	"fmt"
	"math/bits"
)

// check gives the first invariant of the package that does not hold.
func (t *Table) check() error {
	for _, f := range []func() error{t.checkSlots, t.checkIndex, t.checkPages, t.checkCheckpoint} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) checkSlots() error {
	cells := 0
	for s := Slot(0); s < t.Bound(); s++ {
		changed := 0
		for _, m := range t.mask(t.changed, s) {
			changed += bits.OnesCount64(m)
		}
		cells += changed
		if listed := t.changedMap[s>>6]>>(s&63)&1 != 0; listed != (changed > 0) {
			return fmt.Errorf("invariant 3: slot %d has %d changed cells, in changedMap: %v", s, changed, listed)
		}
		if t.names.live(s) {
			continue
		}
		if changed > 0 || t.names.refs[s] != 0 {
			return fmt.Errorf("invariant 1: slot %d without a device has %d changed cells, name %x", s, changed, t.names.refs[s])
		}
		for cell := 1; cell < t.cellCount; cell++ {
			if w := t.peek(s, cell); !zero(w) {
				return fmt.Errorf("invariant 1: slot %d without a device has cell %d = %v", s, cell, w)
			}
		}
	}
	for i := range t.scratch {
		t.scratch[i].valid = false
	}
	if cells != t.changedCells {
		return fmt.Errorf("invariant 3: %d cells are changed, counted %d", cells, t.changedCells)
	}
	dropped := 0
	for _, w := range t.dropMap {
		dropped += bits.OnesCount64(w)
	}
	if dropped != len(t.drops) {
		return fmt.Errorf("invariant 3: %d drops, %d in dropMap", len(t.drops), dropped)
	}
	return nil
}

func (t *Table) checkIndex() error {
	live, entries := 0, 0
	for s := Slot(0); s < t.Bound(); s++ {
		if !t.names.live(s) {
			continue
		}
		live++
		if at, ok := t.names.lookup(t.names.name(s)); !t.replaying && (!ok || at != s) {
			return fmt.Errorf("invariant 2: name %q of slot %d found at %d, %v", t.names.name(s), s, at, ok)
		}
	}
	for _, e := range t.names.index {
		if e != 0 {
			entries++
		}
	}
	if live != t.names.count || !t.replaying && entries != live {
		return fmt.Errorf("invariant 2: %d live slots, counted %d, indexed %d", live, t.names.count, entries)
	}
	return nil
}

func (t *Table) checkPages() error {
	dirtyCount, evictable := 0, 0
	var size, evictableBytes int64
	for i := range t.namePages {
		if t.namePages[i].state&dirty != 0 {
			dirtyCount++
		}
	}
	for col := range t.cols {
		c := &t.cols[col]
		for i := range c.pages {
			p := &c.pages[i]
			id := PageID{int32(col), uint32(i)}
			if (p.words != nil) != (p.state&resident != 0) || p.words == nil && p.state&(dirty|held) != 0 {
				return fmt.Errorf("invariant 4: page %v has %d words in state %b", id, len(p.words), p.state)
			}
			if p.state&dirty != 0 {
				dirtyCount++
			}
			if p.words != nil && p.state&(dirty|held) == 0 {
				evictable++
				evictableBytes += p.bytes()
				if p.state&stored == 0 && !zero(p.words) {
					return fmt.Errorf("invariant 4: page %v is clean, not stored and not zero", id)
				}
			}
			size += int64(len(p.words)) * 8
		}
	}
	if evictableBytes != t.evictableBytes {
		return fmt.Errorf("invariant 7: %d bytes evictable, counted %d", evictableBytes, t.evictableBytes)
	}
	if size != t.pageBytes || evictable != t.evictable {
		return fmt.Errorf("invariant 7: %d bytes resident, counted %d; %d pages evictable, counted %d", size, t.pageBytes, evictable, t.evictable)
	}
	for _, id := range t.dirtyPages {
		if t.pageOf(id).state&dirty == 0 {
			return fmt.Errorf("invariant 5: page %v is listed as dirty and is not", id)
		}
	}
	if dirtyCount != len(t.dirtyPages) {
		return fmt.Errorf("invariant 5: %d pages are dirty, %d listed", dirtyCount, len(t.dirtyPages))
	}
	return t.checkChanged()
}

func (t *Table) checkChanged() error {
	for s := Slot(0); s < t.Bound(); s++ {
		for i, m := range t.mask(t.changed, s) {
			for ; m != 0; m &= m - 1 {
				cell := i<<6 + bits.TrailingZeros64(m)
				if p := t.pageOf(PageID{t.cellColumn[cell], uint32(s >> t.pageShift(t.cellColumn[cell]))}); p.state&dirty == 0 {
					return fmt.Errorf("invariant 4: cell %d of slot %d is changed on a clean page", cell, s)
				}
			}
		}
	}
	return nil
}

func (t *Table) checkCheckpoint() error {
	waiting := 0
	count := func(pages []page) {
		for i := range pages {
			if pages[i].state&pending != 0 {
				waiting++
			}
		}
	}
	count(t.namePages)
	for i := range t.cols {
		count(t.cols[i].pages)
	}
	if c := t.checkpoint; c != nil {
		if waiting+len(c.copied) != c.left {
			return fmt.Errorf("invariant 6: %d pages to copy and %d copied, counted %d", waiting, len(c.copied), c.left)
		}
	} else if waiting != 0 {
		return fmt.Errorf("invariant 6: %d pages wait for a checkpoint that does not run", waiting)
	}
	return nil
}

// broken takes rules out of a table, for the tests that show that each of them
// is needed. The zero value breaks none.
type broken struct {
	beforeRefresh func() // called between the changes and the refresh of a Seal
	setsFirst     bool   // replay applies sets before drops
	noCopy        bool   // writes do not copy a page that a checkpoint saves
	partsCount    bool   // a cell told in part counts as journaled
}
