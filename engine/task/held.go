package task

import (
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// heap has the least item first.
type heap[T any] struct {
	items  []T
	before func(a, b T) bool
}

func (h *heap[T]) push(item T) {
	h.items = append(h.items, item)
	for i := len(h.items) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.before(h.items[i], h.items[up]) {
			return
		}
		h.items[i], h.items[up] = h.items[up], h.items[i]
		i = up
	}
}

func (h *heap[T]) pop() T {
	top, n := h.items[0], len(h.items)-1
	h.items[0] = h.items[n]
	h.items = h.items[:n]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < n; c++ {
			if h.before(h.items[c], h.items[least]) {
				least = c
			}
		}
		if least == i {
			return top
		}
		h.items[i], h.items[least] = h.items[least], h.items[i]
		i = least
	}
}

// held knows the earliest end of a pane that some device has not sent yet. It
// follows from the state: after recovery the panes are looked through, and until
// that is done nothing can be said.
type held struct {
	bySlot []event.Time // end that the device makes the watermark wait for; Never: none; 0: not known
	count  map[event.Time]int
	ends   heap[event.Time] // all that have a count, and some that had
	scan   statestore.Slot  // slots below it are known
	bound  statestore.Slot  // those there were when the task began
}

func newHeld(bound statestore.Slot) *held {
	return &held{
		bound: bound, count: map[event.Time]int{},
		ends: heap[event.Time]{before: func(a, b event.Time) bool { return a < b }},
	}
}

// of is what the device in a slot waits with; 0 where that is not known.
func (h *held) of(s statestore.Slot) event.Time {
	if int(s) >= len(h.bySlot) {
		return 0
	}
	return h.bySlot[s]
}

// set notes what the device in a slot waits with; 0 forgets it.
func (h *held) set(s statestore.Slot, end event.Time) {
	for int(s) >= len(h.bySlot) {
		h.bySlot = append(h.bySlot, 0)
	}
	before := h.bySlot[s]
	if before == end {
		return
	}
	h.bySlot[s] = end
	if before != 0 && before != event.Never {
		if h.count[before]--; h.count[before] == 0 {
			delete(h.count, before)
		}
	}
	if end != 0 && end != event.Never {
		if h.count[end] == 0 {
			h.ends.push(end)
		}
		h.count[end]++
	}
}

// least is the earliest end that some device waits with, Never where none does;
// known is false while devices have not been looked at.
func (h *held) least() (end event.Time, known bool) {
	for len(h.ends.items) > 0 && h.count[h.ends.items[0]] == 0 {
		h.ends.pop()
	}
	if len(h.ends.items) == 0 {
		return event.Never, h.scan >= h.bound
	}
	return h.ends.items[0], h.scan >= h.bound
}
