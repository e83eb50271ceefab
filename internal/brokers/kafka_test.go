package brokers

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func client(t testing.TB, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.DefaultProduceTopic("readings")}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func readAll(t *testing.T, addr string, n int) []*kgo.Record {
	t.Helper()
	c := client(t, addr, kgo.ConsumeTopics("readings"))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var records []*kgo.Record
	for len(records) < n {
		fetches := c.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "only %d of %d records: %v", len(records), n, fetches.Errors())
		records = append(records, fetches.Records()...)
	}
	require.Len(t, records, n)
	return records
}

func TestKafkaStampsAppendTime(t *testing.T) {
	k, err := StartKafka(KafkaOptions{Topics: []string{"readings"}, Partitions: 1})
	require.NoError(t, err)
	defer k.Close()
	before := time.Now().Add(-time.Second)
	old := time.UnixMilli(1000)
	c := client(t, k.Addr())
	for i := range 3 {
		// Three in a batch, with clocks of their own.
		c.Produce(t.Context(), &kgo.Record{Value: []byte{byte(i)}, Timestamp: old.Add(time.Duration(i) * time.Hour)}, nil)
	}
	require.NoError(t, c.Flush(t.Context()))
	for _, r := range readAll(t, k.Addr(), 3) {
		assert.EqualValues(t, 1, r.Attrs.TimestampType(), "LogAppendTime")
		assert.WithinRange(t, r.Timestamp, before, time.Now().Add(time.Second))
	}
	configs, err := kadm.NewClient(c).DescribeTopicConfigs(t.Context(), "readings")
	require.NoError(t, err)
	for _, config := range configs[0].Configs {
		if config.Key == "message.timestamp.type" {
			assert.Equal(t, "LogAppendTime", config.MaybeValue())
		}
	}
}

func TestKafkaStampsTransactions(t *testing.T) {
	k, err := StartKafka(KafkaOptions{Topics: []string{"readings"}, Partitions: 1})
	require.NoError(t, err)
	defer k.Close()
	c := client(t, k.Addr(), kgo.TransactionalID("task-0"))
	require.NoError(t, c.BeginTransaction())
	require.NoError(t, c.ProduceSync(t.Context(), kgo.StringRecord("x")).FirstErr())
	require.NoError(t, c.EndTransaction(t.Context(), kgo.TryCommit))
	assert.EqualValues(t, 1, readAll(t, k.Addr(), 1)[0].Attrs.TimestampType())
}

func TestKafkaListensOnLoopbackOnly(t *testing.T) {
	k, err := StartKafka(KafkaOptions{})
	require.NoError(t, err)
	defer k.Close()
	assert.Regexp(t, `^127\.0\.0\.1:`, k.Addr())
}

func TestKafkaServesTheSameDataAfterRestart(t *testing.T) {
	o := KafkaOptions{Dir: t.TempDir(), Topics: []string{"readings"}, Partitions: 3}
	k, err := StartKafka(o)
	require.NoError(t, err)
	const n = 500
	c := client(t, k.Addr())
	for i := range n {
		c.Produce(t.Context(), &kgo.Record{Key: fmt.Append(nil, i%7), Value: fmt.Append(nil, i)}, nil)
	}
	require.NoError(t, c.Flush(t.Context()))
	type place struct {
		partition int32
		offset    int64
		value     string
		time      int64
	}
	places := func(records []*kgo.Record) map[place]bool {
		set := map[place]bool{}
		for _, r := range records {
			set[place{r.Partition, r.Offset, string(r.Value), r.Timestamp.UnixMilli()}] = true
		}
		return set
	}
	want := places(readAll(t, k.Addr(), n))
	c.Close()
	k.Close()

	k, err = StartKafka(o)
	require.NoError(t, err)
	defer k.Close()
	assert.Equal(t, want, places(readAll(t, k.Addr(), n)))
}

// A child process is killed in the middle of appends. What it had
// acknowledged must be there, although nothing was fsynced.
func TestKafkaSurvivesKill(t *testing.T) {
	if dir := os.Getenv("WEIR_TEST_KAFKA_DIR"); dir != "" {
		appendForever(t, dir)
		return
	}
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKafkaSurvivesKill$")
	child.Env = append(os.Environ(), "WEIR_TEST_KAFKA_DIR="+dir)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	acked := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), "acked %d", &acked); err == nil && acked >= 2000 {
			break
		}
	}
	require.NoError(t, child.Process.Kill())
	rest := new(strings.Builder)
	scanner := bufio.NewScanner(out)
	for scanner.Scan() { // what it said before it died
		fmt.Fprintln(rest, scanner.Text())
	}
	_ = child.Wait() // it was killed
	for line := range strings.Lines(rest.String()) {
		_, _ = fmt.Sscanf(line, "acked %d", &acked)
	}
	require.GreaterOrEqual(t, acked, 2000)

	k, err := StartKafka(KafkaOptions{Dir: dir})
	require.NoError(t, err)
	defer k.Close()
	ends, err := kadm.NewClient(client(t, k.Addr())).ListEndOffsets(t.Context(), "readings")
	require.NoError(t, err)
	end, _ := ends.Lookup("readings", 0)
	require.GreaterOrEqual(t, end.Offset, int64(acked))
	for i, r := range readAll(t, k.Addr(), int(end.Offset))[:acked] {
		require.Equal(t, fmt.Sprint(i), string(r.Value))
	}
}

func appendForever(t *testing.T, dir string) {
	k, err := StartKafka(KafkaOptions{Dir: dir, Topics: []string{"readings"}, Partitions: 1})
	require.NoError(t, err)
	c := client(t, k.Addr(), kgo.ProducerLinger(0))
	for i := 0; ; {
		batch := make([]*kgo.Record, 50)
		for j := range batch {
			batch[j] = kgo.StringRecord(fmt.Sprint(i))
			i++
		}
		require.NoError(t, c.ProduceSync(t.Context(), batch...).FirstErr())
		fmt.Printf("acked %d\n", i)
	}
}

// BenchmarkKafkaAppend is a batch of 100 records, until they are acknowledged.
func BenchmarkKafkaAppend(b *testing.B) {
	for _, c := range []struct {
		name string
		o    KafkaOptions
	}{{"memory", KafkaOptions{}}, {"disk", KafkaOptions{Dir: "set"}}, {"disk-sync", KafkaOptions{Dir: "set", Sync: true}}} {
		b.Run(c.name, func(b *testing.B) {
			o := c.o
			if o.Dir != "" {
				o.Dir = b.TempDir()
			}
			o.Topics, o.Partitions = []string{"readings"}, 1
			k, err := StartKafka(o)
			require.NoError(b, err)
			defer k.Close()
			p := client(b, k.Addr(), kgo.ProducerLinger(0))
			batch := make([]*kgo.Record, 100)
			value := strings.Repeat("x", 100)
			b.ReportAllocs()
			for b.Loop() {
				for i := range batch {
					batch[i] = kgo.StringRecord(value)
				}
				require.NoError(b, p.ProduceSync(b.Context(), batch...).FirstErr())
			}
		})
	}
}
