package statestore

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// formerOf carries columns over that are the same, and keeps the others whose name
// begins with x beside.
func formerOf(from, to Layout) Former {
	f := Former{Layout: from, Cells: []int{0}}
	for _, c := range from.Columns {
		first, found := 1, false
		for _, o := range to.Columns {
			if found = o == c || c.Name == "head" && o.Name == "head"; found {
				break
			}
			first += o.Cells
		}
		for k := range c.Cells {
			switch {
			case found:
				f.Cells = append(f.Cells, first+k)
			case c.Name[0] == 'x':
				f.Cells = append(f.Cells, Aside)
			default:
				f.Cells = append(f.Cells, Gone)
			}
		}
	}
	return f
}

var formerColumns = []Column{{"head", 1, 2}, {"a", 3, 2}, {"b", 1, 40}, {"xc", 1, 4}, {"xd", 1, 33}, {"e", 130, 1}}

func drawLayout(t *rapid.T) (l Layout) {
	for _, c := range rapid.Permutation(formerColumns).Draw(t, "columns") {
		if c.Name == "head" || rapid.Bool().Draw(t, c.Name) {
			l.Columns = append(l.Columns, c)
		}
		if c.Name == "head" {
			l.Columns[len(l.Columns)-1].Words = rapid.IntRange(1, 3).Draw(t, "words")
		}
	}
	return l
}

// fit gives the head the length that it has in a layout.
func fit(columns map[string][]uint64, l Layout) {
	for _, c := range l.Columns {
		if head := columns["head"]; c.Name == "head" && head != nil {
			now := make([]uint64, c.Words)
			copy(now, head)
			columns["head"] = now
		}
	}
}

// lives is a journal of several lives, each under a layout of its own, and what a
// device's columns hold in the dumbest form.
type lives struct {
	t       *rapid.T
	layouts map[uint64]Layout
	records []*Record
	devices map[string]map[string][]uint64 // device, column, words
}

// recovered is a table of that layout with all of the journal.
func (l *lives) recovered(layout Layout) *Table {
	o, d := Options{TaskWords: 1}, &disk{pages: map[PageID][]byte{}}
	if rapid.Bool().Draw(l.t, "little memory") {
		o.MemoryBytes, o.Pager = 1, d
	}
	table, err := NewTable(layout, o)
	require.NoError(l.t, err)
	table.stripeShift = 7
	for left := l.records; len(left) > 0; {
		n := rapid.IntRange(1, len(left)).Draw(l.t, "records at once")
		for _, r := range left[:n] {
			table.Read(formerOf(l.layouts[r.layout], layout))
		}
		require.NoError(l.t, table.ApplyAll(left[:n], rapid.IntRange(1, 3).Draw(l.t, "lanes"), InTurn))
		left = left[n:]
		require.NoError(l.t, table.Spill(func(images []Image) error {
			for _, im := range images {
				d.pages[im.ID] = append([]byte(nil), im.Data...)
			}
			return nil
		}, func() error { return nil }))
	}
	require.NoError(l.t, table.FinishReplay())
	return table
}

// agrees compares the table with the model. before are the columns that the last
// record had.
func (l *lives) agrees(table *Table, before Layout) {
	has := map[string]bool{}
	for _, c := range before.Columns {
		has[c.Name] = true
	}
	require.Equal(l.t, len(l.devices), table.Len())
	for device, columns := range l.devices {
		s, ok := table.Lookup([]byte(device))
		require.True(l.t, ok)
		now := map[string]bool{}
		for i, c := range table.layout.Columns {
			now[c.Name] = true
			want := columns[c.Name]
			if c.Name == "head" && want != nil {
				want = append(append([]uint64(nil), want...), make([]uint64, c.Words)...)[:c.Words]
			}
			if !has[c.Name] || want == nil {
				want = make([]uint64, c.Cells*c.Words)
			}
			require.Equal(l.t, want, table.Row(i, s), "%s of %s", c.Name, device)
		}
		for i, c := range table.Asides() {
			row := table.AsideRow(i, s)
			if want := columns[c.Name]; want != nil && has[c.Name] && !now[c.Name] {
				require.Equal(l.t, want, row, "%s of %s, beside", c.Name, device)
			} else {
				require.True(l.t, zero(row), "%s of %s, beside", c.Name, device)
			}
		}
	}
	require.NoError(l.t, table.check())
}

