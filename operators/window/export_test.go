package window

import (
	"fmt"

	"github.com/weirstream/weir/event"
)

// Check reports which of the ring's invariants a row breaks.
func (r *Ring) Check(words []uint64, clock event.Time) error {
	newest := r.paneOf(clock + r.time.MaxFutureSkew)
	for i := range int(r.cells) {
		cell := words[i*r.words : (i+1)*r.words]
		if cell[0]&numberMask == 0 {
			for k, w := range cell {
				if w != 0 {
					return fmt.Errorf("cell %d holds no pane, but word %d is %#x", i, k, w)
				}
			}
			continue
		}
		p := paneNumber(cell)
		if r.cell(p) != i {
			return fmt.Errorf("cell %d holds pane %d, which belongs into cell %d", i, p, r.cell(p))
		}
		if p > newest {
			return fmt.Errorf("cell %d holds pane %d, beyond %d, the newest at clock %d", i, p, newest, clock)
		}
		if cell[1]&touchedBit != 0 && cell[1]&countMask == 0 {
			return fmt.Errorf("cell %d is touched, but holds no reading", i)
		}
	}
	return nil
}

// Check reports which of the session window's invariants a row breaks.
func (s *Session) Check(words []uint64, clock event.Time) error {
	var unused bool
	for i := range s.cells {
		c := s.cell(words, i)
		if unused = unused || c[2] == 0; unused {
			for k, w := range c {
				if w != 0 {
					return fmt.Errorf("cell %d was never used or lies behind such a one, but word %d is %#x", i, k, w)
				}
			}
			continue
		}
		if c.count() == 0 && c[2] != sessionFree || c.start() > c.last() || c.start() > clock+s.time.MaxFutureSkew {
			return fmt.Errorf("cell %d holds no session of clock %d: %v", i, clock, c)
		}
		for j := range i {
			o := s.cell(words, j)
			kept := c.count() > 0 && o.count() > 0 && s.end(c) > s.gone(clock) && s.end(o) > s.gone(clock)
			if kept && s.end(c) > o.start() && s.end(o) > c.start() {
				return fmt.Errorf("cells %d and %d hold sessions that overlap: %v, %v", j, i, o, c)
			}
		}
	}
	return nil
}

// Remerge writes the merge anew, which the row keeps the newest pane of.
func (r *Rolling) Remerge(row Row) {
	newest, _ := r.newest(row.Words())
	r.remerge(row, newest)
}
