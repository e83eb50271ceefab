package oracle

import (
	"slices"

	"github.com/weirstream/weir/event"
)

// mostMoments is how many event times of a device and metric are remembered.
const mostMoments = 63

// moments recognises repeats by their event time. They are the greatest times
// seen, ascending.
type moments []event.Time

// repeated judges a reading by its time and remembers it if it is new.
func (m *moments) repeated(t, remember event.Time) bool {
	all := *m
	at, known := slices.BinarySearch(all, t)
	switch {
	case known:
		return true
	case len(all) > 0 && t < all[len(all)-1]-remember, len(all) == mostMoments && at == 0:
		return false // too old to tell: new, and not remembered
	}
	all = slices.Insert(all, at, t)
	if len(all) > mostMoments {
		all = slices.Delete(all, 0, 1)
	}
	*m = all
	return false
}
