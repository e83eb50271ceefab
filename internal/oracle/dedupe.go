package oracle

import (
	"maps"

	"github.com/weirstream/weir/event"
)

// near is how far below the greatest number, and below a gap, single numbers are
// remembered.
const near = 64

// counter recognises repeats among the numbers a device gives its messages. It
// remembers this run of the numbers, and how far the run before went.
type counter struct {
	heard    bool
	greatest int64      // N
	newest   event.Time // T
	began    event.Time // S: the time of this run's first reading
	low, top int64      // numbers strictly between were never seen; equal: no such gap
	seen     map[int64]bool

	before       bool
	beforeNumber int64      // B
	beforeTime   event.Time // L
}

// repeated judges a message by its number and time and remembers it if it is new.
func (c *counter) repeated(n int64, t, remember event.Time) bool {
	switch {
	case !c.heard:
		c.fresh(n, t)
	case remember > 0 && t < c.newest-remember:
		return false // too old to tell: new, and not remembered
	case c.before && t < c.began && n > c.beforeNumber:
		c.beforeNumber, c.beforeTime = n, max(c.beforeTime, t)
		return false
	case c.before && t <= c.beforeTime:
		return true
	case n > c.greatest:
		c.ahead(n)
	case t > c.newest:
		c.before, c.beforeNumber, c.beforeTime = true, c.greatest, c.newest
		c.fresh(n, t)
	case c.known(n):
		return true
	default:
		c.fill(n)
	}
	c.newest = max(c.newest, t)
	c.remember(n)
	return false
}

// fresh starts a run with n.
func (c *counter) fresh(n int64, t event.Time) {
	c.heard, c.began, c.newest = true, t, t
	c.greatest, c.low, c.top = -1, -1, -1
	c.seen = map[int64]bool{}
	c.ahead(n)
}

// ahead takes a number greater than all of its run.
func (c *counter) ahead(n int64) {
	// From -1 to the greatest number there is more than an int64 can hold.
	jump, gap := uint64(n-c.greatest), uint64(c.top-c.low)
	if jump > near || jump > 1 && jump >= gap {
		c.low, c.top = c.greatest, n
	}
	c.greatest = n
}

// known reports whether a number of this run, not above its greatest, was there
// before, or counts as such because nothing tells.
func (c *counter) known(n int64) bool {
	switch {
	case c.greatest-n < near:
		return c.seen[n]
	case n >= c.top:
		return true
	case n > c.low:
		return false
	case c.low-n >= near:
		return true
	default:
		return c.seen[n]
	}
}

// fill takes a number that lies in the gap, or beside single ones that are
// remembered: the longer part of the gap is kept.
func (c *counter) fill(n int64) {
	if n <= c.low || n >= c.top {
		return
	}
	if n-c.low > near && c.top-n <= near {
		c.top = n
	} else {
		c.low = n
	}
}

// remember keeps the single numbers that known may ask for.
func (c *counter) remember(n int64) {
	c.seen[n] = true
	if len(c.seen) > 4*near {
		maps.DeleteFunc(c.seen, func(m int64, _ bool) bool {
			return c.greatest-m >= near && (m > c.low || c.low-m >= near)
		})
	}
}
