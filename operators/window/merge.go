package window

import (
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// compute merges a window's panes into values and returns its count. Where just
// one pane holds readings, as in every tumbling window with a ring of its own,
// the answer is read off that pane.
func (r *Ring) compute(words []uint64, window int, end event.Time, values []float64) uint64 {
	w := &r.windows[window]
	var only []uint64
	var count uint64
	merged := false
	for c := r.panes(words, window, end); c.next(); {
		held := c.cell[1] & countMask
		count += held
		if only == nil {
			only = c.cell
			continue
		}
		if !merged {
			r.add(w, only, aggregate.Merge{First: true})
			merged = true
		}
		r.add(w, c.cell, aggregate.Merge{})
	}
	if count == 0 {
		return 0
	}
	from := only
	if merged {
		from = r.scratch
	}
	for k := range w.slices {
		a := &w.slices[k]
		values[k] = a.Result(from[a.from:a.to], count)
	}
	return count
}

// count is the readings of a window.
func (r *Ring) count(words []uint64, window int, end event.Time) uint64 {
	var count uint64
	for c := r.panes(words, window, end); c.next(); {
		count += c.cell[1] & countMask
	}
	return count
}

// add merges a pane into the scratch, for the states of the window's aggregates.
func (r *Ring) add(w *ringWindow, cell []uint64, m aggregate.Merge) {
	for k := range w.states {
		a := &w.states[k]
		a.Merge(r.scratch[a.from:a.to], cell[a.from:a.to], m)
	}
}

// panes goes through the panes of a window that hold readings, in order of time.
type panes struct {
	words []uint64
	each  int   // words of a pane
	from  int   // where the next pane's cell begins
	p, to int64 // the next pane, and that after the last
	cell  []uint64
}

func (r *Ring) panes(words []uint64, window int, end event.Time) panes {
	p := r.firstPane(window, end)
	return panes{words: words, each: r.words, from: r.cell(p) * r.words, p: p, to: r.paneOf(end)}
}

func (c *panes) next() bool {
	for c.p < c.to {
		cell, p := c.words[c.from:c.from+c.each], c.p
		c.p++
		if c.from += c.each; c.from == len(c.words) {
			c.from = 0
		}
		if cell[1]&countMask != 0 && paneNumber(cell) == p {
			c.cell = cell
			return true
		}
	}
	return false
}
