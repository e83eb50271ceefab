package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// commits remembers when each partition was committed last, and by whom, and how
// long each change of owner kept it waiting.
type commits struct {
	mu    sync.Mutex
	owner map[int32]string
	last  map[int32]time.Time
	gaps  []time.Duration
}

func (c *commits) by(owner string) func(string, int32) {
	return func(point string, p int32) {
		if point != "confirmed" {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		if was := c.owner[p]; was != "" && was != owner {
			c.gaps = append(c.gaps, now.Sub(c.last[p]))
		}
		c.owner[p], c.last[p] = owner, now
	}
}

// BenchmarkHandOver restarts four processes one after the other while readings
// flow into eight partitions, and measures how long a partition is without a
// commit when it changes hands: from the last one of the old owner to the first
// of the new. The next process is stopped when all partitions are at work.
func BenchmarkHandOver(b *testing.B) {
	const partitions, processes = 8, 4
	for _, devices := range []int{8_000, 200_000} {
		b.Run(fmt.Sprintf("devices=%d", devices), func(b *testing.B) {
			f := newFlow(b, flowOptions{pipeline: ordinary, devices: devices, every: 10_000, partitions: partitions})
			c := &commits{owner: map[int32]string{}, last: map[int32]time.Time{}}
			var names, dirs [processes]string
			var engines [processes]*running
			var stores [processes]diskStore
			begin := func(i int, generation string) {
				stores[i] = openDisk(b, dirs[i])
				o := f.options(stores[i])
				o.Instance = names[i]
				o.Failpoint = c.by(names[i] + generation)
				engines[i] = f.begin(o)
			}
			settled := func() bool {
				live := 0
				for _, r := range engines {
					shares := r.engine.Status()
					if len(shares) != partitions/processes {
						return false
					}
					for _, s := range shares {
						if s.State == Live {
							live++
						}
					}
				}
				return live == partitions
			}
			for i := range processes {
				names[i], dirs[i] = string(rune('a'+i)), b.TempDir()
				begin(i, "")
			}
			eventually(b, "four share", settled)
			for range 2 {
				f.send(devices)
			}
			ctx, cancel := context.WithCancel(context.Background())
			var feeding sync.WaitGroup
			feeding.Go(func() {
				for ctx.Err() == nil {
					f.send(4 * partitions)
					time.Sleep(5 * time.Millisecond)
				}
			})
			rounds := 0
			var stopping time.Duration
			for b.Loop() {
				rounds++
				for i := range processes {
					began := time.Now()
					require.NoError(b, engines[i].wait())
					stopping += time.Since(began)
					require.NoError(b, stores[i].Close())
					begin(i, fmt.Sprint(rounds))
					eventually(b, "all at work", settled)
				}
			}
			b.StopTimer()
			cancel()
			feeding.Wait()
			for p, end := range f.ends() {
				eventually(b, "all committed", func() bool {
					return f.cluster.GroupInfo("weir.test").Commits["readings"][p].Offset == end
				})
			}
			for i := range processes {
				require.NoError(b, engines[i].wait())
				require.NoError(b, stores[i].Close())
			}
			slices.Sort(c.gaps)
			b.ReportMetric(float64(len(c.gaps))/float64(rounds), "handovers")
			b.ReportMetric(1000*c.gaps[len(c.gaps)/2].Seconds(), "median-ms")
			b.ReportMetric(1000*c.gaps[len(c.gaps)-1].Seconds(), "worst-ms")
			b.ReportMetric(1000*stopping.Seconds()/processes/float64(rounds), "stop-ms")
		})
	}
}

// ends are the offsets at which the partitions of the source end.
func (f *flow) ends() map[int32]int64 {
	f.t.Helper()
	listed, err := f.admin.ListEndOffsets(context.Background(), "readings")
	require.NoError(f.t, err)
	ends := map[int32]int64{}
	for p := range int32(max(1, f.partitions)) {
		o, ok := listed.Lookup("readings", p)
		require.True(f.t, ok)
		ends[p] = o.Offset
	}
	return ends
}
