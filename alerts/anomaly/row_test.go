package anomaly_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

// cells is a row that remembers which of its cells were said to change.
type cells struct {
	words   []uint64
	length  int
	written map[int]bool
}

func (c *cells) Words() []uint64 { return c.words }

func (c *cells) Write(cell int) []uint64 {
	c.written[cell] = true
	return c.words[cell*c.length : (cell+1)*c.length]
}

// TestFold folds series that lie in cells: the words are those that Step makes, and
// no cell changes that was not said to.
func TestFold(t *testing.T) {
	d := compiled(t, anomaly.Options{FalseAlarmsPer: anomaly.Week})
	for _, world := range worlds() {
		row := &cells{words: make([]uint64, d.Cells()*d.CellWords()), length: d.CellWords(), written: map[int]bool{}}
		require.Len(t, row.words, d.Words())
		want := make([]uint64, d.Words())
		r := rand.New(rand.NewPCG(3, 3))
		for i := range 6000 {
			v, at := world.next(r, i, 1.0/288), event.Time(300_000*i)
			if i%97 == 0 {
				at -= 600_000 // older than the newest
			}
			before := slices.Clone(row.words)
			clear(row.written)
			verdict, taken := d.Fold(row, at, v)
			require.Equal(t, taken, row.written[0])
			require.Equal(t, d.Step(want, at, v), verdict)
			for k := range before {
				if before[k] != row.words[k] {
					require.True(t, row.written[k/d.CellWords()], "%s: word %d changed at sample %d", world.name, k, i)
				}
			}
		}
		require.Equal(t, want, row.words, world.name)
		view := d.View(want)
		require.NotZero(t, view.Samples)
		require.Equal(t, event.Time(300_000*5999), view.Last)
		require.Equal(t, world.name != "constant", view.Warm, world.name)
	}
}
