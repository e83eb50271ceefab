package statestore

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWordsRoundTrip(t *testing.T) {
	word := rapid.OneOf(
		rapid.Uint64(),
		rapid.Just(uint64(0)),
		rapid.Custom(func(t *rapid.T) uint64 { return math.Float64bits(float64(rapid.Int16().Draw(t, "n")) / 4) }),
		rapid.Custom(func(t *rapid.T) uint64 { return uint64(rapid.Uint16().Draw(t, "n")) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word, 0, 40).Draw(t, "words")
		tail := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "tail")
		b := appendWords([]byte{7}, words)
		if len(b) > 1+wordsSize(len(words)) {
			t.Fatalf("%d bytes for %d words", len(b), len(words))
		}
		got := make([]uint64, len(words))
		rest, ok := readWords(append(b[1:], tail...), got)
		require.True(t, ok)
		require.Equal(t, words, got)
		require.Equal(t, len(tail), len(rest))
		for cut := 1; cut < len(b); cut++ {
			_, ok := readWords(b[1:cut], got)
			require.False(t, ok, "cut at %d", cut)
		}
	})
}

func TestPagesRoundTripAndRefuseDamage(t *testing.T) {
	a, _ := fleet(t, 300)
	a.Drop(5)
	a.Drop(299)
	a.Seal(Header{Seq: 1, Wall: 3}, SealOptions{})
	c := a.BeginCheckpoint()
	images := c.Next(1000)
	require.Len(t, images, 3*3)
	for _, im := range images {
		b, _ := NewTable(a.layout, a.options)
		require.NoError(t, b.Restore(c.Snapshot()))
		require.NoError(t, b.LoadPage(im))
		require.Equal(t, im.Data, (&Checkpoint{table: b}).image(im.ID, b.pageOf(im.ID)))
		for i := 0; i < len(im.Data); i += 1 + len(im.Data)/50 {
			im.Data[i] ^= 4
			require.ErrorIs(t, b.LoadPage(im), ErrDamaged)
			im.Data[i] ^= 4
		}
		require.ErrorIs(t, b.LoadPage(Image{im.ID, im.Data[:3]}), ErrDamaged)
	}
	require.ErrorIs(t, mustRestore(t, a).LoadPage(Image{PageID{2, 0}, images[0].Data}), ErrDamaged)
}

// A page that stays on the disk for want of memory is looked at too: damage found later could not be made good from the journal.
func TestDamageShowsThoughPagesStayOnDisk(t *testing.T) {
	a, _ := fleet(t, 300)
	a.Seal(Header{Seq: 1}, SealOptions{})
	c := a.BeginCheckpoint()
	little := a.options
	little.MemoryBytes, little.Pager = 1, &disk{pages: map[PageID][]byte{}}
	b, err := NewTable(a.layout, little)
	require.NoError(t, err)
	require.NoError(t, b.Restore(c.Snapshot()))
	for _, im := range c.Next(1000) {
		require.NoError(t, b.LoadPage(im))
		im.Data[len(im.Data)/2] ^= 4
		require.ErrorIs(t, b.LoadPage(im), ErrDamaged, "%v", im.ID)
	}
}

func mustRestore(t *testing.T, from *Table) *Table {
	b, err := NewTable(from.layout, from.options)
	require.NoError(t, err)
	require.NoError(t, b.Restore(from.snapshot()))
	return b
}

func TestSnapshotRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Snapshot{
			Header:   Header{Seq: rapid.Uint64().Draw(t, "seq"), From: rapid.Int64().Draw(t, "from"), To: rapid.Int64().Draw(t, "to"), Wall: 12},
			Position: Position{rapid.Uint64().Draw(t, "base"), rapid.Uint64().Draw(t, "cycle"), Slot(rapid.Uint32().Draw(t, "cursor"))},
			Bound:    Slot(rapid.Uint32Range(0, MaxSlots).Draw(t, "bound")),
			Layout:   rapid.Uint64().Draw(t, "layout"),
			Task:     rapid.SliceOfN(rapid.Uint64(), 0, 20).Draw(t, "task"),
		}
		b, err := s.AppendBinary([]byte("x"))
		require.NoError(t, err)
		got, err := ParseSnapshot(b[1:])
		require.NoError(t, err)
		if len(s.Task) == 0 {
			s.Task, got.Task = nil, nil
		}
		require.Equal(t, s, got)
		_, err = ParseSnapshot(b[1 : len(b)-1])
		require.ErrorIs(t, err, ErrDamaged)
	})
}

