package history

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// made is a topic whose partitions are read unevenly.
type made struct {
	random *rand.Rand
	parts  [][]task.Record
	next   []int
	held   []bool
}

func (m *made) Partitions() int             { return len(m.parts) }
func (m *made) Progress() (done, of int64)  { return 0, 0 }
func (m *made) ended(partition int) bool    { return m.next[partition] == len(m.parts[partition]) }
func (m *made) hold(partition int, on bool) { m.held[partition] = on }
func (m *made) Next(_ context.Context, b *Batch) error {
	b.reset(len(m.parts))
	left := 0
	for p := range m.parts {
		left += len(m.parts[p]) - m.next[p]
	}
	if left == 0 {
		return io.EOF
	}
	for p := range m.parts {
		if m.held[p] {
			continue
		}
		n := min(m.random.IntN(4), len(m.parts[p])-m.next[p])
		for _, r := range m.parts[p][m.next[p] : m.next[p]+n] {
			b.add(p, r)
		}
		m.next[p] += n
	}
	return nil
}

// However unevenly partitions are read, all records come once, in the order of time and
// each partition in its own.
func TestOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.IntRange(1, 5).Draw(t, "partitions")
		m := &made{random: random, parts: make([][]task.Record, n), next: make([]int, n), held: make([]bool, n)}
		total := 0
		for p := range m.parts {
			at := event.Time(1)
			for i := range random.IntN(30) {
				at += event.Time(random.IntN(3))
				m.parts[p] = append(m.parts[p], task.Record{Offset: int64(i), Append: at})
				total++
			}
		}
		o := NewOrdered(m)
		last, lastPartition := event.Time(0), 0
		next := make([]int64, n)
		for range total {
			p, r, err := o.Next(t.Context())
			require.NoError(t, err)
			require.Equal(t, next[p], r.Offset)
			next[p]++
			require.True(t, r.Append > last || r.Append == last && p >= lastPartition, "%d of %d after %d of %d", r.Append, p, last, lastPartition)
			last, lastPartition = r.Append, p
		}
		_, _, err := o.Next(t.Context())
		require.ErrorIs(t, err, io.EOF)
	})
}
