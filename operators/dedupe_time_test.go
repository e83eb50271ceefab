package operators_test

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
)

// times is DedupeTime in the dumbest form: the greatest times seen, ascending.
type times struct {
	remember event.Time
	known    []event.Time
}

func (m *times) judge(t event.Time) operators.Verdict {
	if slices.Contains(m.known, t) {
		return operators.Duplicate
	}
	if n := len(m.known); n > 0 && (m.remember > 0 && t < m.known[n-1]-m.remember || n == operators.DedupeTimes && t < m.known[0]) {
		return operators.TooOld
	}
	m.known = append(m.known, t)
	slices.Sort(m.known)
	m.known = m.known[max(len(m.known)-operators.DedupeTimes, 0):]
	return operators.New
}

// timeWords are the words of a series.
type timeWords [operators.DedupeTimeCells * operators.DedupeWords]uint64

// timeRow is a series on its own. It notes which cells were written.
type timeRow struct {
	words   timeWords
	written uint
}

func (r *timeRow) Words() []uint64 { return r.words[:] }

func (r *timeRow) Write(cell int) []uint64 {
	r.written |= 1 << cell
	return r.words[cell*operators.DedupeWords : (cell+1)*operators.DedupeWords]
}

// timed is a series, judged by the words and by the model.
type timed struct {
	t      require.TestingT
	dedupe operators.DedupeTime
	model  times
	row    timeRow
}

func newTimed(t require.TestingT, remember event.Time) *timed {
	return &timed{t: t, dedupe: operators.DedupeTime{Remember: remember}, model: times{remember: remember}}
}

func (d *timed) hear(at event.Time) operators.Verdict {
	before := d.row.words
	got := d.dedupe.Judge(d.row.Words(), at)
	require.Equal(d.t, before, d.row.words, "Judge writes nothing")
	d.row.written = 0
	d.dedupe.Mark(&d.row, at)
	if got != operators.New {
		require.Zero(d.t, d.row.written, "Mark of a reading that is not new writes nothing")
	}
	for i, w := range d.row.words {
		require.True(d.t, w == before[i] || d.row.written>>(i/operators.DedupeWords)&1 != 0, "word %d changed behind the back of the journal", i)
	}
	require.Equal(d.t, d.model.judge(at), got, "time %d, known %v", at, d.model.known)
	return got
}

func TestDedupeTime(t *testing.T) {
	const n, d, o = operators.New, operators.Duplicate, operators.TooOld
	for _, c := range []struct {
		name     string
		remember event.Time
		full     bool // 63 readings come first, from 100 on, each 10 later
		in       []event.Time
		want     []operators.Verdict
	}{
		{"time 0", 0, false, []event.Time{0, 0, 1, 0}, []operators.Verdict{n, d, n, d}},
		{"out of order", 0, false, []event.Time{50, 70, 60, 60, 70, 30, 30}, []operators.Verdict{n, n, n, d, d, n, d}},
		{"older than remembered", 50, false, []event.Time{10, 100, 49, 49, 50, 50}, []operators.Verdict{n, n, o, o, n, d}},
		{"what was remembered before stays so", 50, false, []event.Time{10, 100, 10}, []operators.Verdict{n, n, d}},
		{"full: older than all", 0, true, []event.Time{99, 99, 100, 720}, []operators.Verdict{o, o, d, d}},
		{"full: the oldest makes room", 0, true, []event.Time{730, 100, 110, 730}, []operators.Verdict{n, o, d, d}},
		{"full: near the oldest", 0, true, []event.Time{105, 100, 105, 110, 107, 105, 107}, []operators.Verdict{n, o, d, d, n, o, d}},
		{"full: near the newest", 0, true, []event.Time{715, 100, 715, 710, 720}, []operators.Verdict{n, o, d, d, d}},
		{"full: far ahead", 0, true, []event.Time{9000, 120, 9000, 8000, 110}, []operators.Verdict{n, d, d, n, o}},
	} {
		t.Run(c.name, func(t *testing.T) {
			series := newTimed(t, c.remember)
			for i := range event.Time(operators.DedupeTimes) {
				if c.full {
					require.Equal(t, n, series.hear(100+10*i))
				}
			}
			for i, at := range c.in {
				assert.Equal(t, c.want[i], series.hear(at), "reading %d at %d", i, at)
			}
		})
	}
}

