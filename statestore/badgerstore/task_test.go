package badgerstore

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/statestore"
)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{BootID: "boot", BallastBytes: -1})
	require.NoError(t, err)
	return s
}

func image(col int32, index uint32, fill byte) statestore.Image {
	return statestore.Image{ID: statestore.PageID{Column: col, Index: index}, Data: bytes.Repeat([]byte{fill}, 2000)}
}

func pages(t *testing.T, task *Task) map[statestore.PageID]byte {
	t.Helper()
	out := map[statestore.PageID]byte{}
	last := statestore.NamesColumn
	require.NoError(t, task.Load(func(im statestore.Image) error {
		require.GreaterOrEqual(t, im.ID.Column, last, "pages of names come first")
		last = im.ID.Column
		out[im.ID] = im.Data[0]
		return nil
	}))
	return out
}

func TestTaskComesBack(t *testing.T) {
	dir := t.TempDir()
	lineage := [16]byte{1, 2, 3}
	s := openStore(t, dir)
	task := s.Task(7)
	_, ok, err := task.Marker()
	require.NoError(t, err)
	require.False(t, ok)
	require.ErrorIs(t, task.Write([]statestore.Image{image(0, 0, 1)}), errNoIncarnation)

	require.NoError(t, task.Begin(lineage))
	require.NoError(t, task.Write([]statestore.Image{image(2, 1, 1), image(statestore.NamesColumn, 0, 2)}))
	require.ErrorContains(t, task.Mark(Marker{Lineage: lineage, Seq: 5}), "not flushed")
	require.NoError(t, task.Flush())
	require.ErrorContains(t, task.Mark(Marker{Seq: 5}), "lineage")
	require.NoError(t, task.Mark(Marker{Lineage: lineage, Seq: 5, Snapshot: []byte("snap"), Sealed: true}))
	require.NoError(t, s.Close())

	s = openStore(t, dir)
	defer func() { require.NoError(t, s.Close()) }()
	task = s.Task(7)
	m, ok, err := task.Marker()
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, Marker{Lineage: lineage, Incarnation: m.Incarnation, Seq: 5, BootID: "boot", Snapshot: []byte("snap"), Sealed: true}, m)
	require.Equal(t, map[statestore.PageID]byte{{Column: -1, Index: 0}: 2, {Column: 2, Index: 1}: 1}, pages(t, task))
	got, ok, err := task.ReadPage(statestore.PageID{Column: 2, Index: 1}, []byte("x"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, append([]byte("x"), image(2, 1, 1).Data...), got)
	_, ok, err = task.ReadPage(statestore.PageID{Column: 3, Index: 1}, nil)
	require.NoError(t, err)
	require.False(t, ok)
	list, err := s.Tasks()
	require.NoError(t, err)
	require.Equal(t, []int32{7}, list)
}

func TestFirstWriteTakesTheSealOff(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	task := s.Task(0)
	require.NoError(t, task.Begin([16]byte{1}))
	require.NoError(t, task.Mark(Marker{Lineage: [16]byte{1}, Seq: 1, Sealed: true, BootID: "yesterday"}))
	require.NoError(t, task.Write([]statestore.Image{image(0, 0, 1)}))
	require.NoError(t, task.Flush())
	require.NoError(t, s.Close())
	s = openStore(t, dir)
	defer func() { require.NoError(t, s.Close()) }()
	m, ok, err := s.Task(0).Marker()
	require.NoError(t, err)
	require.True(t, ok)
	require.False(t, m.Sealed)
	require.Equal(t, "boot", m.BootID)
	require.EqualValues(t, 1, m.Seq)
}

func TestBeginLeavesNothingOfTheOldIncarnation(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	a, b := s.Task(1), s.Task(2)
	for _, task := range []*Task{a, b} {
		require.NoError(t, task.Begin([16]byte{1}))
		for i := range uint32(30) {
			require.NoError(t, task.Write([]statestore.Image{image(0, i, 1)}))
		}
		require.NoError(t, task.Flush())
		require.NoError(t, task.Mark(Marker{Lineage: [16]byte{1}, Seq: 9}))
	}
	require.NoError(t, a.Begin([16]byte{2}))
	_, ok, err := a.Marker()
	require.NoError(t, err)
	require.False(t, ok, "a marker without its pages")
	require.Empty(t, pages(t, a))
	require.NoError(t, a.Write([]statestore.Image{image(0, 3, 2)}))
	require.NoError(t, a.Flush())
	rounds := 1
	for ; ; rounds++ {
		done, err := a.DeleteOld(8)
		require.NoError(t, err)
		if done {
			break
		}
	}
	require.Equal(t, 4, rounds)
	require.Equal(t, map[statestore.PageID]byte{{Column: 0, Index: 3}: 2}, pages(t, a))
	require.Len(t, pages(t, b), 30, "another task's pages")
	_, ok, err = b.Marker()
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, s.Close())
}

func TestOpenTwiceIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	_, err := Open(dir, Options{})
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, s.Close())
}

func TestFullDiskIsRefusedAndBallastGivenUp(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir, Options{MinFree: math.MaxInt64})
	require.ErrorIs(t, err, ErrDiskFull)

	s, err := Open(dir, Options{BallastBytes: 1 << 20})
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(dir, "ballast"))
	require.NoError(t, err)
	require.EqualValues(t, 1<<20, info.Size())
	task := s.Task(0)
	require.NoError(t, task.Begin([16]byte{1}))
	s.options.MinFree = math.MaxInt64
	require.ErrorIs(t, task.Write([]statestore.Image{image(0, 0, 1)}), ErrDiskFull)
	_, err = os.Stat(filepath.Join(dir, "ballast"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, s.Close())
}

// TestTableReadsItsPagesBack runs a table on far less memory than its state.
func TestTableReadsItsPagesBack(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	task := s.Task(0)
	require.NoError(t, task.Begin([16]byte{1}))
	layout := statestore.Layout{Columns: []statestore.Column{{Name: "head", Cells: 1, Words: 8}, {Name: "panes", Cells: 4, Words: 4}}}
	options := statestore.Options{MemoryBytes: 512 << 10, Pager: task, TaskWords: 1}
	table, err := statestore.NewTable(layout, options)
	require.NoError(t, err)
	const devices = 5000
	for i := range devices {
		slot := table.Add(fmt.Appendf(nil, "device-%d", i))
		table.Write(1, 2, slot)[0] = uint64(i) + 1
	}
	table.Seal(statestore.Header{Seq: 1, To: devices}, statestore.SealOptions{})
	c := table.BeginCheckpoint()
	table.Confirm(1)
	for images := c.Next(16); len(images) > 0; images = c.Next(16) {
		require.NoError(t, task.Write(images))
	}
	require.NoError(t, task.Flush())
	table.EndCheckpoint(c, statestore.Saved)
	snap, err := c.Snapshot().AppendBinary(nil)
	require.NoError(t, err)
	require.NoError(t, task.Mark(Marker{Lineage: [16]byte{1}, Seq: 1, Snapshot: snap}))
	require.Positive(t, table.Trim())
	require.LessOrEqual(t, table.ResidentBytes(), options.MemoryBytes)

	again, err := statestore.NewTable(layout, options)
	require.NoError(t, err)
	m, ok, err := task.Marker()
	require.NoError(t, err)
	require.True(t, ok)
	parsed, err := statestore.ParseSnapshot(m.Snapshot)
	require.NoError(t, err)
	require.NoError(t, again.Restore(parsed))
	require.NoError(t, task.Load(again.LoadPage))
	require.NoError(t, again.FinishReplay())
	again.Trim()
	require.LessOrEqual(t, again.ResidentBytes(), options.MemoryBytes)
	for _, tab := range []*statestore.Table{table, again} {
		for i := range devices {
			slot, ok := tab.Lookup(fmt.Appendf(nil, "device-%d", i))
			require.True(t, ok)
			require.Equal(t, uint64(i)+1, tab.Cell(1, 2, slot)[0])
			if i%100 == 0 {
				tab.Trim()
			}
		}
	}
	require.NoError(t, s.Close())
}

// Pages of former incarnations go while other tasks write: in small batches, not
// by Badger's DropPrefix, which stops every write meanwhile and makes those of
// other tasks fail.
func TestDeletingOldPagesDisturbsNobody(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer func() { require.NoError(t, s.Close()) }()
	old, busy := s.Task(0), s.Task(1)
	require.NoError(t, busy.Begin([16]byte{2}))
	ended := make(chan error)
	stop := make(chan struct{})
	go func() {
		for i := byte(0); ; i++ {
			err := busy.Write([]statestore.Image{image(0, uint32(i), i)})
			if err == nil {
				err = busy.Flush()
			}
			select {
			case <-stop:
				ended <- err
				return
			default:
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	for round := range 10 {
		require.NoError(t, old.Begin([16]byte{byte(round)}))
		var images []statestore.Image
		for i := range uint32(50) {
			images = append(images, image(0, i, byte(round)))
		}
		require.NoError(t, old.Write(images))
		require.NoError(t, old.Flush())
		for done := false; !done; {
			var err error
			done, err = old.DeleteOld(16)
			require.NoError(t, err)
		}
		require.Len(t, pages(t, old), 50)
	}
	close(stop)
	require.NoError(t, <-ended)
}
