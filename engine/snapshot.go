package engine

import (
	"encoding/binary"
	"errors"

	"github.com/weirstream/weir/statestore"
)

// place is where a task stands in the journal, in Kafka offsets beside the
// table's sequence numbers.
type place struct {
	recordOffset int64  // of the first part of the last record; -1: none yet
	cycleOffset  int64  // of the record that began the running refresh cycle; -1: not known
	baseSeq      uint64 // the live journal begins with this record
	baseOffset   int64  // and here
}

// localSnapshot is what a marker carries: the table's snapshot and its place.
type localSnapshot struct {
	place
	table statestore.Snapshot
}

func (s localSnapshot) encode() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(nil, uint64(s.recordOffset))
	b = binary.BigEndian.AppendUint64(b, uint64(s.cycleOffset))
	b = binary.BigEndian.AppendUint64(b, s.baseSeq)
	b = binary.BigEndian.AppendUint64(b, uint64(s.baseOffset))
	return s.table.AppendBinary(b)
}

func parseLocalSnapshot(b []byte) (s localSnapshot, err error) {
	if len(b) < 32 {
		return s, errors.New("snapshot of the local state is cut short")
	}
	s.recordOffset = int64(binary.BigEndian.Uint64(b))
	s.cycleOffset = int64(binary.BigEndian.Uint64(b[8:]))
	s.baseSeq = binary.BigEndian.Uint64(b[16:])
	s.baseOffset = int64(binary.BigEndian.Uint64(b[24:]))
	s.table, err = statestore.ParseSnapshot(b[32:])
	return s, err
}