// parts gives records that use every section.
func sampleParts(tb testing.TB, max int) [][]byte {
	t, err := NewTable(twoColumns(), Options{TaskWords: 3})
	require.NoError(tb, err)
	var out [][]byte
	for seq := uint64(1); seq <= 3; seq++ {
		for i := range 5 {
			s := t.Add([]byte{byte(seq), byte(i)})
			t.Write(0, 0, s)[1] = uint64(i) << (8 * seq)
			t.Write(1, i, s)[2] = seq
		}
		if seq > 1 {
			t.Drop(Slot(seq))
		}
		for _, p := range t.Seal(Header{Seq: seq}, SealOptions{MaxPart: max, RefreshFloor: 100}).Parts {
			out = append(out, append([]byte(nil), p...))
		}
		t.Confirm(seq)
	}
	return out
}

func TestPartsOutOfOrderAreRefused(t *testing.T) {
	parts := sampleParts(t, 150)
	require.Greater(t, len(parts), 6)
	var a Assembler
	_, err := a.Add(parts[1])
	require.ErrorIs(t, err, ErrOrder)
	_, err = a.Add(parts[0])
	require.NoError(t, err)
	require.True(t, a.Pending())
	_, err = a.Add(parts[2])
	require.ErrorIs(t, err, ErrOrder)
	_, err = a.Add(parts[0])
	require.NoError(t, err)
	_, err = a.Add(parts[0])
	require.ErrorIs(t, err, ErrOrder)
	for i := range parts[0] {
		parts[0][i] ^= 16
		_, err = a.Add(parts[0])
		require.ErrorIs(t, err, ErrDamaged)
		parts[0][i] ^= 16
	}
}

func TestRecordsOutOfOrderAreRefused(t *testing.T) {
	parts := sampleParts(t, 0)
	records := make([]*Record, len(parts))
	var a Assembler
	for i, p := range parts {
		var err error
		records[i], err = a.Add(p)
		require.NoError(t, err)
	}
	table, _ := NewTable(twoColumns(), Options{TaskWords: 3})
	require.NoError(t, table.Apply(records[0]))
	require.ErrorIs(t, table.Apply(records[2]), ErrGap)
	require.ErrorIs(t, table.Apply(records[0]), ErrGap)
	late, _ := NewTable(twoColumns(), Options{TaskWords: 3})
	records[2].Base = 2
	require.NoError(t, late.Apply(records[2]))
	require.ErrorIs(t, late.FinishReplay(), ErrGap)
	other, _ := NewTable(Layout{}, Options{TaskWords: 3})
	require.ErrorIs(t, other.Apply(records[0]), ErrLayout)
}

// FuzzApply feeds damaged records whose checksum is right: no panic, and no
// more memory than the bound allows.
func FuzzApply(f *testing.F) {
	for _, p := range sampleParts(f, 0) {
		f.Add(p[:len(p)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) >= headerSize {
			bound := binary.LittleEndian.Uint32(body[atBound:])
			binary.LittleEndian.PutUint32(body[atBound:], bound%1000)
		}
		var a Assembler
		r, err := a.Add(appendChecksum(append([]byte(nil), body...), 0))
		if err != nil || r == nil {
			return
		}
		table, _ := NewTable(twoColumns(), Options{TaskWords: 3})
		if table.Apply(r) == nil && table.FinishReplay() == nil && table.Len() > 0 {
			for s := range table.Bound() {
				if table.Live(s) {
					got, ok := table.Lookup(table.Name(s))
					require.True(t, ok)
					require.Equal(t, s, got)
				}
			}
		}
	})
}

// FuzzPage feeds what a damaged disk may hold to pages and snapshots: no panic.
func FuzzPage(f *testing.F) {
	a, _ := fleet(f, 3)
	a.Seal(Header{Seq: 1}, SealOptions{})
	for _, im := range a.BeginCheckpoint().Next(9) {
		f.Add(im.Data[:len(im.Data)-4])
	}
	snapshot, _ := a.snapshot().AppendBinary(nil)
	f.Add(snapshot[:len(snapshot)-4])
	f.Fuzz(func(t *testing.T, body []byte) {
		b := appendChecksum(append([]byte(nil), body...), 0)
		for col := NamesColumn; col < 2; col++ {
			_ = mustRestore(t, a).LoadPage(Image{PageID{col, 0}, b})
		}
		if s, err := ParseSnapshot(b); err == nil {
			again, _ := s.AppendBinary(nil)
			got, err := ParseSnapshot(again)
			require.NoError(t, err)
			require.Equal(t, s, got)
		}
	})
}
