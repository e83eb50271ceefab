package alerts

import (
	"errors"
	"fmt"
	"math"

	"github.com/weirstream/weir/event"
)

// MaxLevels is the greatest number of levels of one rule.
const MaxLevels = 15

// Level is one severity of a rule. Exactly one of Above and Below is set, or in
// PerDevice; it is never entered by a value equal to it.
type Level struct {
	Name string
	// Above and Below are the threshold that the value has to exceed, or to
	// fall short of.
	Above, Below *float64
	// ClearBelow (of an Above level) and ClearAbove (of a Below level) leave the
	// level once the value has passed them. Without one the level is left as
	// soon as its condition no longer holds.
	ClearBelow, ClearAbove *float64
	// PerDevice are those of the four that every device has for itself: Resolve
	// puts them in. They are nil above.
	PerDevice Fields
	// Hold is the event time, in milliseconds, that samples have to cover with
	// the condition true before the level is entered; 0 enters it at once.
	Hold event.Time
}

// OnGap says what a hole in the data is worth to a running hold.
type OnGap uint8

// What a hole does to a running hold.
const (
	Pause OnGap = iota // the hole is not counted
	Reset              // the hold starts over; an alert that was only pending returns to ok
	Hold               // the hole is counted as if the condition had held in it
)

// Spec is a rule as an operator writes it. The zero value has no level and does
// not compile.
type Spec struct {
	Name   string
	Levels []Level // lowest first
	// IdleAfter is the longest time in milliseconds between two samples that is
	// not a hole; 0 says that no time is one. A rule that sees one sample a
	// window has to allow for the time between two windows here.
	IdleAfter event.Time
	OnGap     OnGap
	// KeepFiring is how long, in milliseconds of event time, an alert goes on
	// firing (as recovering) after the last level has cleared; 0 resolves at once.
	KeepFiring event.Time
}

// Compile checks a rule and prepares it for folding. The error names the field
// as the pipeline file does, and its value.
func Compile(s Spec) (*Rule, error) {
	r, err := compile(s)
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", s.Name, err)
	}
	return r, nil
}

func compile(s Spec) (*Rule, error) {
	switch {
	case len(s.Levels) == 0:
		return nil, errors.New("levels: a rule needs at least one")
	case len(s.Levels) > MaxLevels:
		return nil, fmt.Errorf("levels: %d are too many, at most %d", len(s.Levels), MaxLevels)
	case s.IdleAfter < 0:
		return nil, fmt.Errorf("idle_after=%dms must not be negative", s.IdleAfter)
	case s.KeepFiring < 0:
		return nil, fmt.Errorf("keep_firing=%dms must not be negative", s.KeepFiring)
	case s.OnGap > Hold:
		return nil, fmt.Errorf("on_gap=%d must be pause, reset or hold", s.OnGap)
	}
	r := &Rule{sign: 1, idleAfter: s.IdleAfter, onGap: s.OnGap, keepFiring: s.KeepFiring}
	if s.Levels[0].falls() {
		r.sign = -1
	}
	r.firstHold = wordMissed
	if s.KeepFiring > 0 {
		r.firstHold++
	}
	r.words = r.firstHold
	for i, l := range s.Levels {
		if err := checkLevel(s.Levels, i); err != nil {
			return nil, err
		}
		c := compileLevel(l, r.sign)
		if l.Hold > 0 {
			c.slot = r.words
			r.words++
		}
		r.levels = append(r.levels, c)
		r.perDevice = r.perDevice || l.PerDevice != 0
	}
	r.lowest = r.leastEnter()
	return r, nil
}

// compileLevel turns a checked level into comparisons of sign*value, so that the
// machine knows only thresholds to rise above.
func compileLevel(l Level, sign float64) level {
	c := level{hold: l.Hold, clears: l.ClearBelow != nil || l.ClearAbove != nil || l.PerDevice.Has(ClearBelow) || l.PerDevice.Has(ClearAbove)}
	c.set(sign, Threshold{Enter: oneOf(l.Above, l.Below), Leave: oneOf(l.ClearBelow, l.ClearAbove)})
	return c
}

