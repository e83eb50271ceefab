package codec

import "math/bits"

// names finds a name among the declared ones: a hash table with linear probing
// over a name's first and last eight bytes, which tell names of up to sixteen
// apart without a look at the text. It never changes after newNames.
type names struct {
	slots []nameSlot // a power of two, at most a quarter used
	shift uint8      // 64 - log2(len(slots))
}

type nameSlot struct {
	head, tail uint64 // first and last eight bytes; tail is 0 for a shorter name
	name       string // empty: the slot is free
	index      int32  // -1 if free
}

// newNames gives each name of list its position as index. Empty ones are left
// out; the others must differ.
func newNames(list []string) names {
	size := 1 << bits.Len(uint(4*len(list)))
	n := names{slots: make([]nameSlot, size), shift: uint8(64 - bits.TrailingZeros(uint(size)))}
	for at := range n.slots {
		n.slots[at].index = -1
	}
	for i, name := range list {
		if name == "" {
			continue
		}
		slot := nameSlot{name: name, index: int32(i)}
		slot.head, slot.tail = edges([]byte(name))
		at := n.place(slot.head, slot.tail)
		for n.slots[at].name != "" {
			at = n.after(at)
		}
		n.slots[at] = slot
	}
	return n
}

// find returns the index of name, or -1.
func (n *names) find(name []byte) int32 {
	head, tail := edges(name)
	for at := n.place(head, tail); ; at = n.after(at) {
		slot := &n.slots[at]
		if slot.index < 0 || slot.head == head && slot.tail == tail && len(slot.name) == len(name) &&
			(len(name) <= 16 || slot.name == string(name)) {
			return slot.index
		}
	}
}

func (n *names) place(head, tail uint64) int {
	const golden = 0x9e3779b97f4a7c15 // 2^64 / phi: Knuth, TAOCP section 6.4, Fibonacci hashing
	return int((head ^ bits.RotateLeft64(tail, 29)) * golden >> n.shift)
}

func (n *names) after(at int) int {
	return (at + 1) & (len(n.slots) - 1)
}

func edges(name []byte) (head, tail uint64) {
	if len(name) < 8 {
		return prefix(name), 0
	}
	return load(name), load(name[len(name)-8:])
}
