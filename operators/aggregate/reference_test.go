package aggregate_test

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// halfLife is that of ewma in these tests, in milliseconds.
const halfLife = 2500

// percentiles stand for all.
func percentiles() []string { return []string{"p5", "p05", "p50", "p95", "p99", "p999", "p00"} }

func everyName() []string { return append(aggregate.Names(), percentiles()...) }

type reading struct {
	time  event.Time
	value float64
}

// truth is what the dumb way needs of a window: the readings by time and the
// values by size, and sums of 300 bits.
type truth struct {
	byTime []reading // ties in order of arrival
	sorted []float64
	inPane bool // no reading came after more than 14 later ones

	n, sum, magnitudes, mean, squares, area, areaMagnitudes *big.Float
	faded, timeSquares, products                            *big.Float
}

func newTruth(arrived []reading) *truth {
	t := &truth{byTime: slices.Clone(arrived), inPane: inPane(arrived)}
	slices.SortStableFunc(t.byTime, func(a, b reading) int { return cmp.Compare(a.time, b.time) })
	for _, r := range arrived {
		t.sorted = append(t.sorted, r.value)
	}
	slices.Sort(t.sorted)
	t.n = wide(float64(len(arrived)))
	t.sum, t.magnitudes, t.squares, t.area, t.areaMagnitudes = wide(0), wide(0), wide(0), wide(0), wide(0)
	t.faded, t.timeSquares, t.products = wide(0), wide(0), wide(0)
	v, times, scratch := wide(0), wide(0), wide(0)
	for _, r := range t.byTime {
		v.SetFloat64(r.value)
		t.sum.Add(t.sum, v)
		t.magnitudes.Add(t.magnitudes, scratch.Abs(v))
		times.Add(times, scratch.SetFloat64(float64(r.time)))
	}
	t.mean = wide(0).Quo(t.sum, t.n)
	t.second(wide(0).Quo(times, t.n))
	return t
}

// second goes through the readings again, when their means are known.
func (t *truth) second(meanTime *big.Float) {
	newest := t.byTime[len(t.byTime)-1].time
	weights, weighted := 0.0, wide(0)
	dt, dv, p := wide(0), wide(0), wide(0)
	for i, r := range t.byTime {
		dv.Sub(dv.SetFloat64(r.value), t.mean)
		t.squares.Add(t.squares, p.Mul(dv, dv))
		dt.Sub(dt.SetFloat64(float64(r.time)), meanTime)
		t.products.Add(t.products, p.Mul(dt, dv))
		t.timeSquares.Add(t.timeSquares, p.Mul(dt, dt))
		weight := math.Exp2(-float64(newest-r.time) / halfLife)
		weights += weight
		weighted.Add(weighted, p.Mul(dt.SetFloat64(weight), dv.SetFloat64(r.value)))
		if i == 0 {
			continue
		}
		before := t.byTime[i-1]
		half := float64(r.time-before.time) / 2000
		p.Add(dv.SetFloat64(r.value), dt.SetFloat64(before.value))
		t.area.Add(t.area, p.Mul(p, dt.SetFloat64(half)))
		p.Add(dv.SetFloat64(math.Abs(r.value)), dt.SetFloat64(math.Abs(before.value)))
		t.areaMagnitudes.Add(t.areaMagnitudes, p.Mul(p, dt.SetFloat64(half)))
	}
	t.faded.Quo(weighted, wide(weights))
}

func wide(v float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(v) }

// nearest is the float64 nearest to b.
func nearest(b *big.Float) float64 {
	v, _ := b.Float64()
	return max(-math.MaxFloat64, min(v, math.MaxFloat64))
}

// answer is a result and how far from it another may be; it is not compared where
// that is infinite.
type answer struct{ want, tolerance float64 }

