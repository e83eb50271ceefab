package roster

import (
	"bytes"

	"github.com/cespare/xxhash/v2"
)

// index finds devices by name: open addressing with linear probing, of which at
// most half is taken. A slot holds the place of the device plus one. A map would
// keep a header of 16 bytes for every name.
type index struct {
	slots []uint32 // a power of two many; 0: free
	used  int
}

const leastSlots = 16

// find returns the place of a device, or -1.
func (x *index) find(r *Roster, device []byte) int {
	if len(x.slots) == 0 {
		return -1
	}
	mask := uint64(len(x.slots) - 1)
	for at := xxhash.Sum64(device) & mask; ; at = (at + 1) & mask {
		switch i := int(x.slots[at]) - 1; {
		case i < 0:
			return -1
		case bytes.Equal(r.name(i), device):
			return i
		}
	}
}

// add enters the device at place i, which is not in it yet.
func (x *index) add(r *Roster, i int) {
	if 2*(x.used+1) > len(x.slots) {
		x.grow(r)
	}
	x.put(r, i)
	x.used++
}

func (x *index) put(r *Roster, i int) {
	mask := uint64(len(x.slots) - 1)
	at := xxhash.Sum64(r.name(i)) & mask
	for x.slots[at] != 0 {
		at = (at + 1) & mask
	}
	x.slots[at] = uint32(i + 1)
}

func (x *index) grow(r *Roster) {
	old := x.slots
	x.slots = make([]uint32, max(2*len(old), leastSlots))
	for _, s := range old {
		if s != 0 {
			x.put(r, int(s)-1)
		}
	}
}
