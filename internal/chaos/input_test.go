//go:build real

package chaos

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/ingest"
	"github.com/weirstream/weir/internal/rig"
)

func inputScripts() map[string]script {
	return map[string]script{"poison": poison, "oversized-output": oversizedOutput, "output-topic-small": smallOutput, "aborted-upstream": abortedUpstream, "commands-open": openCommands}
}

// producer writes to the source beside the load.
func (r *round) producer(extra ...kgo.Opt) *kgo.Client {
	r.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(r.kafka.Brokers()...), kgo.DefaultProduceTopic(r.pipe.Source), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ProducerBatchMaxBytes(4 << 20),
	}, extra...)...)
	require.NoError(r.t, err)
	r.t.Cleanup(client.Close)
	return client
}

// poisons are payloads that no decoder should fall over.
func poisons() [][]byte {
	now := time.Now().UTC().Format(time.RFC3339)
	text := []string{
		"", " ", "null", "true", "7", `"text"`, "{", "[", "}{", `{"device":`, "\x00\x01\x02", "\xff\xfe{}", "[]", "[[]]", "{}", `[{},null,7,{"device":"p"}]`,
		strings.Repeat("[", 10_000), strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500),
		`{"device":"p1","metric":"temperature","ts":"` + now + `","value":"20","seq":1}`,
		`{"device":"p1","metric":"temperature","ts":"` + now + `","value":{},"seq":1}`,
		`{"device":"p1","metric":"temperature","ts":"` + now + `","value":1e400,"seq":1}`,
		`{"device":"p1","metric":"temperature","ts":"` + now + `","value":null,"seq":1}`,
		`{"device":"p1","metric":"temperature","ts":"` + now + `","value":NaN,"seq":1}`,
		`{"device":"p1","metric":"temperature","ts":"yesterday","value":20,"seq":1}`,
		`{"device":"p1","metric":"temperature","ts":"1066-10-14T00:00:00Z","value":20,"seq":1}`,
		`{"device":"p1","metric":"temperature","ts":7,"value":20,"seq":1}`,
		`{"device":"p1","metric":"temperature","ts":"` + now + `","value":20,"seq":-1}`,
		`{"device":"p1","metric":"temperature","ts":"` + now + `","value":20,"seq":1.5}`,
		`{"device":"p1","metric":"temperature","ts":"` + now + `","value":20,"seq":99999999999999999999}`,
		`{"device":"","metric":"temperature","ts":"` + now + `","value":20,"seq":1}`,
		`{"device":"` + strings.Repeat("d", 600) + `","metric":"temperature","ts":"` + now + `","value":20,"seq":1}`,
		`{"device":"\ud800","metric":"temperature","ts":"` + now + `","value":20,"seq":1}`,
		`{"device":["p1"],"metric":"temperature","ts":"` + now + `","value":20,"seq":1}`,
		`{"device":"p1","metric":7,"ts":"` + now + `","value":20,"seq":1}`,
		`{"device":"p1","metric":"pressure","ts":"` + now + `","value":20,"seq":1}`,
		`{"device":"p1","device":"p1","metric":"temperature","ts":"` + now + `","value":20,"value":21,"seq":1}`,
		`{"device":"` + strings.Repeat("x", 500_000) + `"}`,
	}
	var list [][]byte
	for _, t := range text {
		list = append(list, []byte(t))
	}
	return append(list, nil) // a tombstone
}

