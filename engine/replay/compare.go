package replay

import (
	"cmp"
	"slices"

	"github.com/weirstream/weir/event"
)

// Change says how an episode of two runs over one history differs.
type Change uint8

// The changes. Two episodes of one rule and device are the same one where the times
// in which they fire overlap.
const (
	Same     Change = iota // fires at the same times and at the same level
	Changed                // fires at other times or at another level
	OnlyThen               // the first run alone has it
	OnlyNow                // the second run alone has it
)

// Pair is one episode in two runs; nil where a run does not have it.
type Pair struct {
	Change    Change
	Then, Now *Episode
}

// Compare pairs the episodes that fired in two runs, each in the order of Close.
// The pairs are in the order of their starts.
func Compare(then, now []Episode) []Pair {
	type series struct{ rule, device string }
	type both struct{ then, now []*Episode }
	by := map[series]*both{}
	var order []series
	collect := func(all []Episode, add func(*both, *Episode)) {
		for i := range all {
			e := &all[i]
			if !e.Fired {
				continue
			}
			k := series{e.Rule, e.Device}
			if by[k] == nil {
				by[k], order = &both{}, append(order, k)
			}
			add(by[k], e)
		}
	}
	collect(then, func(b *both, e *Episode) { b.then = append(b.then, e) })
	collect(now, func(b *both, e *Episode) { b.now = append(b.now, e) })
	var pairs []Pair
	for _, k := range order {
		pairs = append(pairs, match(by[k].then, by[k].now)...)
	}
	slices.SortStableFunc(pairs, func(a, b Pair) int {
		x, y := a.first(), b.first()
		return cmp.Or(cmp.Compare(x.Start, y.Start), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Device, y.Device))
	})
	return pairs
}

// match pairs the episodes of one rule and device.
func match(then, now []*Episode) (pairs []Pair) {
	for len(then) > 0 || len(now) > 0 {
		switch {
		case len(now) == 0 || len(then) > 0 && then[0].over() <= now[0].Start:
			pairs, then = append(pairs, Pair{OnlyThen, then[0], nil}), then[1:]
		case len(then) == 0 || now[0].over() <= then[0].Start:
			pairs, now = append(pairs, Pair{OnlyNow, nil, now[0]}), now[1:]
		default:
			p := Pair{Changed, then[0], now[0]}
			if p.Then.Start == p.Now.Start && p.Then.End == p.Now.End && p.Then.Open == p.Now.Open && p.Then.Level == p.Now.Level {
				p.Change = Same
			}
			pairs, then, now = append(pairs, p), then[1:], now[1:]
		}
	}
	return pairs
}

// over is the first moment at which it does not fire any more; one that fired for
// no time at all takes a millisecond.
func (e *Episode) over() event.Time { return max(e.End, e.Start+1) }

func (p *Pair) first() *Episode {
	if p.Then != nil {
		return p.Then
	}
	return p.Now
}
