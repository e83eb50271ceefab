package badgerstore

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/statestore"
)

// A window of an hour every ten seconds, with a percentile: 377 kB a device.
const (
	longCells = 360
	longWords = 131
)

var longLayout = statestore.Layout{Columns: []statestore.Column{{Name: "head", Cells: 1, Words: 6}, {Name: "panes", Cells: longCells, Words: longWords}}}

// longState is a table of long rows over a store, and how it is told what each
// word should be.
type longState struct {
	t       *testing.T
	table   *statestore.Table
	task    *Task
	rounds  []uint64 // by device: how often it was written
	records [][][]byte
}

func newLongState(t *testing.T, task *Task, memory int64) *longState {
	table, err := statestore.NewTable(longLayout, statestore.Options{MemoryBytes: memory, Pager: task})
	require.NoError(t, err)
	return &longState{t: t, table: table, task: task}
}

// word is what a word of a device is after a round: never zero, so that no page
// gets shorter than its rows.
func word(device statestore.Slot, round uint64, at int) uint64 {
	return (uint64(device)<<40|round<<20|uint64(at))*0x9e3779b97f4a7c15 | 1<<63 | 1
}

func (l *longState) add(devices int) {
	for i := range devices {
		s := l.table.Add([]byte{byte(i >> 8), byte(i)})
		l.rounds = append(l.rounds, 0)
		for cell := range longCells {
			w := l.table.Write(1, cell, s)
			for i := range w {
				w[i] = word(s, 0, cell*longWords+i)
			}
		}
	}
}

// touch writes one cell of a device: the first one.
func (l *longState) touch(s statestore.Slot) {
	l.rounds[s]++
	w := l.table.Write(1, 0, s)
	for i := range w {
		w[i] = word(s, l.rounds[s], i)
	}
}

func (l *longState) seal() {
	sealed := l.table.Seal(statestore.Header{Seq: l.table.Seq() + 1}, statestore.SealOptions{})
	var parts [][]byte
	for _, p := range sealed.Parts {
		require.LessOrEqual(l.t, len(p), 700<<10)
		parts = append(parts, append([]byte(nil), p...))
	}
	l.records = append(l.records, parts)
	l.table.Confirm(sealed.Seq)
}

func (l *longState) save() {
	cp := l.table.BeginCheckpoint()
	for images := cp.Next(32); len(images) > 0; images = cp.Next(32) {
		require.NoError(l.t, l.task.Write(images))
	}
	require.NoError(l.t, l.task.Flush())
	snapshot, err := cp.Snapshot().AppendBinary(nil)
	require.NoError(l.t, err)
	require.NoError(l.t, l.task.Mark(Marker{Lineage: [16]byte{1}, Seq: cp.Seq(), Snapshot: snapshot}))
	l.table.EndCheckpoint(cp, statestore.Saved)
}

// compare reads every row, keeping to memory on the way.
func (l *longState) compare() {
	require.Equal(l.t, len(l.rounds), l.table.Len())
	for s := range statestore.Slot(len(l.rounds)) {
		for at, got := range l.table.Row(1, s) {
			round := uint64(0)
			if at < longWords {
				round = l.rounds[s]
			}
			if want := word(s, round, at); got != want {
				require.Failf(l.t, "wrong word", "device %d word %d: %x, want %x", s, at, got, want)
			}
		}
		l.table.Trim()
	}
}

// TestLongRows takes devices whose rows are longer than a page should be through
// checkpoint, eviction, restart and replay, in less memory than all but a dozen of
// them take.
func TestLongRows(t *testing.T) {
	const memory = 5 << 20
	dir := t.TempDir()
	s := openStore(t, dir)
	task := s.Task(0)
	require.NoError(t, task.Begin([16]byte{1}))
	l := newLongState(t, task, memory)
	l.add(100)
	l.seal()
	l.save()
	l.table.Trim()
	require.LessOrEqual(t, l.table.ResidentBytes(), int64(memory))
	l.compare()
	for device := range statestore.Slot(10) {
		l.touch(device)
	}
	l.seal()
	require.Equal(t, 10, l.table.DirtyPages(), "a changed cell soils the page of its device alone")
	l.save()
	l.touch(3)
	l.touch(99)
	l.seal()
	require.NoError(t, s.Close())

	s = openStore(t, dir)
	defer func() { require.NoError(t, s.Close()) }()
	back := newLongState(t, s.Task(0), memory)
	back.rounds = l.rounds
	m, ok, err := back.task.Marker()
	require.NoError(t, err)
	require.True(t, ok)
	snapshot, err := statestore.ParseSnapshot(m.Snapshot)
	require.NoError(t, err)
	require.NoError(t, back.table.Restore(snapshot))
	require.NoError(t, back.task.Load(back.table.LoadPage))
	require.LessOrEqual(t, back.table.ResidentBytes(), int64(memory))
	back.replay(l.records[m.Seq:])
	back.compare()

	fresh := newLongState(t, s.Task(1), memory)
	fresh.rounds = l.rounds
	require.NoError(t, fresh.task.Begin([16]byte{1}))
	fresh.replay(l.records)
	require.LessOrEqual(t, fresh.table.ResidentBytes(), int64(memory), "replay keeps to memory between records")
	fresh.compare()
}

func (l *longState) replay(records [][][]byte) {
	var a statestore.Assembler
	for _, parts := range records {
		for _, p := range parts {
			r, err := a.Add(p)
			require.NoError(l.t, err)
			if r == nil {
				continue
			}
			require.NoError(l.t, l.table.Apply(r))
			require.NoError(l.t, l.table.Spill(l.task.Write, l.task.Flush))
		}
	}
	require.NoError(l.t, l.table.FinishReplay())
}
