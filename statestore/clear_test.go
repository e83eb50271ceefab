package statestore

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClearWritesWhatIsNotZero(t *testing.T) {
	table, err := NewTable(twoColumns(), Options{})
	require.NoError(t, err)
	x, y := table.Add([]byte("x")), table.Add([]byte("y"))
	table.Write(0, 0, x)[3] = 1
	table.Write(1, 1, x)[0] = 2
	table.Write(1, 4, x)[2] = 3
	table.Write(1, 2, x)[2] = 0
	table.Write(0, 0, y)[0] = 4
	first := table.Seal(Header{Seq: 1}, SealOptions{})
	replica, _ := NewTable(twoColumns(), Options{})
	replay(t, replica, first.Parts...)
	table.Confirm(1)

	table.Clear(x)
	require.Equal(t, 3, table.DirtyCells())
	table.Clear(x)
	require.Equal(t, 3, table.DirtyCells())
	table.Write(1, 1, x)[1] = 5
	second := table.Seal(Header{Seq: 2}, SealOptions{})
	replay(t, replica, second.Parts...)
	require.NoError(t, replica.FinishReplay())

	for _, got := range []*Table{table, replica} {
		require.NoError(t, got.check())
		s, ok := got.Lookup([]byte("x"))
		require.True(t, ok)
		require.Equal(t, x, s)
		require.Equal(t, make([]uint64, 4), got.Row(0, x))
		require.Equal(t, []uint64{0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, got.Row(1, x))
		require.Equal(t, []uint64{4, 0, 0, 0}, got.Row(0, y))
	}
	require.Panics(t, func() { table.Clear(100) }, "no device")
}

func TestClearTouchesNoPageThatWasNeverWritten(t *testing.T) {
	table, err := NewTable(twoColumns(), Options{})
	require.NoError(t, err)
	x := table.Add([]byte("x"))
	table.Write(0, 0, x)[0] = 1
	before := table.ResidentBytes()
	table.Clear(x)
	require.Equal(t, before, table.ResidentBytes())
	require.NoError(t, table.check())
}
