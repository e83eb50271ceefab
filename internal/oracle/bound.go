package oracle

import (
	"math"

	"github.com/weirstream/weir/configs"
)

// bound is what a level is for one device at one time: its thresholds may be the
// device's labels.
type bound struct {
	above        bool
	enter, leave float64
	known        bool // enter is
	hasLeave     bool // there is a threshold of its own to leave the level by, and
	leaveKnown   bool // the device has it
}

// bounds are those of the levels of a rule, lowest first.
func (t *task) bounds(device string, rule int) []bound {
	levels := t.p.Rules[rule].Levels
	all := make([]bound, len(levels))
	for i := range levels {
		all[i] = t.bound(device, &levels[i])
	}
	return all
}

func (t *task) bound(device string, l *configs.Level) (b bound) {
	b.above = l.Above != nil || l.Labels["above"] != ""
	leaves := l.ClearAbove
	name := "clear_above"
	if b.above {
		b.enter, b.known = t.limit(device, l.Above, l.Labels["above"])
		leaves, name = l.ClearBelow, "clear_below"
	} else {
		b.enter, b.known = t.limit(device, l.Below, l.Labels["below"])
	}
	b.hasLeave = leaves != nil || l.Labels[name] != ""
	b.leave, b.leaveKnown = t.limit(device, leaves, l.Labels[name])
	return b
}

// limit is a threshold, as written in the pipeline or as the label of that name.
func (t *task) limit(device string, written *float64, label string) (float64, bool) {
	if written != nil {
		return *written, true
	}
	if label == "" {
		return 0, false
	}
	return t.roster.number(device, label)
}

// whole reports whether the device has all thresholds of the level: otherwise it is
// neither entered nor left.
func (b bound) whole() bool { return b.known && (b.leaveKnown || !b.hasLeave) }

// crossed reports whether a value is beyond the threshold of the level.
func (b bound) crossed(v float64) bool {
	switch {
	case !b.whole():
		return false
	case b.above:
		return v > b.enter
	default:
		return v < b.enter
	}
}

// cleared reports whether a value ends the level that was entered.
func (b bound) cleared(v float64) bool {
	switch {
	case !b.whole():
		return false
	case !b.hasLeave:
		return !b.crossed(v)
	case b.above:
		return v < b.leave
	default:
		return v > b.leave
	}
}

// threshold is what a level begins at for a device; NaN where a label should tell
// and the device has none. That of a rule on silence is in seconds.
func (t *task) threshold(d *device, rule, level int) float64 {
	if silence := t.p.Rules[rule].NoData; silence != nil {
		return seconds(silence.After)
	}
	b := t.bound(d.name, &t.p.Rules[rule].Levels[level])
	if !b.known {
		return math.NaN()
	}
	return b.enter
}