// live changes the table at random and seals it, a few times.
func (l *lives) live(table *Table) {
	var assembler Assembler
	for range rapid.IntRange(1, 4).Draw(l.t, "records") {
		for range rapid.IntRange(0, 6).Draw(l.t, "changes") {
			device := fmt.Sprint("d", rapid.IntRange(0, 5).Draw(l.t, "device"))
			s, ok := table.Lookup([]byte(device))
			if ok && rapid.IntRange(0, 5).Draw(l.t, "drop") == 0 {
				table.Drop(s)
				delete(l.devices, device)
				continue
			}
			if !ok {
				s = table.Add([]byte(device))
				l.devices[device] = map[string][]uint64{}
			}
			col := rapid.IntRange(0, len(table.layout.Columns)-1).Draw(l.t, "column")
			c := table.layout.Columns[col]
			cell, word := rapid.IntRange(0, c.Cells-1).Draw(l.t, "cell"), rapid.IntRange(0, c.Words-1).Draw(l.t, "word")
			table.Write(col, cell, s)[word] = rapid.Uint64Range(1, 9).Draw(l.t, "value")
			l.devices[device][c.Name] = append([]uint64(nil), table.Row(col, s)...)
		}
		sealed := table.Seal(Header{Seq: table.Seq() + 1}, SealOptions{MaxPart: 300, RefreshFloor: rapid.SampledFrom([]int{1, 100_000}).Draw(l.t, "refresh")})
		table.Confirm(sealed.Seq)
		for _, part := range sealed.Parts {
			record, err := assembler.Add(append([]byte(nil), part...))
			require.NoError(l.t, err)
			if record != nil {
				l.records = append(l.records, record)
			}
		}
		for l.records[0].Seq < l.records[len(l.records)-1].Base {
			l.records = l.records[1:]
		}
	}
}

// What a journal of several layouts leaves is what each step kept.
func TestFormerLayouts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &lives{t: t, layouts: map[uint64]Layout{}, devices: map[string]map[string][]uint64{}}
		var before Layout
		for range rapid.IntRange(2, 5).Draw(t, "lives") {
			layout := drawLayout(t)
			l.layouts[layout.Fingerprint()] = layout
			table := l.recovered(layout)
			require.Equal(t, len(l.records) > 0 && layout.Fingerprint() != before.Fingerprint(), table.Succeeds())
			l.agrees(table, before)
			for _, columns := range l.devices {
				fit(columns, layout)
				maps.DeleteFunc(columns, func(name string, _ []uint64) bool { return !hasColumn(layout, name) })
			}
			l.live(table)
			require.False(t, table.Succeeds())
			require.Empty(t, table.Asides())
			before = layout
			l.agrees(l.recovered(layout), layout)
		}
	})
}

func hasColumn(l Layout, name string) bool {
	for _, c := range l.Columns {
		if c.Name == name {
			return true
		}
	}
	return false
}

func TestUnknownLayout(t *testing.T) {
	l := Layout{Columns: formerColumns}
	old, err := NewTable(l, Options{})
	require.NoError(t, err)
	old.Add([]byte("d"))
	var assembler Assembler
	record, err := assembler.Add(old.Seal(Header{Seq: 1}, SealOptions{}).Parts[0])
	require.NoError(t, err)
	table, err := NewTable(Layout{Columns: formerColumns[:2]}, Options{})
	require.NoError(t, err)
	require.ErrorIs(t, table.Apply(record), ErrLayout)
}

func TestLayoutCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLayout(t)
		l.Remarks = rapid.SampledFrom([][]string{nil, {"wait 5"}, {"outcomes w a/2 b/3", "wait 0"}}).Draw(t, "remarks")
		b, err := l.AppendBinary(nil)
		require.NoError(t, err)
		have, err := ParseLayout(b)
		require.NoError(t, err)
		require.Equal(t, l, have)
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		if have, err = ParseLayout(b[:rapid.IntRange(0, len(b)).Draw(t, "length")]); err == nil {
			require.NoError(t, have.Validate())
		}
	})
}

// A layout that differs in a remark alone is another one: who reads state of it is told what it was, and loses nothing.
func TestRemarksMakeALayout(t *testing.T) {
	before := Layout{Columns: formerColumns, Remarks: []string{"wait 5"}}
	now := Layout{Columns: formerColumns, Remarks: []string{"wait 6"}}
	require.NotEqual(t, before.Fingerprint(), now.Fingerprint())
	require.NotEqual(t, before.Fingerprint(), Layout{Columns: formerColumns}.Fingerprint())
	require.Equal(t, before.Cells(), now.Cells())
	for _, wrong := range [][]string{{""}, {"a", "a"}, {formerColumns[0].Name}} {
		require.Error(t, Layout{Columns: formerColumns, Remarks: wrong}.Validate(), wrong)
	}

	old, err := NewTable(before, Options{})
	require.NoError(t, err)
	s := old.Add([]byte("d"))
	old.Write(0, 0, s)[0] = 7
	var assembler Assembler
	record, err := assembler.Add(old.Seal(Header{Seq: 1}, SealOptions{}).Parts[0])
	require.NoError(t, err)

	table, err := NewTable(now, Options{})
	require.NoError(t, err)
	f := Former{Layout: before}
	for cell := range before.Cells() {
		f.Cells = append(f.Cells, cell)
	}
	table.Read(f)
	_, succeeds := table.FormerLayout()
	require.False(t, succeeds)
	require.NoError(t, table.Apply(record))
	require.NoError(t, table.FinishReplay())
	have, succeeds := table.FormerLayout()
	require.True(t, succeeds)
	require.Equal(t, before, have)
	s, known := table.Lookup([]byte("d"))
	require.True(t, known)
	require.Equal(t, uint64(7), table.Row(0, s)[0])
	table.Seal(Header{Seq: 2}, SealOptions{})
	_, succeeds = table.FormerLayout()
	require.False(t, succeeds)
}
