package task

import (
	"fmt"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// timer is one device to look at again. It proves nothing by itself: the
// device's head says whether it is really due, so a reading need not move the
// timer of its device.
type timer struct {
	due  event.Time
	slot statestore.Slot
}

// before orders timers by deadline, then slot, so that expiry is deterministic.
func (t timer) before(o timer) bool {
	return t.due < o.due || t.due == o.due && t.slot < o.slot
}

// wheel is a hashed timing wheel (Varghese and Lauck 1987, scheme 6) whose
// current granule is a heap: a timer costs O(1) until its granule comes, and
// fires at its exact millisecond. Timers further ahead than the wheel is long
// wait in the bucket they fall into and go round again. A slot has one timer at
// most, so a bucket is a chain through an array by slot: where a whole fleet
// speaks at once, every bucket would in time have grown to hold all of it.
type wheel struct {
	granule event.Time
	current event.Time           // number of the granule in near
	near    []timer              // heap: timers of granules <= current
	buckets [wheelBuckets]uint32 // granules after current: 1 + the first slot of the chain; 0: none
	links   []link               // by slot
	far     int                  // timers in buckets
}

// link is a timer in a bucket.
type link struct {
	due  event.Time // 0: the slot has none
	next uint32     // 1 + the next slot of the chain; 0: none
	prev uint32     // 1 + the slot before it in the chain; 0: it is the first
}

const wheelBuckets = 256

// newWheel returns a wheel made for timers about span milliseconds ahead.
func newWheel(span event.Time) *wheel {
	return &wheel{granule: max(span/(wheelBuckets/2), 1)}
}

// add arms a timer; one that is already past fires at the next expiry.
func (w *wheel) add(t timer) {
	g := t.due / w.granule
	if g <= w.current {
		w.push(t)
		return
	}
	if missing := int(t.slot) + 1 - len(w.links); missing > 0 {
		w.links = append(w.links, make([]link, missing)...)
	}
	if due := w.links[t.slot].due; due != 0 {
		panic(fmt.Sprintf("task: slot %d has a timer at %d already, now one at %d", t.slot, due, t.due))
	}
	w.chain(g%wheelBuckets, t)
	w.far++
}

// chain puts a timer at the head of a bucket's chain.
func (w *wheel) chain(bucket event.Time, t timer) {
	first := &w.buckets[bucket]
	if *first != 0 {
		w.links[*first-1].prev = uint32(t.slot) + 1
	}
	w.links[t.slot], *first = link{due: t.due, next: *first}, uint32(t.slot)+1
}

// remove takes the timer of a slot out of its bucket. One whose granule has come is
// not found: the caller tells it by its deadline when it fires.
func (w *wheel) remove(slot statestore.Slot) {
	if int(slot) >= len(w.links) || w.links[slot].due == 0 {
		return
	}
	l := w.links[slot]
	w.links[slot] = link{}
	w.far--
	if l.next != 0 {
		w.links[l.next-1].prev = l.prev
	}
	if l.prev != 0 {
		w.links[l.prev-1].next = l.next
	} else {
		w.buckets[l.due/w.granule%wheelBuckets] = l.next
	}
}

// expire hands every timer due at now to fire, in order of deadline. What fire
// returns is armed again, if it says so; its deadline must then be a later one,
// and may have come as well.
func (w *wheel) expire(now event.Time, fire func(timer) (timer, bool)) {
	for w.soonest(now) != event.Never {
		if again, ok := fire(w.pop()); ok {
			w.add(again)
		}
	}
}

// soonest is when the first timer is due that is due at now, which pop then takes
// out; event.Never where none is.
func (w *wheel) soonest(now event.Time) event.Time {
	w.enter(now / w.granule)
	if len(w.near) == 0 || w.near[0].due > now {
		return event.Never
	}
	return w.near[0].due
}

// enter moves the granules up to g into the heap.
func (w *wheel) enter(g event.Time) {
	if g <= w.current {
		return
	}
	if w.far > 0 {
		from := max(w.current+1, g-wheelBuckets+1)
		for k := from; k <= g; k++ {
			w.drain(k%wheelBuckets, g)
		}
	}
	w.current = g
}

// drain moves a bucket's timers of granules up to g into the heap and keeps the rest.
func (w *wheel) drain(i, g event.Time) {
	chain := w.buckets[i]
	w.buckets[i] = 0
	for chain != 0 {
		slot, l := chain-1, &w.links[chain-1]
		chain = l.next
		if l.due/w.granule <= g {
			w.far--
			w.push(timer{slot: statestore.Slot(slot), due: l.due})
			*l = link{}
			continue
		}
		w.chain(i, timer{slot: statestore.Slot(slot), due: l.due})
	}
}

// next is a time before which expire would do nothing.
func (w *wheel) next() event.Time {
	n := event.Never
	if w.far > 0 {
		n = (w.current + 1) * w.granule
	}
	if len(w.near) > 0 {
		n = min(n, w.near[0].due)
	}
	return n
}

func (w *wheel) push(t timer) {
	w.near = append(w.near, t)
	for i := len(w.near) - 1; i > 0; {
		up := (i - 1) / 2
		if !w.near[i].before(w.near[up]) {
			return
		}
		w.near[i], w.near[up] = w.near[up], w.near[i]
		i = up
	}
}

func (w *wheel) pop() timer {
	top := w.near[0]
	n := len(w.near) - 1
	w.near[0] = w.near[n]
	w.near = w.near[:n]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < n; c++ {
			if w.near[c].before(w.near[least]) {
				least = c
			}
		}
		if least == i {
			return top
		}
		w.near[i], w.near[least] = w.near[least], w.near[i]
		i = least
	}
}
