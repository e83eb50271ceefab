package statestore

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// fleet is a table like a pipeline's: a head of 8 words, 6 panes of 4 words.
func fleet(tb testing.TB, devices int) (*Table, [][]byte) {
	tb.Helper()
	t, err := NewTable(Layout{Columns: []Column{{"head", 1, 8}, {"panes", 6, 4}}}, Options{TaskWords: 16})
	require.NoError(tb, err)
	names := make([][]byte, devices)
	for i := range names {
		names[i] = fmt.Appendf(nil, "sensor-%07d", i)
		t.Add(names[i])
	}
	for s := range Slot(devices) {
		reading(t, s, 1)
	}
	return t, names
}

// reading writes what one reading typically changes: clock, sequence number
// and last value in the head; count, sum, min and max of a pane.
func reading(t *Table, s Slot, round int) {
	h := t.Write(0, 0, s)
	h[0] = 1_700_000_000_000 + uint64(round)*1000 + uint64(s)%1000
	h[1] = uint64(round)
	h[2] = math.Float64bits(20.5 + float64(s%64)/4)
	p := t.Write(1, round%6, s)
	p[0]++
	p[1] = math.Float64bits(float64(p[0]) * 20.25)
	p[2] = math.Float64bits(20.25)
	p[3] = math.Float64bits(20.5 + float64(s%64)/4)
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		t, names := fleet(b, n)
		r := rand.New(rand.NewPCG(1, 2))
		r.Shuffle(n, func(i, j int) { names[i], names[j] = names[j], names[i] })
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, ok := t.Lookup(names[i%n]); !ok {
					b.Fatal("not found")
				}
			}
		})
	}
}

// BenchmarkWrite is two cells of a random device.
func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		t, _ := fleet(b, n)
		r := rand.New(rand.NewPCG(1, 2))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := Slot(r.IntN(n))
				t.Write(0, 0, s)[1]++
				t.Write(1, 3, s)[0]++
			}
		})
	}
}

// BenchmarkSeal is a commit of 10,000 readings of random devices, two cells
// each, with the refresh that comes with it.
func BenchmarkSeal(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		t, _ := fleet(b, n)
		seq := uint64(1)
		t.Seal(Header{Seq: seq}, SealOptions{})
		t.Confirm(seq)
		r := rand.New(rand.NewPCG(1, 2))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var cells, set, refreshed int
			for b.Loop() {
				b.StopTimer()
				for range 10_000 {
					reading(t, Slot(r.IntN(n)), int(seq))
				}
				cells += t.DirtyCells()
				b.StartTimer()
				seq++
				out := t.Seal(Header{Seq: seq}, SealOptions{RefreshFloor: 1})
				set += out.SetBytes
				refreshed += out.RefreshBytes
				t.Confirm(seq)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(cells), "ns/cell")
			b.ReportMetric(float64(set)/float64(cells), "B/cell")
			b.ReportMetric(float64(refreshed)/float64(cells), "refreshB/cell")
		})
	}
}

func BenchmarkApply(b *testing.B) {
	const n = 1_000_000
	t, _ := fleet(b, n)
	first := t.Seal(Header{Seq: 1}, SealOptions{})
	other, _ := fleet(b, 0)
	apply(b, other, first.Parts)
	t.Confirm(1)
	r := rand.New(rand.NewPCG(1, 2))
	seq, cells := uint64(1), 0
	for b.Loop() {
		b.StopTimer()
		for range 10_000 {
			reading(t, Slot(r.IntN(n)), int(seq))
		}
		cells += t.DirtyCells()
		seq++
		parts := t.Seal(Header{Seq: seq}, SealOptions{}).Parts
		t.Confirm(seq)
		b.StartTimer()
		apply(b, other, parts)
	}
	// Refresh, twice the bytes of the changes, is replayed too.
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(cells), "ns/changed-cell")
}

func apply(tb testing.TB, t *Table, parts [][]byte) {
	var a Assembler
	for _, p := range parts {
		r, err := a.Add(p)
		require.NoError(tb, err)
		if r != nil {
			require.NoError(tb, t.Apply(r))
		}
	}
}

func BenchmarkCheckpoint(b *testing.B) {
	const n = 1_000_000
	t, _ := fleet(b, n)
	seq := uint64(0)
	for b.Loop() {
		b.StopTimer()
		for s := range Slot(n) {
			reading(t, s, int(seq))
		}
		seq++
		t.Seal(Header{Seq: seq}, SealOptions{})
		t.Confirm(seq)
		b.StartTimer()
		size := 0
		c := t.BeginCheckpoint()
		for images := c.Next(64); len(images) > 0; images = c.Next(64) {
			for _, im := range images {
				size += len(im.Data)
			}
		}
		t.EndCheckpoint(c, Saved)
		b.SetBytes(int64(size))
	}
}

func BenchmarkLoad(b *testing.B) {
	t, _ := fleet(b, 1_000_000)
	t.Seal(Header{Seq: 1}, SealOptions{})
	t.Confirm(1)
	c := t.BeginCheckpoint()
	images := c.Next(math.MaxInt)
	for b.Loop() {
		other, _ := fleet(b, 0)
		require.NoError(b, other.Restore(c.Snapshot()))
		for _, im := range images {
			require.NoError(b, other.LoadPage(im))
		}
		require.NoError(b, other.FinishReplay())
	}
}

// TestSteadyStateAllocatesNothing covers what runs once a reading.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	table, names := fleet(t, 1000)
	i := 0
	require.Zero(t, testing.AllocsPerRun(2000, func() {
		s, _ := table.Lookup(names[i%1000])
		reading(table, s, i)
		_ = table.Row(0, s)
		_ = table.Cell(1, 2, s)
		i++
	}))
}
