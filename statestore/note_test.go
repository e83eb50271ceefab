package statestore

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// A note travels with its record, over as many parts as it takes, and changes
// nothing in the state.
func TestNoteTravelsInParts(t *testing.T) {
	layout := twoColumns()
	for _, size := range []int{0, 1, 100, 40_000, 300_000} {
		table, err := NewTable(layout, Options{TaskWords: 2})
		require.NoError(t, err)
		table.Add([]byte("a"))
		note := bytes.Repeat([]byte("weir"), (size+3)/4)[:size]
		sealed := table.Seal(Header{Seq: 1, To: 5}, SealOptions{MaxPart: 64 << 10, Note: note})
		var assembler Assembler
		var record *Record
		for _, part := range sealed.Parts {
			require.LessOrEqual(t, len(part), 64<<10)
			record, err = assembler.Add(part)
			require.NoError(t, err)
		}
		require.NotNil(t, record)
		require.True(t, bytes.Equal(note, record.Note()), "%d bytes", size)

		again, err := NewTable(layout, Options{TaskWords: 2})
		require.NoError(t, err)
		require.NoError(t, again.Apply(record))
		require.NoError(t, again.FinishReplay())
		require.Equal(t, 1, again.Len())
	}
}
