package statestore

// Clear zeroes every cell of a device, which keeps its slot and its name. Unlike
// a Drop it is no operation of the journal: each cell that was not zero is
// written, as by Write, and no other.
func (t *Table) Clear(s Slot) {
	t.mustLive(s)
	for col := range t.cols {
		c := &t.cols[col]
		if c.pages[c.pageAt(s)].state&(resident|stored) == 0 {
			continue // nothing was ever written to the page
		}
		row := t.row(col, s)
		for cell := range c.cells {
			if !zero(row[cell*c.words : (cell+1)*c.words]) {
				clear(t.Write(col, cell, s))
			}
		}
	}
}