func poison(r *round) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	client := r.producer()
	ctx, cancel := r.kafka.Ask()
	defer cancel()
	for i := range 3 {
		var batch []*kgo.Record
		for _, payload := range poisons() {
			batch = append(batch, &kgo.Record{Key: []byte("p1"), Value: payload})
		}
		// A device that another device's key has put into a partition of its own choice, and one without a key.
		stray := fmt.Sprintf(`{"device":"stray-%d","metric":"temperature","value":20}`, i)
		batch = append(batch, &kgo.Record{Key: []byte("p1"), Value: []byte(stray)}, &kgo.Record{Value: []byte(stray)})
		for _, device := range []string{strings.Repeat("h", 900_000), "\xff\xfe", ""} {
			named := []kgo.RecordHeader{{Key: ingest.DeviceHeader, Value: []byte(device)}}
			batch = append(batch, &kgo.Record{Key: []byte("p1"), Value: []byte(stray), Headers: named})
		}
		require.NoError(r.t, client.ProduceSync(ctx, batch...).FirstErr())
		r.flow(1_500)
	}
	w.Alive()
	w.Kill()
	w.Start()
	r.flow(500)
	require.Positive(r.t, rig.Total(r.kafka.Stable(r.pipe.Quarantine())))
	r.verified()
}

func oversizedOutput(r *round) {
	r.prepare(setting{topics: map[string]string{"max.message.bytes": "4000000"}})
	r.kafka.Topic(r.pipe.Quarantine(), r.pipe.partitions, map[string]string{"max.message.bytes": "20000"})
	w := r.start()
	r.feed(loadOptions{})
	client := r.producer()
	ctx, cancel := r.kafka.Ask()
	defer cancel()
	for i := range 4 {
		payload := fmt.Sprintf(`{"device":"large","metric":"temperature","value":20,"seq":%d,"ts":"never","more":%q}`, i, strings.Repeat("x", 2_000_000))
		require.NoError(r.t, client.ProduceSync(ctx, &kgo.Record{Key: []byte("large"), Value: []byte(payload)}).FirstErr())
		r.flow(800)
		w.Kill()
		w.Start()
	}
	r.flow(500)
	r.verified()
	require.Equal(r.t, 4, r.verdict.Oversized)
}

// smallOutput starts on a topic that might not take an alert.
func smallOutput(r *round) {
	r.prepare(setting{})
	r.kafka.Topic(r.pipe.alerts, r.pipe.partitions, map[string]string{"max.message.bytes": "1000"})
	w := r.process()
	w.Start()
	r.refuses(w)
	r.result = "refused, " + r.refusal // before there was anything to check
}

// abortedUpstream writes transactions of other devices until the load ends, so that the last record of each partition is the load's.
func abortedUpstream(r *round) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	client := r.producer(kgo.TransactionalID(r.pipe.Name + ".upstream"))
	ctx, stop := context.WithCancel(r.t.Context())
	var group sync.WaitGroup
	group.Go(func() { r.upstream(ctx, client) })
	for range 3 {
		r.flow(4_000)
		w.Kill()
		w.Start()
	}
	r.flow(2_000)
	stop()
	group.Wait()
	r.pass(2 * time.Second)
	r.verified()
}

// upstream commits and aborts in turns until ctx ends; readings of an aborted transaction must leave no trace.
func (r *round) upstream(ctx context.Context, client *kgo.Client) {
	for i := 0; ctx.Err() == nil; i++ {
		ask, cancel := r.kafka.Ask()
		if !r.transaction(ask, client, i) {
			cancel()
			return
		}
		cancel()
	}
}

func (r *round) transaction(ctx context.Context, client *kgo.Client, n int) bool {
	fail := func(err error) bool {
		if err != nil {
			r.t.Errorf("upstream transaction %d: %v", n, err)
		}
		return err != nil
	}
	if fail(client.BeginTransaction()) {
		return false
	}
	var batch []*kgo.Record
	for d := range 20 {
		device := fmt.Sprintf("upstream-%d", d)
		payload := fmt.Sprintf(`{"device":%q,"metric":"temperature","ts":%q,"value":%d,"seq":%d}`, device, time.Now().UTC().Format(time.RFC3339Nano), 20+n%50, n)
		batch = append(batch, &kgo.Record{Key: []byte(device), Value: []byte(payload)})
	}
	if fail(client.ProduceSync(ctx, batch...).FirstErr()) {
		return false
	}
	return !fail(client.EndTransaction(ctx, kgo.TransactionEndTry(n%2 == 0)))
}
