package badgerstore

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/statestore"
)

// The state of these benchmarks: 16 MiB of pages.
const benchPages, benchPageBytes = 4096, 4096

// rewrite writes all pages and a marker, as the checkpoint of a round.
func rewrite(tb testing.TB, task *Task, round int) {
	for from := uint32(0); from < benchPages; from += 64 {
		images := make([]statestore.Image, 64)
		for i := range images {
			data := make([]byte, benchPageBytes)
			binary.LittleEndian.PutUint64(data, uint64(round))
			images[i] = statestore.Image{ID: statestore.PageID{Index: from + uint32(i)}, Data: data}
		}
		require.NoError(tb, task.Write(images))
	}
	require.NoError(tb, task.Flush())
	require.NoError(tb, task.Mark(Marker{Lineage: [16]byte{1}, Seq: uint64(round)}))
}

// BenchmarkCheckpoint rewrites all pages a round, collecting garbage as the
// engine does, and says how much disk that comes to.
func BenchmarkCheckpoint(b *testing.B) {
	s, err := Open(b.TempDir(), Options{BallastBytes: -1})
	require.NoError(b, err)
	task := s.Task(0)
	require.NoError(b, task.Begin([16]byte{1}))
	b.SetBytes(benchPages * benchPageBytes)
	b.ReportAllocs()
	rounds, rewritten := 0, 0
	var most int64
	for b.Loop() {
		rounds++
		rewrite(b, task, rounds)
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
	b.ReportMetric(float64(most)/(benchPages*benchPageBytes), "disk/state")
	b.ReportMetric(float64(rewritten)/float64(rounds), "gc/round")
	require.NoError(b, s.Close())
}

// BenchmarkLoad opens a store that was written over a few times and takes all
// pages out of it, as a start does.
func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(dir, Options{BallastBytes: -1})
	require.NoError(b, err)
	task := s.Task(0)
	require.NoError(b, task.Begin([16]byte{1}))
	for round := range 4 {
		rewrite(b, task, round+1)
	}
	require.NoError(b, s.Close())
	b.SetBytes(benchPages * benchPageBytes)
	b.ReportAllocs()
	var open, load time.Duration
	for b.Loop() {
		began := time.Now()
		s, err := Open(dir, Options{BallastBytes: -1})
		require.NoError(b, err)
		opened := time.Now()
		n := 0
		require.NoError(b, s.Task(0).Load(func(statestore.Image) error { n++; return nil }))
		open, load = open+opened.Sub(began), load+time.Since(opened)
		require.Equal(b, benchPages, n)
		b.StopTimer()
		require.NoError(b, s.Close())
		b.StartTimer()
	}
	b.ReportMetric(1000*open.Seconds()/float64(b.N), "open-ms")
	b.ReportMetric(1000*load.Seconds()/float64(b.N), "load-ms")
}
