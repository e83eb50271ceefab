package badgerstore

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Marker says that the pages of an incarnation hold the state of record Seq,
// or of a later one of the same lineage.
type Marker struct {
	Lineage     [16]byte
	Incarnation uint64 // set by Mark
	Seq         uint64
	BootID      string // the pages are safe from a killed process while this boot lasts
	Sealed      bool   // they are on the disk: safe from power loss too
	Snapshot    []byte // a statestore.Snapshot in its stored form
}

const markerVersion = 1

var errMarker = errors.New("marker is damaged")

func (m Marker) append(b []byte) []byte {
	flags := byte(0)
	if m.Sealed {
		flags = 1
	}
	b = append(b, markerVersion, flags)
	b = append(b, m.Lineage[:]...)
	b = binary.BigEndian.AppendUint64(b, m.Incarnation)
	b = binary.BigEndian.AppendUint64(b, m.Seq)
	b = binary.AppendUvarint(b, uint64(len(m.BootID)))
	b = append(b, m.BootID...)
	return append(b, m.Snapshot...)
}

func parseMarker(b []byte) (Marker, error) {
	const fixed = 2 + 16 + 8 + 8
	if len(b) < fixed || b[0] != markerVersion || b[1] > 1 {
		return Marker{}, fmt.Errorf("%d bytes: %w", len(b), errMarker)
	}
	m := Marker{
		Sealed:      b[1] == 1,
		Lineage:     [16]byte(b[2:18]),
		Incarnation: binary.BigEndian.Uint64(b[18:]),
		Seq:         binary.BigEndian.Uint64(b[26:]),
	}
	b = b[fixed:]
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return Marker{}, fmt.Errorf("boot id: %w", errMarker)
	}
	m.BootID = string(b[k : k+int(n)])
	m.Snapshot = append([]byte(nil), b[k+int(n):]...)
	return m, nil
}
