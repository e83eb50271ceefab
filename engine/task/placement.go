package task

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// placement is where windows of time begin, as a part of the name of their
// column: panes of others mean other times.
func placement(w *configs.Window) string {
	switch {
	case w.Location != nil:
		return fmt.Sprintf("+%d@%s", w.Offset, w.Location)
	case w.Offset > 0:
		return fmt.Sprintf("+%d", w.Offset)
	default:
		return ""
	}
}

// rollingColumn is the name of a rolling window's column.
func rollingColumn(metric string, w *configs.Window) string {
	return fmt.Sprintf("rolling %s %s/%d/%d/%s", metric, w.Name, w.Size, w.Every, strings.Join(w.Compute, ","))
}

// dayDistance stands for the distance of two calendar days: more than any day
// takes, with clocks put back by as much as three hours, and less than any two.
const dayDistance = event.Time(36 * hour)

// distance is how far apart two results of a window are in time where none is
// missing; 0 where it speaks at every reading.
func distance(w *configs.Window) event.Time {
	switch {
	case follows(w.Kind):
		return 0
	case w.Location != nil:
		return dayDistance
	default:
		return w.Every
	}
}
