package statestore

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPageEntry(t *testing.T) { require.EqualValues(t, pageEntry, unsafe.Sizeof(page{})) }

// sparse draws the words of a cell, most of them zero or as they were.
func sparse(t *rapid.T, from []uint64, name string) []uint64 {
	out := slices.Clone(from)
	for range rapid.IntRange(0, 20).Draw(t, name+" changes") {
		at := rapid.IntRange(0, len(out)-1).Draw(t, "at")
		n := rapid.IntRange(1, min(40, len(out)-at)).Draw(t, "length")
		word := rapid.Uint64().Draw(t, "word") >> rapid.IntRange(0, 64).Draw(t, "shift")
		for i := range n {
			out[at+i] = word * uint64(i+1)
		}
	}
	return out
}

// A wide cell comes back as it was, told as a whole over anything, told in part over
// what it was or any later state of the words that changed, and in the room that
// was kept for it.
func TestWideCellsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		was := sparse(t, make([]uint64, rapid.IntRange(wideWords, 700).Draw(t, "words")), "was")
		now := sparse(t, was, "now")
		over := sparse(t, was, "over")
		for i := range over {
			if now[i] == was[i] {
				over[i] = was[i]
			}
		}
		e, p := encoder{}, replayer{}
		for _, c := range []struct{ was, over []uint64 }{{was, was}, {was, over}, {nil, was}, {nil, over}} {
			b := e.wide(nil, now, c.was)
			require.LessOrEqual(t, len(b), wideBound(len(now)))
			got := slices.Clone(c.over)
			rest, ok := p.wide(append(slices.Clone(b), 7, 8, 9), got)
			require.True(t, ok)
			require.Equal(t, []byte{7, 8, 9}, rest)
			require.Equal(t, now, got)
			_, ok = p.wide(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")], got)
			require.False(t, ok)
		}
	})
}

func FuzzWideCell(f *testing.F) {
	e := encoder{}
	now := make([]uint64, 100)
	now[3], now[99] = 1, 1<<63
	f.Add(e.wide(nil, now, nil))
	f.Add(e.wide(nil, now, make([]uint64, 100)))
	f.Fuzz(func(t *testing.T, b []byte) {
		cell := make([]uint64, 100)
		(&replayer{}).wide(b, cell)
	})
}

// What a batch changes beyond the room to remember it is told as a whole; a cell
// changed in a few words takes a few bytes.
func TestWideCellsBeyondTheRoomToRemember(t *testing.T) {
	const words = 4096
	table, err := NewTable(Layout{Columns: []Column{{"wide", 1, words}}}, Options{})
	require.NoError(t, err)
	devices := maxBefore/words + 10
	for i := range devices {
		w := table.Write(0, 0, table.Add(fmt.Append(nil, i)))
		for k := range w {
			w[k] = uint64(k + 1)
		}
	}
	seal := func(seq uint64) int {
		out := table.Seal(Header{Seq: seq}, SealOptions{})
		table.Confirm(seq)
		return out.SetBytes
	}
	seal(1)
	for s := range Slot(devices) {
		table.Write(0, 0, s)[7] = 1
	}
	require.LessOrEqual(t, cap(table.before.words), 2*maxBefore)
	require.Greater(t, table.DirtyBytes(), 10*words*5)
	bytes := seal(2)
	require.Greater(t, bytes, 10*words)
	require.Less(t, bytes, 11*words*9)
	table.Write(0, 0, 5)[9] = 3
	require.Less(t, seal(3), 20)
}

// Refresh of a long row takes its time: no record repeats more of it than the
// bytes that are due and a little.
func TestRefreshOfALongRowIsSpread(t *testing.T) {
	const cells, words = 360, 131
	table, err := NewTable(Layout{Columns: []Column{{"head", 1, 2}, {"panes", cells, words}}}, Options{})
	require.NoError(t, err)
	s := table.Add([]byte("pump"))
	for cell := range cells {
		w := table.Write(1, cell, s)
		for k := range w {
			w[k] = uint64(cell*words+k) * 0x9e3779b97f4a7c15
		}
	}
	records, most, cycles := 0, 0, 0
	for seq := uint64(1); cycles < 4; seq++ {
		table.Write(0, 0, s)[0] = seq
		out := table.Seal(Header{Seq: seq}, SealOptions{RefreshFloor: 4 << 10})
		table.Confirm(seq)
		if cycles > 1 {
			records++
			most = max(most, out.RefreshBytes)
		}
		if out.NewBase != 0 {
			cycles++
		}
	}
	require.Less(t, most, 10<<10)
	require.Less(t, records, 2*cells*words*8/(4<<10)+10)
	require.Greater(t, records, 40)
}
