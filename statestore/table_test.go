package statestore

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func twoColumns() Layout {
	return Layout{Columns: []Column{{"head", 1, 4}, {"panes", 5, 3}}}
}

func replay(t *testing.T, to *Table, parts ...[]byte) {
	t.Helper()
	var a Assembler
	for _, p := range parts {
		r, err := a.Add(append([]byte(nil), p...))
		require.NoError(t, err)
		if r != nil {
			require.NoError(t, to.Apply(r))
		}
	}
	require.False(t, a.Pending())
}

func TestRecordCarriesABatch(t *testing.T) {
	a, err := NewTable(twoColumns(), Options{TaskWords: 3})
	require.NoError(t, err)
	x, y := a.Add([]byte("x")), a.Add([]byte("y"))
	a.Write(0, 0, x)[2] = 42
	a.Write(1, 3, y)[0] = 1 << 63
	a.Task()[1] = 9
	first := a.Seal(Header{Seq: 1, From: 0, To: 10, Wall: 5}, SealOptions{})
	b, _ := NewTable(twoColumns(), Options{TaskWords: 3})
	replay(t, b, first.Parts...)
	a.Confirm(1)
	a.Drop(x)
	z := a.Add([]byte("z"))
	require.Equal(t, x, z)
	a.Write(1, 0, z)[1] = 7
	second := a.Seal(Header{Seq: 2, From: 10, To: 11, Wall: 6}, SealOptions{})
	replay(t, b, second.Parts...)
	require.NoError(t, b.FinishReplay())
	require.NoError(t, a.check())
	require.NoError(t, b.check())
	require.Equal(t, Header{2, 10, 11, 6}, b.Header())
	require.Equal(t, []uint64{0, 9, 0}, b.Task())
	require.Equal(t, 2, b.Len())
	s, ok := b.Lookup([]byte("z"))
	require.True(t, ok)
	require.Equal(t, z, s)
	require.Equal(t, []uint64{0, 7, 0}, b.Cell(1, 0, s))
	require.Equal(t, []uint64{0, 0, 0, 0}, b.Row(0, s))
	require.Equal(t, []uint64{1 << 63, 0, 0}, b.Cell(1, 3, y))
	_, ok = b.Lookup([]byte("x"))
	require.False(t, ok)
}

func TestCallsOutOfOrderPanic(t *testing.T) {
	table, _ := fleet(t, 3)
	require.Panics(t, func() { table.BeginCheckpoint() }, "amid a batch")
	require.Panics(t, func() { table.Seal(Header{Seq: 2}, SealOptions{}) }, "a record left out")
	table.Seal(Header{Seq: 1}, SealOptions{})
	require.Panics(t, func() { table.Seal(Header{Seq: 2}, SealOptions{}) }, "not confirmed")
	require.Panics(t, func() { table.Confirm(2) })
	c := table.BeginCheckpoint()
	require.Panics(t, func() { table.BeginCheckpoint() }, "one is running")
	require.Panics(t, func() { table.EndCheckpoint(c, Saved) }, "pages unsaved")
	table.EndCheckpoint(c, Failed)
	require.NoError(t, table.check())
	require.Panics(t, func() { table.Add([]byte("sensor-0000001")) }, "known")
	require.Panics(t, func() { table.Drop(100) }, "no device")
	require.Panics(t, func() { table.Write(0, 1, 0) }, "no such cell")
	require.Panics(t, func() { table.Write(0, 0, 100) }, "no device")
}

func TestNamesAreSqueezed(t *testing.T) {
	table, err := NewTable(Layout{}, Options{})
	require.NoError(t, err)
	held := table.Name(table.Add([]byte("the first")))
	name := make([]byte, 500)
	for i := range 2000 {
		name[0], name[1] = byte(i), byte(i>>8)
		s := table.Add(name)
		require.Equal(t, Slot(1), s, "the lowest free slot")
		require.Equal(t, name, table.Name(s))
		table.Drop(s)
	}
	require.Less(t, len(table.names.arena), 200_000)
	require.Equal(t, "the first", string(held))
	require.NoError(t, table.check())
}

