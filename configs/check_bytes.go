package configs

import "github.com/weirstream/weir/event"

// mostState is how many bytes of a device one window may keep: its row has to fit
// a value of the local store.
const mostState = 24_000_000

// keeps is what a window keeps of each device.
type keeps struct {
	pieces event.Time // how many panes or sessions
	each   int64      // bytes of one
	of     string     // panes or sessions
}

// tooMuch refuses a window whose pieces are few enough and too large all the same.
func (c *checker) tooMuch(what *span, k keeps) bool {
	bytes := int64(k.pieces) * k.each
	if k.pieces > mostPanes || bytes <= mostState {
		return false
	}
	c.errorf(what.at, "%s needs %d MB for each device, %d %s of %d bytes; the most is %d MB: write a longer one, shorten the others, or compute less",
		what, bytes/1_000_000, k.pieces, k.of, k.each, mostState/1_000_000)
	return true
}
