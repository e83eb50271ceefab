package window

import "github.com/weirstream/weir/event"

// sweep goes through the windows of a ring, by end and then by window, that
// contain a pane in which one of the given bits of word 1 is set. It looks at
// panes, not at ends, so that a long silence costs nothing.
type sweep struct {
	ring *Ring
	bits uint64
	last int64 // newest pane to look at
	next [maxWindows]sweepWindow
}

type sweepWindow struct {
	end   event.Time // of the next window, noEnd where there is none
	until event.Time // greatest end wanted
	pane  int64      // older ones need not be looked at again
}

// sweepOptions say which windows to go through.
type sweepOptions struct {
	bits  uint64
	clock event.Time // no pane holds a reading later than clock + max_future_skew
	after event.Time // ends are greater than this
	until event.Time // and at most this
}

func (r *Ring) sweep(words []uint64, o sweepOptions) sweep {
	s := sweep{ring: r, bits: o.bits}
	oldest := int64(noEnd)
	for i := range r.windows {
		w := &r.windows[i]
		end := w.firstEnd(o.after)
		s.next[i] = sweepWindow{end: end, until: o.until, pane: r.paneOf(w.start(end))}
		oldest = min(oldest, s.next[i].pane)
	}
	// All panes that count lie within the ring's length, by its invariant 2.
	s.last = min(oldest+r.cells-1, r.paneOf(o.clock+r.time.MaxFutureSkew))
	for i := range r.windows {
		s.seek(words, i)
	}
	return s
}

// sweepAround is a sweep of the windows that contain t as well.
func (r *Ring) sweepAround(words []uint64, t event.Time, o sweepOptions) sweep {
	o.after = max(o.after, t)
	s := r.sweep(words, o)
	for i := range r.windows {
		n := &s.next[i]
		n.until = min(n.until, r.windows[i].lastEnd(t))
		if n.end > n.until {
			n.end = noEnd
		}
	}
	return s
}

// seek moves window i on from the end it stands at to the first end at which the
// window contains a pane that counts.
func (s *sweep) seek(words []uint64, i int) {
	r, w, n := s.ring, &s.ring.windows[i], &s.next[i]
	if n.end > n.until {
		n.end = noEnd
		return
	}
	p := max(n.pane, r.paneOf(w.start(n.end)))
	// No window ending by then contains a pane that begins there.
	last := s.last
	if n.until != noEnd {
		last = min(last, r.paneOf(n.until-1))
	}
	from := r.cell(p) * r.words
	for ; p <= last; p++ {
		cell := words[from : from+r.words]
		if cell[1]&s.bits != 0 && paneNumber(cell) == p {
			n.pane = p
			n.end = max(n.end, w.firstEnd(r.paneStart(p)))
			if n.end > n.until {
				n.end = noEnd
			}
			return
		}
		if from += r.words; from == len(words) {
			from = 0
		}
	}
	n.end = noEnd
}

// peek is the window whose turn it is and its end; noEnd when all are through.
func (s *sweep) peek() (window int, end event.Time) {
	end = noEnd
	for i := range s.ring.windows {
		if s.next[i].end < end {
			window, end = i, s.next[i].end
		}
	}
	return window, end
}

// step leaves the window whose turn it was. The words may have moved meanwhile.
func (s *sweep) step(words []uint64, window int) {
	n := &s.next[window]
	n.end = s.ring.windows[window].after(n.end)
	s.seek(words, window)
}
