//go:build real

package chaos

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// partitionLog is the first segment of a partition on a broker's disk, while the broker is down.
type partitionLog struct {
	t       *testing.T
	file    string
	batches []logBatch
}

// logBatch is a record batch as it lies in the file (Kafka's format of messages, magic 2).
type logBatch struct {
	bytes   []byte
	base    int64
	control bool // an end of a transaction, not a record
}

const (
	batchPrefix     = 12 // base offset and length
	batchAttributes = 21
	controlBit      = 1 << 5
)

// readPartitionLog reads the folder of a partition. It expects all of it in one segment.
func readPartitionLog(t *testing.T, folder string) *partitionLog {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(folder, "*.log"))
	require.NoError(t, err)
	require.Len(t, segments, 1, "segments in %s", folder)
	text, err := os.ReadFile(segments[0])
	require.NoError(t, err)
	l := &partitionLog{t: t, file: segments[0]}
	for len(text) > batchAttributes+2 {
		size := batchPrefix + int(binary.BigEndian.Uint32(text[8:]))
		if size > len(text) || size == batchPrefix { // preallocated, or not written to the end
			break
		}
		l.batches = append(l.batches, logBatch{
			bytes:   text[:size],
			base:    int64(binary.BigEndian.Uint64(text)),
			control: binary.BigEndian.Uint16(text[batchAttributes:])&controlBit != 0,
		})
		text = text[size:]
	}
	return l
}

// records are the indices of the batches that hold records.
func (l *partitionLog) records() []int {
	var found []int
	for i, b := range l.batches {
		if !b.control {
			found = append(found, i)
		}
	}
	return found
}

// lose takes batches out as if they had never been written, and the indices with them, which the broker makes anew.
func (l *partitionLog) lose(from, to int) {
	l.t.Helper()
	l.batches = slices.Delete(l.batches, from, to)
	var text []byte
	for _, b := range l.batches {
		text = append(text, b.bytes...)
	}
	require.NoError(l.t, os.WriteFile(l.file, text, 0o600))
	indices, err := filepath.Glob(strings.TrimSuffix(l.file, ".log") + ".*")
	require.NoError(l.t, err)
	snapshots, err := filepath.Glob(filepath.Join(filepath.Dir(l.file), "*.snapshot"))
	require.NoError(l.t, err)
	for _, file := range append(indices, snapshots...) {
		if file != l.file {
			require.NoError(l.t, os.Remove(file))
		}
	}
}
