package alerts

import (
	"fmt"
	"math"
)

// Fields are thresholds of a level, by the name that the pipeline file has for
// them.
type Fields uint8

// The thresholds of a level.
const (
	Above Fields = 1 << iota
	Below
	ClearBelow
	ClearAbove
)

// Has reports whether all of f are among the fields.
func (s Fields) Has(f Fields) bool { return s&f == f }

// Threshold is what one level has for one device: Enter stands for above or below,
// Leave for clear_below or clear_above and without meaning for a level that has
// neither. NaN: the device has none; the condition of the level then does not hold,
// and a level that is latched stays so.
type Threshold struct{ Enter, Leave float64 }

// PerDevice reports whether some threshold of the rule is the device's own: such
// a rule is not stepped itself, but what Resolve makes of it.
func (r *Rule) PerDevice() bool { return r.perDevice }

// Resolve makes the rule that a device with these thresholds has, one for each
// level, in memory of into, and returns into: all that a Rule can be asked can be
// asked of it, on the same words, until the next Resolve. It allocates nothing
// once into has served. Nobody checks that levels rise or clear below where they
// begin: each goes by its own thresholds whatever the others are.
func (r *Rule) Resolve(t []Threshold, into *Rule) *Rule {
	levels := append(into.levels[:0], r.levels...)
	*into = *r
	into.levels = levels
	for i := range levels {
		levels[i].set(r.sign, t[i])
	}
	into.lowest = into.leastEnter()
	return into
}

// set puts the thresholds of a level in.
func (l *level) set(sign float64, t Threshold) {
	l.threshold, l.enter = t.Enter, sign*t.Enter
	switch {
	case !l.clears:
		// x < leave is then exactly x <= enter: the condition does not hold.
		l.leave = math.Nextafter(l.enter, math.Inf(1))
	case t.Enter != t.Enter || t.Leave != t.Leave:
		// No comparison with NaN is true: the level is neither entered nor left.
		l.enter, l.leave = math.NaN(), math.NaN()
	default:
		l.leave = sign * t.Leave
	}
}

// leastEnter is what a value has to exceed to be of any interest in ok; NaN where
// no value is.
func (r *Rule) leastEnter() float64 {
	least := math.NaN()
	for i := range r.levels {
		if e := r.levels[i].enter; !(least <= e) && e == e {
			least = e
		}
	}
	return least
}

// falls reports whether the level is entered by falling values.
func (l *Level) falls() bool { return l.Below != nil || l.PerDevice.Has(Below) }

// checkPerDevice checks a level of which the device gives some thresholds.
func checkPerDevice(l Level, path string) error {
	var written Fields
	for _, f := range []struct {
		field Fields
		value *float64
	}{{Above, l.Above}, {Below, l.Below}, {ClearBelow, l.ClearBelow}, {ClearAbove, l.ClearAbove}} {
		if f.value != nil {
			written |= f.field
		}
	}
	all := written | l.PerDevice
	switch {
	case written&l.PerDevice != 0:
		return fmt.Errorf("%s: a threshold is written and per device as well", path)
	case all.Has(Above) == all.Has(Below):
		return fmt.Errorf("%s: a level needs either above or below", path)
	case all.Has(Above | ClearAbove), all.Has(Below | ClearBelow):
		return fmt.Errorf("%s: above goes with clear_below, below with clear_above", path)
	}
	return nil
}
