package statestore

import (
	"bytes"
	"fmt"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// maxName is the longest name in bytes; far above event.MaxDevice, so that a
// table never is what refuses a device.
const maxName = 1<<16 - 1

// names maps device names to slots and back.
//
// Names lie in an arena that only grows at its end; what dropped devices leave
// behind is squeezed out by copying to a new arena, so a name handed out stays
// readable for as long as someone holds it. The index is a table of words with
// linear probing: 32 bits of hash above, slot + 1 below, 0 is empty. A lookup
// that misses touches one cache line and no name.
type names struct {
	arena   []byte
	refs    []uint64 // by slot: offset<<16 | length
	bitmap  []uint64 // by slot: is it live
	index   []uint64
	count   int
	garbage int  // bytes of the arena that no live name uses
	free    Slot // no slot below is free
}

const minIndex = 64

func (n *names) bound() Slot { return Slot(len(n.refs)) }

func (n *names) live(s Slot) bool {
	return int(s>>6) < len(n.bitmap) && n.bitmap[s>>6]>>(s&63)&1 != 0
}

func (n *names) name(s Slot) []byte {
	ref := n.refs[s]
	from := ref >> 16
	to := from + ref&maxName
	return n.arena[from:to:to]
}

// grow makes room for slots below bound.
func (n *names) grow(bound Slot) {
	if missing := int(bound) - len(n.refs); missing > 0 {
		n.refs = append(n.refs, make([]uint64, missing)...)
	}
	if missing := (int(bound)+63)/64 - len(n.bitmap); missing > 0 {
		n.bitmap = append(n.bitmap, make([]uint64, missing)...)
	}
}

// set names a slot without telling the index.
func (n *names) set(s Slot, name []byte) {
	if n.live(s) {
		if bytes.Equal(n.name(s), name) {
			return
		}
		n.unset(s)
	}
	n.refs[s] = uint64(len(n.arena))<<16 | uint64(len(name))
	n.arena = append(n.arena, name...)
	n.bitmap[s>>6] |= 1 << (s & 63)
	n.count++
}

// unset takes a slot's name away without telling the index.
func (n *names) unset(s Slot) {
	if !n.live(s) {
		return
	}
	n.garbage += int(n.refs[s] & maxName)
	n.refs[s] = 0
	n.bitmap[s>>6] &^= 1 << (s & 63)
	n.count--
	n.free = min(n.free, s)
	if n.garbage > 1<<16 && n.garbage > len(n.arena)/2 {
		n.squeeze()
	}
}

// squeeze copies the live names to a new arena.
func (n *names) squeeze() {
	arena := make([]byte, 0, len(n.arena)-n.garbage+1<<12)
	for s := range n.refs {
		if !n.live(Slot(s)) {
			continue
		}
		name := n.name(Slot(s))
		n.refs[s] = uint64(len(arena))<<16 | uint64(len(name))
		arena = append(arena, name...)
	}
	n.arena, n.garbage = arena, 0
}

// vacant is the lowest slot without a device.
func (n *names) vacant() Slot {
	for w := int(n.free >> 6); w < len(n.bitmap); w++ {
		if n.bitmap[w] != ^uint64(0) {
			n.free = Slot(w<<6 + bits.TrailingZeros64(^n.bitmap[w]))
			return n.free
		}
	}
	n.free = Slot(len(n.bitmap) << 6)
	return n.free
}

func hashName(name []byte) uint64 { return xxhash.Sum64(name) &^ (1<<32 - 1) }

func (n *names) lookup(name []byte) (Slot, bool) { return n.find(hashName(name), name) }

// touch reads what find will read of a name with that hash, the given number of steps far: the index, the reference, the name. Each step needs
// what the one before brought from memory.
func (n *names) touch(h uint64, steps int) uint64 {
	if len(n.index) == 0 {
		return 0
	}
	e := n.index[h>>32&uint64(len(n.index)-1)]
	if steps == 1 || e == 0 {
		return e
	}
	ref := n.refs[uint32(e)-1]
	if at := ref >> 16; steps == 3 && at < uint64(len(n.arena)) {
		return uint64(n.arena[at])
	}
	return ref
}

func (n *names) find(h uint64, name []byte) (Slot, bool) {
	if len(n.index) == 0 {
		return 0, false
	}
	mask := uint64(len(n.index) - 1)
	for i := h >> 32 & mask; ; i = (i + 1) & mask {
		e := n.index[i]
		if e == 0 {
			return 0, false
		}
		if e&^(1<<32-1) == h {
			s := Slot(uint32(e)) - 1
			if bytes.Equal(n.name(s), name) {
				return s, true
			}
		}
	}
}

// link puts a named slot into the index.
func (n *names) link(s Slot) {
	ok := false
	if 4*(n.count+1) > 3*len(n.index) {
		_, ok = n.reindex()
	} else {
		ok = n.place(s)
	}
	if !ok {
		panic(fmt.Sprintf("statestore: device %q is added twice", n.name(s)))
	}
}

// place writes an entry at the first free place; false where the name is there
// already.
func (n *names) place(s Slot) bool {
	h := hashName(n.name(s))
	mask := uint64(len(n.index) - 1)
	i := h >> 32 & mask
	for ; n.index[i] != 0; i = (i + 1) & mask {
		if e := n.index[i]; e&^(1<<32-1) == h && bytes.Equal(n.name(Slot(uint32(e))-1), n.name(s)) {
			return false
		}
	}
	n.index[i] = h | uint64(s+1)
	return true
}

// reindex builds the index anew from the names. It gives false, and the slot,
// where a name appears twice.
func (n *names) reindex() (Slot, bool) {
	size := minIndex
	for size < 2*(n.count+1) {
		size *= 2
	}
	n.index = make([]uint64, size)
	for w, word := range n.bitmap {
		for ; word != 0; word &= word - 1 {
			s := Slot(w<<6 + bits.TrailingZeros64(word))
			if !n.place(s) {
				return s, false
			}
		}
	}
	return 0, true
}

// unlink takes a slot out of the index, moving later entries of its run back
// so that no tombstone is needed (Knuth, TAOCP volume 3, section 6.4,
// algorithm R).
func (n *names) unlink(s Slot) {
	mask := uint64(len(n.index) - 1)
	i := hashName(n.name(s)) >> 32 & mask
	for Slot(uint32(n.index[i]))-1 != s {
		if n.index[i] == 0 {
			panic(fmt.Sprintf("statestore: slot %d is not in the index", s))
		}
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		e := n.index[j]
		if e == 0 {
			break
		}
		if home := e >> 32 & mask; (j-home)&mask >= (j-i)&mask {
			n.index[i] = e
			i = j
		}
	}
	n.index[i] = 0
}
