package window

import (
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// times is a state that every pane of a ring can have before those of its
// aggregates: the times of its first and of its last reading, 2 words. No name in
// a pipeline file stands for it.
type times struct{}

const timesWords = 2

func (times) Name() string  { return "times" }
func (times) State() string { return "times" }
func (times) Words() int    { return timesWords }

func (times) Fold(w []uint64, s aggregate.Sample) {
	if s.First || s.Time < event.Time(w[0]) {
		w[0] = uint64(s.Time)
	}
	if s.First || s.Time > event.Time(w[1]) {
		w[1] = uint64(s.Time)
	}
}

func (times) Merge(dst, src []uint64, m aggregate.Merge) {
	if m.First || event.Time(src[0]) < event.Time(dst[0]) {
		dst[0] = src[0]
	}
	if m.First || event.Time(src[1]) > event.Time(dst[1]) {
		dst[1] = src[1]
	}
}

func (times) Result([]uint64, uint64) float64 { return 0 }

// tellParts gives a ring room for the words of Told, where it needs any.
func (r *Ring) tellParts(s Spec) {
	if s.Parts {
		return
	}
	for i := range r.folds {
		if aggregate.Condenses(r.folds[i].Aggregate) {
			r.told = make([]uint64, 0, r.words)
			return
		}
	}
}

// Told is a partial as it is told to who absorbs it, in a ring that has Parts set:
// what holds the order of readings of one device is condensed. Its words are those
// of the partial or the ring's, valid until the next call.
func (r *Ring) Told(p Partial) Partial {
	if r.told == nil {
		return p
	}
	r.told = r.told[:0]
	for i := range r.folds {
		f := &r.folds[i]
		if f.from < f.to {
			r.told = aggregate.Condense(r.told, f.Aggregate, p.Words[f.from-paneWords:f.to-paneWords])
		}
	}
	p.Words = r.told
	return p
}

// Alone is what a pane would hold in which there is one reading and nothing else,
// valid until the next call of any method.
func (r *Ring) Alone(t event.Time, v float64) Partial {
	clear(r.scratch)
	for i := range r.folds {
		f := &r.folds[i]
		if f.from < f.to {
			f.Fold(r.scratch[f.from:f.to], aggregate.Sample{Time: t, Value: v, First: true})
		}
	}
	start, end := r.Pane(t)
	return Partial{Start: start, End: end, Count: 1, Words: r.scratch[paneWords:]}
}
