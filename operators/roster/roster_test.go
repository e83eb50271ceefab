package roster_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/operators/roster"
)

func parsed(t require.TestingT, text string) *roster.Roster {
	r, err := roster.Parse([]byte(text))
	require.NoError(t, err)
	return r
}

func TestParse(t *testing.T) {
	text := "\ufeffsite , device, limit,active\r\n north,pump-1 , 8.5,true\n\n\" a \"\"b\"\", c \", pump 2,,\n,\u00fcber,-1e3,false\n"
	r := parsed(t, text)
	require.Equal(t, []roster.Label{{Name: "site"}, {Name: "limit", Kind: roster.Number}, {Name: "active", Kind: roster.Bool}}, r.Labels())
	require.Equal(t, []string{"pump-1", "pump 2", "\u00fcber"}, r.Devices())
	require.Equal(t, 3, r.Len())
	sum := sha256.Sum256([]byte(text))
	require.Equal(t, binary.BigEndian.Uint64(sum[:]), r.Fingerprint())

	one := r.Of([]byte("pump-1"))
	require.Equal(t, "north", one.Text(0))
	require.True(t, math.IsNaN(one.Number(0)))
	require.Equal(t, 8.5, one.Number(1))
	require.Equal(t, "8.5", one.Text(1))
	require.True(t, one.Bool(2))
	two := r.Of([]byte("pump 2"))
	require.Equal(t, `a "b", c`, two.Text(0))
	require.True(t, math.IsNaN(two.Number(1)), "an empty cell is no label")
	require.False(t, two.Bool(2))
	require.Equal(t, -1000.0, r.Of([]byte("\u00fcber")).Number(1))

	require.True(t, r.Has([]byte("pump-1")))
	for _, stranger := range []string{"", "pump-3", "PUMP-1", " pump-1", "site"} {
		require.False(t, r.Has([]byte(stranger)), stranger)
		row := r.Of([]byte(stranger))
		require.Equal(t, "", row.Text(0))
		require.True(t, math.IsNaN(row.Number(1)))
		require.False(t, row.Bool(2))
	}
	for _, beyond := range []int{-1, 3} {
		require.Equal(t, "", one.Text(beyond))
		require.True(t, math.IsNaN(one.Number(beyond)))
	}
}

func TestKinds(t *testing.T) {
	for cells, want := range map[string]roster.Kind{
		"1|-2.5|+3|.5|1e3|007":   roster.Number,
		"|":                      roster.Number,
		"|4":                     roster.Number,
		"1|1 C":                  roster.Text,
		"1|inf":                  roster.Text,
		"NaN":                    roster.Text,
		"0x10":                   roster.Text,
		"1_000":                  roster.Text,
		"1e999":                  roster.Text,
		"1,5":                    roster.Text,
		"e":                      roster.Text,
		"true|false||true":       roster.Bool,
		"True":                   roster.Text,
		"true|1":                 roster.Text,
		"yes|no":                 roster.Text,
		"2026-03-01|2026-03-02":  roster.Text,
		"\u0661":                 roster.Text,
		"1e3|-0|0.0000000000001": roster.Number,
	} {
		var b strings.Builder
		b.WriteString("device,x\n")
		for i, c := range strings.Split(cells, "|") {
			fmt.Fprintf(&b, "d%d,%q\n", i, c)
		}
		assert.Equal(t, []roster.Label{{Name: "x", Kind: want}}, parsed(t, b.String()).Labels(), cells)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ text, reason string }{
		{"", "the file is empty; its first line must name the columns, device among them"},
		{"\n\n", "the file is empty; its first line must name the columns, device among them"},
		{"name,site\na,b\n", "line 1: no column is named device; the columns are name, site"},
		{"Device\n", "line 1: no column is named device; the columns are Device"},
		{"device;site\na;b\n", `line 1: the header is a single column, "device;site"; columns are separated by commas`},
		{"device,site, site\n", `line 1: column "site" is there twice`},
		{"device,device\n", `line 1: column "device" is there twice`},
		{"device,,x\n", "line 1: column 2 has no name"},
		{"device," + strings.Repeat("x", 101) + "\n", "line 1: the name of column 2 has 101 bytes; the most is 100"},
		{"device,\"a\nb\"\n", "line 1: the name of column 2 is not a line of text in UTF-8"},
		{"device" + strings.Repeat(",x", 65), `line 1: column "x" is there twice`},
		{"device," + strings.Join(numbered(65), ","), "line 1: there are 65 columns beside device; the most is 64"},
		{"device,site\na,b\n,c\n", "line 3: the device has no name"},
		{"device\n" + strings.Repeat("x", 513) + "\n", "line 2: the name of the device has 513 bytes; the most is 512"},
		{"device\n\"\xff\"\n", `line 2: the name of the device, "\xff", is not UTF-8`},
		{"device,site\na,\xff\n", "line 2: site is not UTF-8"},
		{"device,site\na,\"x\ny\"\n\nb,x\na ,z\n", `line 6: device "a" is named twice, first in line 2`},
		{"device,site\na\n", "line 2: it has 1 cell, and the header names 2"},
		{"device,site\na,b,c\n", "line 2: it has 3 cells, and the header names 2"},
		{"device,site\na,5\" pipe\n", `line 2: a cell with a quote in it must stand in quotes itself, and the quote in it twice: "5"" pipe"`},
		{"device,site\na,\"b\nc,d\n", "line 2: a cell that begins with a quote must end with one before the comma, and quotes in it must stand twice"},
	} {
		_, err := roster.Parse([]byte(c.text))
		assert.EqualError(t, err, c.reason, "%q", c.text)
		var wrong *roster.Error
		assert.ErrorAs(t, err, &wrong)
	}
}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
	}
	return names
}

