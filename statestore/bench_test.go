package statestore

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// fleet is a table like a pipeline's: a head of 8 words, 6 panes of 4 words, all
// in use.
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
		for round := range 6 {
			reading(t, s, round)
		}
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

// benchFleets runs a benchmark on a table that stays in the processor's caches,
// and on one that does not.
func benchFleets(b *testing.B, run func(b *testing.B, devices int)) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("devices=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			run(b, n)
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	benchFleets(b, func(b *testing.B, n int) {
		t, names := fleet(b, n)
		r := rand.New(rand.NewPCG(1, 2))
		r.Shuffle(n, func(i, j int) { names[i], names[j] = names[j], names[i] })
		for i := 0; b.Loop(); i++ {
			if _, ok := t.Lookup(names[i%n]); !ok {
				b.Fatal("not found")
			}
		}
	})
}

// BenchmarkWrite is two cells of a random device.
func BenchmarkWrite(b *testing.B) {
	benchFleets(b, func(b *testing.B, n int) {
		t, _ := fleet(b, n)
		r := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			s := Slot(r.IntN(n))
			t.Write(0, 0, s)[1]++
			t.Write(1, 3, s)[0]++
		}
	})
}

// committed is a fleet whose state is in the journal, with a cycle of refresh
// about to begin, and a table that follows the journal.
func committed(tb testing.TB, devices int) (t, follower *Table) {
	t, _ = fleet(tb, devices)
	follower, _ = fleet(tb, 0)
	for seq, base := uint64(1), uint64(0); base == 0; seq++ {
		out := t.Seal(Header{Seq: seq}, SealOptions{RefreshFloor: 1})
		apply(tb, follower, out.Parts)
		t.Confirm(seq)
		base = out.NewBase
	}
	return t, follower
}

// readings folds n readings of random devices, two cells each, and returns how
// many cells have changed.
func readings(t *Table, r *rand.Rand, n int) int {
	round := int(t.Seq())
	for range n {
		reading(t, Slot(r.IntN(t.Len())), round)
	}
	return t.DirtyCells()
}

// BenchmarkSeal is the record of one commit, with the refresh that comes with
// it: 10,000 readings as while catching up, or 100 as at ordinary load. Bytes are
// those of the record, which a client then compresses.
func BenchmarkSeal(b *testing.B) {
	for _, batch := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("readings=%d", batch), func(b *testing.B) {
			benchFleets(b, func(b *testing.B, n int) {
				t, _ := committed(b, n)
				r := rand.New(rand.NewPCG(1, 2))
				seq := t.Seq()
				var cells, set, refreshed, size int
				for b.Loop() {
					b.StopTimer()
					cells += readings(t, r, batch)
					b.StartTimer()
					seq++
					out := t.Seal(Header{Seq: seq}, SealOptions{RefreshFloor: 4 << 10})
					set += out.SetBytes
					refreshed += out.RefreshBytes
					for _, p := range out.Parts {
						size += len(p)
					}
					t.Confirm(seq)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(cells), "ns/cell")
				b.ReportMetric(float64(set)/float64(cells), "B/cell")
				b.ReportMetric(float64(refreshed)/float64(cells), "refreshB/cell")
				b.ReportMetric(float64(size)/float64(b.N), "B/record")
			})
		})
	}
}

// BenchmarkApply is the replay of one such record of 10,000 readings by a table
// that has those before it. Its refresh, twice the bytes of the changes, is
// replayed too.
func BenchmarkApply(b *testing.B) {
	benchFleets(b, func(b *testing.B, n int) {
		t, other := committed(b, n)
		r := rand.New(rand.NewPCG(1, 2))
		seq, cells, size := t.Seq(), 0, 0
		for b.Loop() {
			b.StopTimer()
			cells += readings(t, r, 10_000)
			seq++
			parts := t.Seal(Header{Seq: seq}, SealOptions{}).Parts
			t.Confirm(seq)
			for _, p := range parts {
				size += len(p)
			}
			b.StartTimer()
			apply(b, other, parts)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(cells), "ns/changed-cell")
		b.ReportMetric(float64(size)/float64(cells), "B/changed-cell")
	})
}

// BenchmarkReplay is a restore from the journal alone, at its shortest: one record
// that holds the whole state.
func BenchmarkReplay(b *testing.B) {
	benchFleets(b, func(b *testing.B, n int) {
		t, _ := fleet(b, n)
		parts := t.Seal(Header{Seq: 1}, SealOptions{}).Parts
		size := 0
		for _, p := range parts {
			size += len(p)
		}
		b.SetBytes(int64(size))
		for b.Loop() {
			other, _ := fleet(b, 0)
			apply(b, other, parts)
			require.NoError(b, other.FinishReplay())
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/device")
		b.ReportMetric(float64(size)/float64(n), "B/device")
	})
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

// BenchmarkCheckpoint makes the images of a table in which every page has
// changed.
func BenchmarkCheckpoint(b *testing.B) {
	benchFleets(b, func(b *testing.B, n int) {
		t, _ := committed(b, n)
		seq, size := t.Seq(), 0
		for b.Loop() {
			b.StopTimer()
			for s := range Slot(n) {
				reading(t, s, int(seq))
			}
			seq++
			t.Seal(Header{Seq: seq}, SealOptions{})
			t.Confirm(seq)
			size = 0
			b.StartTimer()
			c := t.BeginCheckpoint()
			for images := c.Next(64); len(images) > 0; images = c.Next(64) {
				for _, im := range images {
					size += len(im.Data)
				}
			}
			t.EndCheckpoint(c, Saved)
		}
		b.SetBytes(int64(size))
		b.ReportMetric(float64(size)/float64(n), "B/device")
	})
}

// BenchmarkLoad takes those images back into an empty table.
func BenchmarkLoad(b *testing.B) {
	benchFleets(b, func(b *testing.B, n int) {
		t, _ := committed(b, n)
		c := t.BeginCheckpoint()
		var images []Image
		for some := c.Next(1000); len(some) > 0; some = c.Next(1000) {
			images = append(images, some...)
		}
		size := 0
		for _, im := range images {
			size += len(im.Data)
		}
		b.SetBytes(int64(size))
		for b.Loop() {
			other, _ := fleet(b, 0)
			require.NoError(b, other.Restore(c.Snapshot()))
			for _, im := range images {
				require.NoError(b, other.LoadPage(im))
			}
			require.NoError(b, other.FinishReplay())
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/device")
	})
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
