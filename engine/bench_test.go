package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkCatchUp folds a backlog from a broker inside the process: fetch,
// decode, fold, journal and transactions; broker and client share the cores. One
// operation is one reading; the clock runs from the task's first transaction on.
func BenchmarkCatchUp(b *testing.B) {
	for _, devices := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("devices=%d", devices), func(b *testing.B) {
			bench := newBench(b, benchOptions{pipeline: patient, createTime: true})
			total := max(b.N, 1)
			start := time.Now().Add(-time.Hour).UnixMilli()
			client, err := kgo.NewClient(kgo.SeedBrokers(bench.cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(100_000))
			require.NoError(b, err)
			defer client.Close()
			for i := range total {
				r := reading{fmt.Sprintf("pump-%06d", i%devices), start + int64(i/devices)*250, 20 + float64(i%100)/10, i / devices}
				client.Produce(context.Background(), &kgo.Record{Topic: "readings", Value: []byte(r.String())}, nil)
			}
			require.NoError(b, client.Flush(context.Background()))
			begun := awaiting("begun")
			o := bench.options(newMemoryStore())
			o.Failpoint = begun.reach
			b.ReportAllocs()
			run := bench.start(o)
			<-begun.found
			b.ResetTimer()
			run.settled(0, int64(total))
			b.StopTimer()
			require.NoError(b, run.wait())
		})
	}
}
