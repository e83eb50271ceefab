package badgerstore

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/statestore"
)

// BenchmarkCheckpoint rewrites 16 MiB of pages a round, collecting garbage as
// the engine does, and says how much disk that comes to. Then it reopens the
// store as after a crash and loads all.
func BenchmarkCheckpoint(b *testing.B) {
	const count, size = 4096, 4096
	dir := b.TempDir()
	s, err := Open(dir, Options{BallastBytes: -1})
	require.NoError(b, err)
	task := s.Task(0)
	require.NoError(b, task.Begin([16]byte{1}))
	b.SetBytes(count * size)
	rounds, rewritten := 0, 0
	var most int64
	for b.Loop() {
		for from := uint32(0); from < count; from += 64 {
			images := make([]statestore.Image, 64)
			for i := range images {
				data := make([]byte, size)
				binary.LittleEndian.PutUint64(data, uint64(rounds)+1)
				images[i] = statestore.Image{ID: statestore.PageID{Index: from + uint32(i)}, Data: data}
			}
			require.NoError(b, task.Write(images))
		}
		require.NoError(b, task.Flush())
		rounds++
		require.NoError(b, task.Mark(Marker{Lineage: [16]byte{1}, Seq: uint64(rounds)}))
		for again := true; again; {
			again, err = s.RunGC()
			require.NoError(b, err)
			if again {
				rewritten++
			}
		}
		used, err := s.Size()
		require.NoError(b, err)
		most = max(most, used)
	}
	b.ReportMetric(float64(most)/(count*size), "disk/state")
	b.ReportMetric(float64(rewritten)/float64(rounds), "gc/round")
	require.NoError(b, s.Close())
	start := time.Now()
	s, err = Open(dir, Options{BallastBytes: -1})
	require.NoError(b, err)
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "open-ms")
	start = time.Now()
	n := 0
	require.NoError(b, s.Task(0).Load(func(statestore.Image) error { n++; return nil }))
	require.Equal(b, count, n)
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "load-ms")
	require.NoError(b, s.Close())
}
