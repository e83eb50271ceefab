package replay

import "encoding/binary"

// noteForgotten remembers the devices that facts name, in the form of
// task.TakeFacts: they have left the state, and still count as devices.
func (r *Replay) noteForgotten(note []byte) {
	next := func() (n uint64) {
		n, size := binary.Uvarint(note)
		note = note[max(size, 0):]
		return n
	}
	for len(note) > 0 {
		next()          // position
		switch next() { // wall time
		case 0:
			note = note[8:] // the fingerprint of a roster
			continue
		case 1, 2:
			next() // the version of the commands
			continue
		}
		for left := next(); left > 0; left-- {
			n := next()
			r.forgotten[string(note[:n])] = true
			note = note[n:]
		}
	}
}
