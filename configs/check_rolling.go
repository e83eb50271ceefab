package configs

import "github.com/weirstream/weir/event"

const (
	mostRolling  = 1000 // panes of a rolling window
	usualRolling = 50   // where no resolution is given
)

// speaksAlways reports whether a window speaks at every reading and never closes.
func (w *Window) speaksAlways() bool { return w.Kind == Count || w.Kind == Rolling }

// rolling checks a rolling window and gives it a resolution where the file has none.
func (c *checker) rolling(doc *rollingDoc, w *Window) {
	size, resolution := &doc.Size, &doc.Resolution
	if !size.ok() || resolution.bad {
		return
	}
	usual := usualResolution(w.Size)
	if !resolution.set && usual > 0 {
		resolution.fill(usual)
		w.Every = usual
	}
	switch {
	case w.Every == 0:
		c.errorf(size.at, "%s cannot be divided into %d to %d equal parts of whole milliseconds; take a rounder size, or write a resolution",
			size, usualRolling, mostRolling)
	case w.Every > w.Size:
		c.errorf(resolution.at, "%s must not be more than size=%s; %s is usual", resolution, size.show(), formatSpan(max(usual, 1)))
	case w.Size%w.Every != 0:
		c.errorf(resolution.at, "%s must divide size=%s; %s does", resolution, size.show(), formatSpan(divisorNear(w.Size, w.Every)))
	case w.Size/w.Every > mostRolling:
		c.errorf(resolution.at, "%s divides size=%s into %d panes, all of which every device keeps; the most is %d%s",
			resolution, size.show(), w.Size/w.Every, mostRolling, usually(usual))
	case int64(w.Size/w.Every+1)*paneBytes(w) > muchState:
		at := resolution.at
		if !resolution.set {
			at = size.at
		}
		c.warnf(at, "%s keeps %d panes of size=%s for each device, some %d kB, all of which are merged whenever it moves on; a longer one takes less memory and time",
			resolution, w.Size/w.Every, size.show(), int64(w.Size/w.Every+1)*paneBytes(w)/1000)
	}
}

// usualResolution is the longest that divides size and is at most a fiftieth of
// it; 1 ms where size is shorter than fifty of them, and 0 where none is long
// enough.
func usualResolution(size event.Time) event.Time {
	if size < usualRolling {
		return 1
	}
	for panes := event.Time(usualRolling); panes <= mostRolling; panes++ {
		if size%panes == 0 {
			return size / panes
		}
	}
	return 0
}

func usually(resolution event.Time) string {
	if resolution == 0 {
		return ""
	}
	return ": " + formatSpan(resolution) + " is usual"
}

// fill gives a default that depends on other settings.
func (p *span) fill(t event.Time) {
	p.value = t
	p.raw = formatSpan(t)
}