// Whatever comes, in whatever order: compared with a sorted list.
func TestDedupeTimeEqualsASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		series := newTimed(t, event.Time(rapid.SampledFrom([]int{0, 5, 100, 1000}).Draw(t, "remember")))
		newest := event.Time(rapid.SampledFrom([]int{0, 500, 1_772_323_200_000}).Draw(t, "from"))
		for range rapid.IntRange(1, 300).Draw(t, "readings") {
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0, 1, 2, 3, 4:
				newest += event.Time(rapid.IntRange(0, 10).Draw(t, "passed"))
				series.hear(newest)
			case 5, 6, 7:
				series.hear(max(newest-event.Time(rapid.IntRange(0, 700).Draw(t, "behind")), 0))
			case 8:
				if known := series.model.known; len(known) > 0 {
					series.hear(rapid.SampledFrom(known).Draw(t, "again"))
				}
			case 9:
				series.hear(newest + event.Time(rapid.IntRange(0, 2000).Draw(t, "ahead")))
			}
		}
	})
}

// Bytes are differences of time; the list agrees and nothing panics.
func FuzzDedupeTime(f *testing.F) {
	f.Add(uint8(0), []byte{128, 129, 128, 127, 255, 0})
	f.Add(uint8(9), slices.Repeat([]byte{130, 120, 133}, 60))
	f.Fuzz(func(t *testing.T, remember uint8, steps []byte) {
		series := newTimed(t, event.Time(remember))
		at := event.Time(10_000)
		for _, s := range steps {
			at = max(at+event.Time(s)-128, 0)
			series.hear(at)
		}
	})
}

// Words that no Mark has written are judged somehow, and harm nobody.
func TestDedupeTimeTakesAnyWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var row timeRow
		copy(row.words[:], rapid.SliceOfN(rapid.Uint64(), len(row.words), len(row.words)).Draw(t, "words"))
		var dedupe operators.DedupeTime
		for range 5 {
			at := event.Time(rapid.Int64Min(0).Draw(t, "time"))
			dedupe.Judge(row.Words(), at)
			dedupe.Mark(&row, at)
		}
	})
}

// In order a reading costs the journal the cell with the place of the oldest and
// the one it is in.
func TestDedupeTimeWritesFewCells(t *testing.T) {
	var dedupe operators.DedupeTime
	var row timeRow
	for at := range event.Time(500) {
		row.written = 0
		dedupe.Mark(&row, 100+at)
		require.LessOrEqual(t, bits.OnesCount(row.written), 2, "reading %d", at)
	}
}

func TestDedupeTimeAllocatesNothing(t *testing.T) {
	dedupe := operators.DedupeTime{Remember: 1000}
	var row timeRow
	var at event.Time
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		at += 7
		for _, lag := range []event.Time{0, 3, 0, 200, 500} {
			if dedupe.Judge(row.Words(), at-min(lag, at)) == operators.New {
				dedupe.Mark(&row, at-min(lag, at))
			}
		}
	}))
}

// BenchmarkDedupeTime is the cost of one reading: in order, up to a second out of
// order at one a millisecond, which is the worst, and where all are repeats.
func BenchmarkDedupeTime(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	lags := make([]event.Time, 1024)
	for i := range lags {
		lags[i] = event.Time(random.IntN(60))
	}
	for _, c := range []struct {
		name string
		at   func(i int) event.Time
	}{
		{"in order", func(i int) event.Time { return event.Time(1000 + i) }},
		{"out of order", func(i int) event.Time { return event.Time(1000+i) - lags[i%len(lags)] }},
		{"repeats", func(i int) event.Time { return event.Time(1000 + i%40) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			var dedupe operators.DedupeTime
			var row timeRow
			b.ReportAllocs()
			for i := range b.N {
				if t := c.at(i); dedupe.Judge(row.Words(), t) == operators.New {
					dedupe.Mark(&row, t)
				}
			}
		})
	}
}
