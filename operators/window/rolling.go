package window

import (
	"fmt"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// maxRolling bounds the panes of a rolling window.
const maxRolling = 1000

// RollingSpec is a window over the newest stretch of a series. Lengths are in
// milliseconds.
type RollingSpec struct {
	Name       string
	Size       event.Time
	Resolution event.Time // divides Size at most 1,000 times; the window moves on by this much
	Compute    []string   // names of aggregates, at least one
}

// Rolling keeps the readings between the newest one and Size before it, in panes
// of Resolution: the window begins on a pane's edge and ends behind the newest
// reading. It holds no state of any device, only scratch: one serves every device
// of a task, from one goroutine.
//
// Its row is a cell with the merge of all panes but the newest one, and Size /
// Resolution panes, pane p in cell 1 + p modulo their number:
//
//	merge    number of the newest pane | count | the aggregates' words
//	pane     greatest time in it       | count | the aggregates' words
//
// So a reading in order of time mostly changes one cell, and what the window
// says is made of two, however many panes there are. The merge is worked out
// again from the panes whenever one of them changes or the newest one is another,
// never carried on: it follows from them to the bit.
type Rolling struct {
	size    event.Time
	pane    event.Time
	byPane  divisor
	panes   int64
	byPanes divisor
	words   int
	slices  []slice // in the order of RollingSpec.Compute
	states  []slice // those to fold and merge
	scratch []uint64
	values  []float64
}

// NewRolling checks the spec and builds the window.
func NewRolling(s RollingSpec) (*Rolling, error) {
	switch {
	case s.Size <= 0 || s.Size > maxSpan:
		return nil, fmt.Errorf("window %q: size=%dms must be between 1ms and %dms", s.Name, s.Size, maxSpan)
	case s.Resolution <= 0 || s.Resolution > s.Size || s.Size%s.Resolution != 0:
		return nil, fmt.Errorf("window %q: resolution=%dms must divide size=%dms", s.Name, s.Resolution, s.Size)
	case s.Size/s.Resolution > maxRolling:
		return nil, fmt.Errorf("window %q: resolution=%dms divides size=%dms into %d panes, at most %d are allowed: use a longer one",
			s.Name, s.Resolution, s.Size, s.Size/s.Resolution, maxRolling)
	}
	aggs, err := aggregates(s.Name, s.Compute, halfLife(float64(s.Size)))
	if err != nil {
		return nil, err
	}
	r := &Rolling{size: s.Size, pane: s.Resolution, panes: int64(s.Size / s.Resolution), values: make([]float64, len(aggs))}
	r.byPane, r.byPanes = newDivisor(r.pane), newDivisor(event.Time(r.panes))
	r.slices, r.words = lay(aggs, paneWords)
	r.states = states(r.slices)
	r.scratch = make([]uint64, r.words)
	return r, nil
}

// Cells is the number of cells of a row.
func (r *Rolling) Cells() int { return 1 + int(r.panes) }

// Words is the number of 64-bit words of a cell.
func (r *Rolling) Words() int { return r.words }

// Insert takes in a reading. It reports whether the window changed: a reading
// before the start of the window changes nothing.
func (r *Rolling) Insert(row Row, t event.Time, v float64) (changed bool) {
	words := row.Words()
	newest, begun := r.newest(words)
	p := r.byPane.floor(t)
	if begun && p <= newest-r.panes {
		return false
	}
	from := r.cell(p)
	held := r.holds(words[from:from+r.words], p)
	cell := row.Write(from / r.words)
	if !held {
		clear(cell)
		cell[0] = kept(t)
	}
	s := aggregate.Sample{Time: t, Value: v, First: cell[1] == 0}
	cell[0] = max(cell[0], kept(t))
	cell[1]++
	for k := range r.states {
		a := &r.states[k]
		a.Fold(cell[a.from:a.to], s)
	}
	if !begun || p != newest {
		r.remerge(row, max(newest, p))
	}
	return true
}

// Result is what the window says now; false before the first reading. Start is
// the window's edge and End the time of its newest reading + 1 ms. It never
// closes: Revision is 1 and Final false, always. The Values are the Rolling's and
// valid until the next call.
func (r *Rolling) Result(words []uint64) (Result, bool) {
	newest, begun := r.newest(words)
	if !begun {
		return Result{}, false
	}
	from := r.cell(newest)
	merge, cell := words[:r.words], words[from:from+r.words]
	held := cell
	if merge[1] > 0 {
		held = r.scratch
		for k := range r.states {
			a := &r.states[k]
			copy(held[a.from:a.to], merge[a.from:a.to])
			a.Merge(held[a.from:a.to], cell[a.from:a.to], aggregate.Merge{})
		}
	}
	count := merge[1] + cell[1]
	for k := range r.slices {
		a := &r.slices[k]
		r.values[k] = a.Result(held[a.from:a.to], count)
	}
	return Result{
		Start:    event.Time(newest+1)*r.pane - r.size,
		End:      timeOf(cell[0]) + 1,
		Count:    count,
		Values:   r.values,
		Revision: 1,
	}, true
}

// newest is the number of the newest pane.
func (r *Rolling) newest(words []uint64) (p int64, begun bool) {
	return int64(timeOf(words[0])), words[0] != 0
}

// remerge writes the merge of the panes before the newest one.
func (r *Rolling) remerge(row Row, newest int64) {
	words := row.Words()
	var count uint64
	for p := newest - r.panes + 1; p < newest; p++ {
		from := r.cell(p)
		cell := words[from : from+r.words]
		if !r.holds(cell, p) {
			continue
		}
		for k := range r.states {
			a := &r.states[k]
			a.Merge(r.scratch[a.from:a.to], cell[a.from:a.to], aggregate.Merge{First: count == 0})
		}
		count += cell[1]
	}
	merge := row.Write(0)
	if count == 0 {
		clear(merge)
	} else {
		copy(merge, r.scratch)
	}
	merge[0], merge[1] = kept(event.Time(newest)), count
}

// holds reports whether the cell holds readings of pane p, and not of an older one.
func (r *Rolling) holds(cell []uint64, p int64) bool {
	t := timeOf(cell[0]) - event.Time(p)*r.pane
	return cell[0] != 0 && t >= 0 && t < r.pane
}

// cell is the first word of the cell of pane p.
func (r *Rolling) cell(p int64) int {
	return int(1+p-r.byPanes.floor(event.Time(p))*r.panes) * r.words
}

// kept is a time in a word such that a later one is greater and none is 0, which
// says that there is none.
func kept(t event.Time) uint64 { return uint64(t) ^ 1<<63 }

func timeOf(word uint64) event.Time { return event.Time(word ^ 1<<63) }