// TestJournalStaysWithinThreeTimesTheState commits random readings until many
// cycles have passed and weighs the journal from the base on.
func TestJournalStaysWithinThreeTimesTheState(t *testing.T) {
	const devices = 2000
	table, _ := fleet(t, devices)
	for s := range Slot(devices) {
		for cell := range 6 {
			value := func(k int) uint64 { return math.Float64bits(float64((int(s)*31+cell*7+k)*2654435761%90_001) / 1000) }
			copy(table.Write(1, cell, s), []uint64{5, value(0), value(1), value(2)})
		}
	}
	var sizes []int
	total, live, worst := 0, 0, 0.0
	for seq := uint64(1); seq <= 3000; seq++ {
		for i := range 20 {
			reading(table, Slot((int(seq)*7919+i*104729)%devices), int(seq))
		}
		out := table.Seal(Header{Seq: seq}, SealOptions{})
		table.Confirm(seq)
		size := 0
		for _, p := range out.Parts {
			size += len(p)
		}
		if seq == 1 {
			live = size
		}
		sizes = append(sizes, size)
		total += size
		if out.NewBase != 0 {
			for i := range sizes[:out.NewBase-1] {
				total -= sizes[i]
				sizes[i] = 0
			}
		}
		if seq > 1000 {
			worst = max(worst, float64(total)/float64(live))
		}
	}
	require.Greater(t, table.Position().Base, uint64(1000), "cycles have passed")
	require.Less(t, worst, 3.2)
	require.Greater(t, worst, 1.0, "the journal holds the state")
	t.Logf("the journal is at most %.2f times the state", worst)
}

func TestPagesComeBackOrPanic(t *testing.T) {
	d := &disk{pages: map[PageID][]byte{}}
	table, err := NewTable(twoColumns(), Options{MemoryBytes: 1, Pager: d})
	require.NoError(t, err)
	s := table.Add([]byte("x"))
	table.Write(0, 0, s)[1] = 5
	require.Zero(t, table.Trim(), "nothing is saved")
	table.Seal(Header{Seq: 1}, SealOptions{})
	table.Confirm(1)
	c := table.BeginCheckpoint()
	d.waiting = c.Next(10)
	require.Zero(t, table.Trim(), "nothing is flushed")
	d.flush()
	table.EndCheckpoint(c, Saved)
	require.Equal(t, 1, table.Trim())
	require.Equal(t, uint64(5), table.Cell(0, 0, s)[1])
	require.Equal(t, 1, table.Trim())
	delete(d.pages, PageID{0, 0})
	require.PanicsWithError(t, "read page 0/0: the page is not on disk", func() { table.Row(0, s) })
}

// A page whose image is on its way to the disk must stay in memory until the
// flush has returned: what the disk has is older.
func TestTrimSparesPagesUnderWay(t *testing.T) {
	d := &disk{pages: map[PageID][]byte{}}
	table, err := NewTable(twoColumns(), Options{Pager: d, MemoryBytes: 1})
	require.NoError(t, err)
	seal := func(seq uint64) *Checkpoint {
		table.Seal(Header{Seq: seq, To: int64(seq)}, SealOptions{})
		cp := table.BeginCheckpoint()
		table.Confirm(seq)
		d.waiting = cp.Next(1_000)
		return cp
	}
	slots := make([]Slot, 4*PageSlots)
	for i := range slots {
		slots[i] = table.Add(fmt.Appendf(nil, "device-%d", i))
		table.Write(1, 0, slots[i])[0] = 1
	}
	cp := seal(1)
	d.flush()
	table.EndCheckpoint(cp, Saved)

	table.Write(1, 0, slots[0])[0] = 2
	cp = seal(2)
	for range 4 { // a page used since the hand last came by is spared once
		table.Trim()
	}
	require.Equal(t, uint64(2), table.Cell(1, 0, slots[0])[0])
	d.flush()
	table.EndCheckpoint(cp, Saved)
	for range 4 {
		table.Trim()
	}
	require.Equal(t, uint64(2), table.Cell(1, 0, slots[0])[0], "read back from the disk")
}
