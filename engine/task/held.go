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
	bySlot []event.Time    // end that the device makes the watermark wait for; Never: none; 0: not known
	ends   heap[timer]     // those ends; one that does not agree with bySlot is void
	scan   statestore.Slot // slots below it are known
	bound  statestore.Slot // those there were when the task began
}

func newHeld(bound statestore.Slot) *held {
	return &held{bound: bound, ends: heap[timer]{before: timer.before}}
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
	if h.bySlot[s] == end {
		return
	}
	h.bySlot[s] = end
	if end != 0 && end != event.Never {
		h.ends.push(timer{due: end, slot: s})
	}
}

// least is the earliest end that some device waits with and the slot of one that
// does, Never where none does.
func (h *held) least() timer {
	for len(h.ends.items) > 0 {
		if top := h.ends.items[0]; h.bySlot[top.slot] == top.due {
			return top
		}
		h.ends.pop()
	}
	return timer{due: event.Never}
}

// known is false while devices have not been looked at.
func (h *held) known() bool { return h.scan >= h.bound }