// A new version has its columns where the old one had them.
func TestArrange(t *testing.T) {
	old := parsed(t, "device,site,limit,gone\na,north,8,x\n")
	r := parsed(t, "more,limit,device,site\nm,9,a,south\n,,b,\n").Arrange(old.Labels())
	require.Equal(t, []roster.Label{{Name: "site"}, {Name: "limit", Kind: roster.Number}, {Name: "gone"}, {Name: "more"}}, r.Labels())
	row := r.Of([]byte("a"))
	require.Equal(t, []string{"south", "9", "", "m"}, []string{row.Text(0), row.Text(1), row.Text(2), row.Text(3)})
	require.Equal(t, 9.0, row.Number(1))
	require.True(t, math.IsNaN(row.Number(2)))
	require.Equal(t, r.Labels(), r.Arrange(old.Labels()).Labels())
}

func TestServes(t *testing.T) {
	r := parsed(t, "device,text,number,bool,empty\na,,1,true,\nb,x,2,false,\n")
	for _, name := range []string{"text", "number", "bool", "empty"} {
		assert.NoError(t, r.Serves(roster.Label{Name: name, Kind: roster.Text}), name)
	}
	for _, kind := range []roster.Kind{roster.Number, roster.Bool} {
		assert.NoError(t, r.Serves(roster.Label{Name: "empty", Kind: kind}))
	}
	assert.NoError(t, r.Serves(roster.Label{Name: "number", Kind: roster.Number}))
	assert.NoError(t, r.Serves(roster.Label{Name: "bool", Kind: roster.Bool}))
	assert.EqualError(t, r.Serves(roster.Label{Name: "text", Kind: roster.Number}), `line 3: text is "x", which is not a number`)
	assert.EqualError(t, r.Serves(roster.Label{Name: "bool", Kind: roster.Number}), `line 2: bool is "true", which is not a number`)
	assert.EqualError(t, r.Serves(roster.Label{Name: "number", Kind: roster.Bool}), `line 2: number is "1", which is not true or false`)
	assert.EqualError(t, r.Serves(roster.Label{Name: "none", Kind: roster.Text}), `there is no column "none"`)
}

// What was written is what is found, whatever the names and cells are.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-zé"',;#0-9. -]{0,6}`)
		columns := rapid.IntRange(0, 3).Draw(t, "columns")
		at := rapid.IntRange(0, columns).Draw(t, "device column")
		names := slices.Insert(numbered(columns), at, "device")
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		require.NoError(t, w.Write(names))
		known := map[string][]string{}
		var order []string
		for range rapid.IntRange(0, 60).Draw(t, "devices") {
			cells := make([]string, columns+1)
			for i := range cells {
				cells[i] = word.Draw(t, "cell")
			}
			name := strings.TrimSpace(cells[at])
			if _, again := known[name]; again || name == "" {
				continue
			}
			require.NoError(t, w.Write(cells))
			known[name], order = slices.Delete(slices.Clone(cells), at, at+1), append(order, name)
		}
		w.Flush()
		r := parsed(t, file.String())
		require.Equal(t, len(order), r.Len())
		for i, name := range order {
			require.Equal(t, name, r.Devices()[i])
			row := r.Of([]byte(name))
			for k, cell := range known[name] {
				require.Equal(t, strings.TrimSpace(cell), row.Text(k))
			}
		}
		stranger := word.Draw(t, "stranger")
		_, has := known[stranger]
		require.Equal(t, has, r.Has([]byte(stranger)))
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"device,site\na,b\n", "\ufeffdevice;x", "device,x\n\"a\"\"\",1\nb", "x,device\n1e3,é\n", "device\r\na\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := roster.Parse(data)
		if err != nil {
			var wrong *roster.Error
			require.ErrorAs(t, err, &wrong)
			return
		}
		names := r.Devices()
		for i, name := range names {
			require.Equal(t, i, r.Find([]byte(name)))
			for k, l := range r.Labels() {
				row := r.At(i)
				if number := row.Number(k); l.Kind == roster.Number {
					require.Equal(t, row.Text(k) == "", math.IsNaN(number))
					require.False(t, math.IsInf(number, 0))
				}
				if l.Kind == roster.Bool {
					require.Contains(t, []string{"", "true", "false"}, row.Text(k))
				}
			}
		}
	})
}

func TestLookupsAllocateNothing(t *testing.T) {
	r := parsed(t, "device,site,limit\npump-1,north,8\n")
	device, stranger := []byte("pump-1"), []byte("pump-2")
	sum := 0.0
	require.Zero(t, testing.AllocsPerRun(100, func() {
		row := r.Of(device)
		sum += row.Number(1) + float64(len(row.Text(0))) + float64(len(r.Of(stranger).Text(0)))
	}))
	require.NotZero(t, sum)
}

// fleet is a roster of n devices with a site, a serial number of their own and a
// limit.
func fleet(n int) []byte {
	b := []byte("device,site,serial,limit\n")
	for i := range n {
		b = fmt.Appendf(b, "device-%07d,site %d,SN%08x,%d.5\n", i, i%500, i*2654435761, 60+i%40)
	}
	return b
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("devices=%d", n), func(b *testing.B) {
			if testing.Short() && n > 100_000 {
				b.Skip("a million devices take a while")
			}
			data := fleet(n)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := roster.Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOf(b *testing.B) {
	const devices = 1_000_000
	r, err := roster.Parse(fleet(devices))
	require.NoError(b, err)
	names := make([][]byte, 1<<16)
	for i := range names {
		names[i] = fmt.Appendf(nil, "device-%07d", i*618_041%devices)
	}
	sum := 0.0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		sum += r.Of(names[i&(1<<16-1)]).Number(2)
	}
	require.NotZero(b, sum)
}
