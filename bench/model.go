package main

import "slices"

// kind is what a tuple is of.
type kind uint8

const (
	tenKind kind = iota // tumbling 10 s
	hopKind             // hopping 60 s every 10 s
	firingKind
	resolvedKind
	kinds
)

func (k kind) String() string {
	return [...]string{"ten", "hop", "firing", "resolved"}[k]
}

const (
	tenSizeMs  = 10_000
	hopSizeMs  = 60_000
	hopEveryMs = 10_000
	beyondMs   = 70_000 // windows that end later than this behind the body are not compared
)

// key names a result: a window by its start, an alert event by its time.
type key struct {
	device int32
	kind   kind
	at     int64
}

// tuple is a result with its key. A hop has a mean only; an alert's value is its mean.
type tuple struct {
	key
	count          int32
	mean, min, max float64
}

// expect is what must come out for one device: its readings in the order of arrival, folded in the plainest way there is. Windows that end
// after the horizon are left out.
func expect(readings []reading, horizonMs int64) []tuple {
	out := windowsOf(readings, tenKind, span{size: tenSizeMs, every: tenSizeMs, horizon: horizonMs})
	out = append(out, windowsOf(readings, hopKind, span{size: hopSizeMs, every: hopEveryMs, horizon: horizonMs})...)
	return append(out, alertsOf(readings)...)
}

type span struct{ size, every, horizon int64 }

func windowsOf(readings []reading, k kind, s span) []tuple {
	held := map[int64][]float64{}
	var starts []int64
	for _, r := range readings {
		last := r.ts - r.ts%s.every
		for start := last; start > r.ts-s.size; start -= s.every {
			if start+s.size > s.horizon {
				continue
			}
			if held[start] == nil {
				starts = append(starts, start)
			}
			held[start] = append(held[start], r.value())
		}
	}
	slices.Sort(starts)
	var out []tuple
	for _, start := range starts {
		values := held[start]
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		t := tuple{key: key{readings[0].device, k, start}, mean: sum / float64(len(values))}
		if k == tenKind {
			t.count, t.min, t.max = int32(len(values)), slices.Min(values), slices.Max(values)
		}
		out = append(out, t)
	}
	return out
}

func alertsOf(readings []reading) []tuple {
	var out []tuple
	firing, newest := false, int64(0)
	for _, r := range readings {
		if r.ts < newest {
			continue
		}
		newest = r.ts
		k := firingKind
		switch {
		case !firing && r.value() > firingAbove:
			firing = true
		case firing && r.value() < resolvedBelow:
			firing, k = false, resolvedKind
		default:
			continue
		}
		out = append(out, tuple{key: key{r.device, k, r.ts}, mean: r.value()})
	}
	return out
}