// oneOf returns the threshold that is set; NaN where none is.
func oneOf(a, b *float64) float64 {
	switch {
	case a != nil:
		return *a
	case b != nil:
		return *b
	default:
		return math.NaN()
	}
}

func checkLevel(all []Level, i int) error {
	l, path := all[i], levelPath(all, i)
	switch {
	case l.Above != nil && l.Below != nil:
		return fmt.Errorf("%s: above=%v and below=%v exclude each other", path, *l.Above, *l.Below)
	case l.PerDevice != 0:
		if err := checkPerDevice(l, path); err != nil {
			return err
		}
	case l.Above == nil && l.Below == nil:
		return fmt.Errorf("%s: a level needs above or below", path)
	}
	if l.Hold < 0 {
		return fmt.Errorf("%s.hold=%dms must not be negative", path, l.Hold)
	}
	for _, f := range []struct {
		name  string
		value *float64
	}{{"above", l.Above}, {"below", l.Below}, {"clear_below", l.ClearBelow}, {"clear_above", l.ClearAbove}} {
		if f.value != nil && (math.IsNaN(*f.value) || math.IsInf(*f.value, 0)) {
			return fmt.Errorf("%s.%s=%v must be a finite number", path, f.name, *f.value)
		}
	}
	if err := checkClear(l, path); err != nil {
		return err
	}
	if i == 0 {
		return nil
	}
	return checkOrder(l, path, all[i-1], levelPath(all, i-1))
}

func checkClear(l Level, path string) error {
	switch {
	case l.Above != nil && l.ClearAbove != nil:
		return fmt.Errorf("%s.clear_above=%v does not fit above=%v: use clear_below", path, *l.ClearAbove, *l.Above)
	case l.Below != nil && l.ClearBelow != nil:
		return fmt.Errorf("%s.clear_below=%v does not fit below=%v: use clear_above", path, *l.ClearBelow, *l.Below)
	case l.ClearBelow != nil && l.Above != nil && *l.ClearBelow > *l.Above:
		return fmt.Errorf("%s.clear_below=%v must not be greater than above=%v", path, *l.ClearBelow, *l.Above)
	case l.ClearAbove != nil && l.Below != nil && *l.ClearAbove < *l.Below:
		return fmt.Errorf("%s.clear_above=%v must not be less than below=%v", path, *l.ClearAbove, *l.Below)
	}
	return nil
}

// checkOrder compares a level with the one below it. Equal thresholds are fine:
// the same value is worse the longer it holds.
func checkOrder(l Level, path string, low Level, lowPath string) error {
	switch {
	case l.PerDevice|low.PerDevice != 0 && l.falls() != low.falls():
		return fmt.Errorf("%s points the other way than %s: use two rules", path, lowPath)
	case l.PerDevice.Has(Above) || l.PerDevice.Has(Below) || low.PerDevice.Has(Above) || low.PerDevice.Has(Below):
	case low.Above != nil && l.Above == nil:
		return fmt.Errorf("%s.below=%v points the other way than %s.above=%v: use two rules", path, *l.Below, lowPath, *low.Above)
	case low.Below != nil && l.Below == nil:
		return fmt.Errorf("%s.above=%v points the other way than %s.below=%v: use two rules", path, *l.Above, lowPath, *low.Below)
	case l.Above != nil && *l.Above < *low.Above:
		return fmt.Errorf("%s.above=%v must not be less than %s.above=%v: levels are written lowest first", path, *l.Above, lowPath, *low.Above)
	case l.Below != nil && *l.Below > *low.Below:
		return fmt.Errorf("%s.below=%v must not be greater than %s.below=%v: levels are written lowest first", path, *l.Below, lowPath, *low.Below)
	}
	return nil
}

func levelPath(all []Level, i int) string {
	if all[i].Name == "" {
		return fmt.Sprintf("levels[%d]", i)
	}
	return "levels." + all[i].Name
}
