package window

import (
	"fmt"
	"math"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// maxCount bounds the readings of a count window.
const maxCount = 10_000

// CountSpec is a window over the last N readings of a series.
type CountSpec struct {
	Name    string
	N       int
	Compute []string // names of aggregates, at least one
}

// Count keeps the last N readings of a series by event time. It holds no state of
// any device, only scratch: one serves every device of a task, from one
// goroutine.
//
// Its row is a header cell and N cells of one reading each (time, value), used
// as a ring, so that a reading in order of time changes two cells. The header's
// word 0 is how many readings there are, word 1 where the oldest is.
type Count struct {
	n       int
	slices  []slice
	states  []slice // the words they share, once
	scratch []uint64
	values  []float64
}

// NewCount checks the spec and builds the window.
func NewCount(s CountSpec) (*Count, error) {
	if s.N < 1 || s.N > maxCount {
		return nil, fmt.Errorf("window %q: count=%d must be between 1 and %d", s.Name, s.N, maxCount)
	}
	aggs, err := aggregates(s.Name, s.Compute, aggregate.Options{})
	if err != nil {
		return nil, err
	}
	c := &Count{n: s.N, values: make([]float64, len(aggs))}
	slices, words := lay(aggs, 0)
	c.slices, c.states = slices, states(slices)
	c.scratch = make([]uint64, words)
	return c, nil
}

const countWords = 2

// Cells is the number of cells of a row.
func (c *Count) Cells() int { return 1 + c.n }

// Words is the number of 64-bit words of a cell.
func (c *Count) Words() int { return countWords }

// Insert takes in a reading and drops the oldest one where there are N already.
// Readings of the same time are kept in order of arrival. It reports whether the
// window changed: a reading older than all of a full window changes nothing.
func (c *Count) Insert(row Row, t event.Time, v float64) (changed bool) {
	words := row.Words()
	held, oldest := int(words[0]), int(words[1])
	// Where it belongs, counted from the oldest: after all not newer than it.
	place := held
	for place > 0 && event.Time(words[c.entry(oldest, place-1)]) > t {
		place--
	}
	if held == c.n {
		if place == 0 {
			return false
		}
		// The oldest one's cell becomes the newest one's.
		oldest = (oldest + 1) % c.n
		place--
	} else {
		held++
	}
	for i := held - 1; i > place; i-- {
		words = row.Words()
		from := c.entry(oldest, i-1)
		time, value := words[from], words[from+1]
		write(row, c.entry(oldest, i), time, value)
	}
	write(row, c.entry(oldest, place), uint64(t), math.Float64bits(v))
	header := row.Words()
	if int(header[0]) != held || int(header[1]) != oldest {
		write(row, 0, uint64(held), uint64(oldest))
	}
	return true
}

// Result is what the window says now; false until it holds N readings. Start is
// the time of its oldest reading and End that of its newest + 1 ms, so that
// [Start, End) holds them all. It never closes: Revision is 1 and Final false,
// always. The Values are the Count's and valid until the next call.
func (c *Count) Result(words []uint64) (Result, bool) {
	if int(words[0]) < c.n {
		return Result{}, false
	}
	oldest := int(words[1])
	clear(c.scratch)
	for i := range c.n {
		at := c.entry(oldest, i)
		s := aggregate.Sample{
			Time:  event.Time(words[at]),
			Value: math.Float64frombits(words[at+1]),
			First: i == 0,
		}
		for k := range c.states {
			a := &c.states[k]
			a.Fold(c.scratch[a.from:a.to], s)
		}
	}
	for k := range c.slices {
		a := &c.slices[k]
		c.values[k] = a.Result(c.scratch[a.from:a.to], uint64(c.n))
	}
	return Result{
		Start:    event.Time(words[c.entry(oldest, 0)]),
		End:      event.Time(words[c.entry(oldest, c.n-1)]) + 1,
		Count:    uint64(c.n),
		Values:   c.values,
		Revision: 1,
	}, true
}

// entry is the first word of reading i, counted from the oldest.
func (c *Count) entry(oldest, i int) int {
	at := oldest + i
	if at >= c.n {
		at -= c.n
	}
	return (1 + at) * countWords
}

func write(row Row, word int, first, second uint64) {
	cell := row.Write(word / countWords)
	cell[0], cell[1] = first, second
}