// of works out one aggregate from its definition.
func (t *truth) of(name string) answer {
	n := len(t.byTime)
	first, last := t.byTime[0], t.byTime[n-1]
	least, greatest := t.sorted[0], t.sorted[n-1]
	magnitude := max(math.Abs(least), math.Abs(greatest))
	seconds := float64(last.time-first.time) / 1000
	spread := wide(0).Sub(wide(greatest), wide(least))
	switch name {
	case "count":
		return answer{want: float64(n)}
	case "sum":
		return answer{nearest(t.sum), infinite(t.magnitudes) + 1e-14*nearest(t.magnitudes)}
	case "mean":
		return answer{nearest(t.mean), infinite(t.magnitudes) + 1e-14*nearest(t.magnitudes)/float64(n)}
	case "min":
		return answer{want: least}
	case "max":
		return answer{want: greatest}
	case "range":
		return answer{want: nearest(spread)}
	case "first":
		return answer{want: first.value}
	case "last":
		return answer{want: last.value}
	case "delta":
		return answer{want: nearest(wide(0).Sub(wide(last.value), wide(first.value)))}
	case "rate":
		if seconds == 0 {
			return answer{}
		}
		rate := wide(0).Sub(wide(last.value), wide(first.value))
		want := nearest(rate.Quo(rate, wide(seconds)))
		return answer{want, 1e-9 * math.Abs(want)}
	case "variance", "stddev":
		return t.variance(name)
	case "mode":
		return t.mode()
	case "distinct":
		d := float64(len(slices.Compact(slices.Clone(t.sorted))))
		if d <= 120 {
			return answer{want: d}
		}
		return answer{d, 0.15 * d}
	case "ewma":
		return answer{nearest(t.faded), 1e-9 * magnitude}
	case "slope":
		if seconds == 0 {
			return answer{}
		}
		want := nearest(wide(0).Mul(wide(0).Quo(t.products, t.timeSquares), wide(1000)))
		return answer{want, 1e-6*math.Abs(want) + 1e-9*nearest(spread.Quo(spread, wide(seconds))) + 1e-300}
	case "integral", "time_weighted_mean":
		return t.lines(name, answer{seconds, magnitude})
	}
	return t.quantile(name)
}

func infinite(b *big.Float) float64 {
	if v, _ := b.Float64(); math.IsInf(v, 0) {
		return v
	}
	return 0
}

func (t *truth) variance(name string) answer {
	if len(t.byTime) == 1 {
		return answer{}
	}
	v := wide(0).Quo(t.squares, wide(float64(len(t.byTime)-1)))
	if name == "variance" {
		// Squares of less than 1e-154 are below the least float64.
		return answer{nearest(v), 1e-9*nearest(v) + 1e-300}
	}
	want := nearest(v.Sqrt(v))
	return answer{want, 1e-9*want + 1e-150}
}

func (t *truth) mode() answer {
	best, most, different := 0.0, 0, 0
	for i := 0; i < len(t.sorted); {
		j := i
		for j < len(t.sorted) && t.sorted[j] == t.sorted[i] {
			j++
		}
		different++
		if j-i > most {
			best, most = t.sorted[i], j-i
		}
		i = j
	}
	if different > 32 {
		return answer{0, math.Inf(1)}
	}
	return answer{want: best}
}

// lines takes the span in seconds and the greatest magnitude.
func (t *truth) lines(name string, a answer) answer {
	seconds, magnitude := a.want, a.tolerance
	switch {
	case !t.inPane:
		return answer{0, math.Inf(1)}
	case name == "integral":
		return answer{nearest(t.area), 1e-9*nearest(t.areaMagnitudes) + 1e-323}
	case seconds == 0:
		return answer{nearest(t.mean), infinite(t.magnitudes) + 1e-9*magnitude}
	}
	return answer{nearest(wide(0).Quo(t.area, wide(seconds))), 1e-9*magnitude + 1e-323}
}

func (t *truth) quantile(name string) answer {
	q := big.NewRat(1, 2)
	if name != "median" {
		q, _ = new(big.Rat).SetString("0." + strings.TrimPrefix(name, "p"))
	}
	rank := q.Mul(q, big.NewRat(int64(len(t.sorted)-1), 1))
	x := t.sorted[new(big.Int).Quo(rank.Num(), rank.Denom()).Int64()]
	if math.Abs(x) < 1e-100 {
		return answer{x, 1e-100}
	}
	_, a := t.level()
	return answer{x, a*math.Abs(x)*(1+1e-9) + 1e-100}
}

// level is the least at which the values fall into at most 126 buckets, and the
// error there.
func (t *truth) level() (level int, a float64) {
	type bucket struct{ sign, index int }
	seen := map[bucket]bool{}
	a = 0.01
	for _, v := range t.sorted {
		switch {
		case math.Abs(v) < 1e-100:
			seen[bucket{}] = true
		default:
			seen[bucket{cmp.Compare(v, 0), int(math.Ceil(math.Log(math.Abs(v)) / math.Log(1.01/0.99)))}] = true
		}
	}
	for ; len(seen) > 126; level++ {
		joined := map[bucket]bool{}
		for b := range seen {
			b.index = int(math.Ceil(float64(b.index) / 2))
			joined[b] = true
		}
		seen, a = joined, 2*a/(1+a*a)
	}
	return level, a
}

// inPane reports whether no reading came after more than 14 later ones.
func inPane(arrived []reading) bool {
	var newest []event.Time // the 15 newest, ascending
	for _, r := range arrived {
		at, _ := slices.BinarySearch(newest, r.time+1)
		if at == 0 && len(newest) == 15 {
			return false
		}
		newest = slices.Insert(newest, at, r.time)
		newest = newest[max(0, len(newest)-15):]
	}
	return true
}
