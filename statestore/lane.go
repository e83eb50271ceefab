package statestore

import "fmt"

// Recovery shares its work between goroutines: what they do at once touches
// different pages. This package starts none; whoever has goroutines passes a
// Fork.

// Fork calls do with 0 to n-1, at once if it can, and returns when all calls
// have returned.
type Fork func(n int, do func(i int))

// InTurn is the Fork of those who have one goroutine.
func InTurn(n int, do func(i int)) {
	for i := range n {
		do(i)
	}
}

// usualStripe makes a stripe of 65,536 slots. Replay gives each goroutine whole
// stripes, and a section of a record stays within one, so that it passes over
// those of others without reading them.
const usualStripe = 16

func (t *Table) stripeOf(s Slot) int { return int(s >> t.stripeShift) }

// view is a table that shares everything with t but what t counts and lists: a
// goroutine of its own may use other pages of it than other views, and must
// neither grow it nor touch names.
func (t *Table) view() Table {
	v := *t
	v.dirtyPages, v.pageBytes, v.evictable, v.evictableBytes, v.image = nil, 0, 0, 0, nil
	return v
}

// join adds up what a view has counted and listed.
func (t *Table) join(v *Table) {
	t.dirtyPages = append(t.dirtyPages, v.dirtyPages...)
	t.pageBytes += v.pageBytes
	t.evictable += v.evictable
	t.evictableBytes += v.evictableBytes
}

// Lane loads pages of words beside others that load other pages. It belongs to
// one goroutine at a time.
type Lane struct {
	view   Table
	beyond []Image // pages of slots behind the table's bound
}

// Lanes makes n lanes, between Restore and the first Apply, when all pages of
// names are loaded. Until they are joined, nothing but the lanes and IndexNames
// may be used.
func (t *Table) Lanes(n int) []*Lane {
	lanes := make([]*Lane, n)
	fixed := t.ResidentBytes()
	for i := range lanes {
		lanes[i] = &Lane{view: t.view()}
		// Each has its part of what memory is left over from names and masks.
		if limit := t.options.MemoryBytes; limit > 0 {
			lanes[i].view.options.MemoryBytes = max(1, fixed-t.pageBytes+(limit-fixed)/int64(n))
		}
	}
	return lanes
}

// LoadPage is Table.LoadPage for a page of words.
func (l *Lane) LoadPage(im Image) error {
	if im.ID.Column == NamesColumn {
		panic(fmt.Sprintf("statestore: page %v of names in a lane", im.ID))
	}
	if im.ID.Index >= uint32(l.view.Bound()>>l.view.pageShift(im.ID.Column)) {
		l.beyond = append(l.beyond, Image{im.ID, append([]byte(nil), im.Data...)})
		return nil
	}
	return l.view.LoadPage(im)
}

// Join ends the lanes.
func (t *Table) Join(lanes []*Lane) error {
	for _, l := range lanes {
		t.join(&l.view)
		for _, im := range l.beyond {
			if err := t.LoadPage(im); err != nil {
				return err
			}
		}
	}
	return nil
}

// IndexNames does ahead what FinishReplay would do after all else, once all
// pages of names are loaded: where the replay then changes no name, that is
// saved. It may run beside lanes.
func (t *Table) IndexNames() {
	// Pages of names may be of different records, and one name on two of them
	// until the replay has cleared it up.
	_, t.indexed = t.names.reindex()
}
