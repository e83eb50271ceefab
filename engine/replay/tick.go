package replay

import (
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// tick is when wall time has to enter the tasks of devices, beside their timers, so that
// the groups' clock moves on while nothing comes: when a pane of a window is over and
// its readings need not be waited for any more.
type tick struct {
	pane, offset event.Time
	wait         event.Time
}

const (
	leastTick = 1_000       // watermarks move by a second at least
	zoneTick  = 15 * 60_000 // in which days of all zones begin
	countTick = 60_000      // count windows have no panes; watermarks are for what is to be forgotten
)

// ticksOf are those of a pipeline's windows over several devices, each once.
func ticksOf(p *configs.Pipeline) []tick {
	var all []tick
	seen := map[tick]bool{}
	add := func(k tick) {
		if !seen[k] {
			seen[k] = true
			all = append(all, k)
		}
	}
	for i := range p.Windows {
		w := &p.Windows[i]
		if !w.Grouped() {
			continue
		}
		k := tick{pane: w.GroupPane(), wait: p.Time.WaitForLate}
		switch {
		case w.Kind == configs.Count:
			k.pane = countTick
		case w.Location != nil:
			k.pane = zoneTick
		case k.pane < leastTick:
			k.pane = leastTick
		default:
			k.offset = w.Offset % k.pane
		}
		add(k)
	}
	if len(all) > 0 { // a clock that moves must not seem to stand still
		add(tick{pane: max(p.Time.IdleAfter/4, leastTick)})
	}
	return all
}

// after is the first tick after a moment.
func (k tick) after(now event.Time) event.Time {
	since := now - k.wait - k.offset
	return now + k.pane - ((since%k.pane)+k.pane)%k.pane
}

// nextTick is when wall time has to enter next, event.Never where no window needs it.
func (w *Works) nextTick() event.Time {
	next := event.Never
	for _, k := range w.ticks {
		next = min(next, k.after(w.now))
	}
	return next
}
