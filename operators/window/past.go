package window

import (
	"slices"

	"github.com/weirstream/weir/event"
)

// Past says which closed windows to look at.
type Past struct {
	Window int        // index into the ring's specs
	Clock  event.Time // of the device: windows with end + wait_for_late <= Clock have closed
	Most   int        // windows
	Panes  int        // that may be looked at; a window that would need more ends the list
}

// Past returns the windows that have closed for good and of which every pane is still held, oldest first; windows without
// readings are left out. What a ring still holds follows from its length: of a tumbling window the last one or two, more with
// allow_backfill or beside a longer window. It is for people to look at: nothing is written, and the results are the caller's.
func (r *Ring) Past(words []uint64, o Past) []Result {
	newest, ok := r.newestPane(words)
	if !ok {
		return nil
	}
	oldest := newest - r.cells + 1 // what is older may have given its cell to a newer pane
	w := &r.windows[o.Window]
	var found []Result
	end := r.before(w, w.firstEnd(o.Clock-r.time.WaitForLate))
	for len(found) < o.Most {
		first := r.firstPane(o.Window, end)
		if o.Panes -= int(r.paneOf(end) - first); first < oldest || o.Panes < 0 {
			break
		}
		values := make([]float64, len(w.slices))
		if n := r.compute(words, o.Window, end, values); n > 0 {
			found = append(found, Result{Window: o.Window, Start: w.start(end), End: end, Count: n, Values: values, Final: true})
		}
		end = r.before(w, end)
	}
	slices.Reverse(found)
	return found
}

// before is the end of the window before the one that ends at end.
func (r *Ring) before(w *ringWindow, end event.Time) event.Time {
	if w.days != nil {
		return w.days.startOf(end)
	}
	return end - w.every
}

// newestPane is the greatest number of a pane that the row holds; false where it holds none.
func (r *Ring) newestPane(words []uint64) (newest int64, ok bool) {
	for from := 0; from < len(words); from += r.words {
		cell := words[from : from+r.words]
		if cell[0]&numberMask != 0 && (!ok || paneNumber(cell) > newest) {
			newest, ok = paneNumber(cell), true
		}
	}
	return newest, ok
}
