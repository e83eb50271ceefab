//go:build real

package chaos

import (
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/event"
)

// openCommands holds the last stable offset of the commands down: no reader sees what is written behind it.
func openCommands(r *round) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	client := r.producer(kgo.TransactionalID(r.pipe.Name+".desk"), kgo.TransactionTimeout(30*time.Second))
	other := &operator{pipe: r.pipe, rng: r.rng}
	for range 2 {
		r.flow(2_000)
		ctx, cancel := r.kafka.Ask()
		require.NoError(r.t, client.BeginTransaction())
		s := other.drawSilence(event.Time(time.Now().UnixMilli()))
		s.Name = "held"
		held := &kgo.Record{Topic: r.pipe.Commands(), Key: []byte(s.Key()), Value: s.AppendValue(nil)}
		require.NoError(r.t, client.ProduceSync(ctx, held).FirstErr())
		r.pass(r.between(time.Second, 5*time.Second))
		w.Kill()
		w.Start()
		r.pass(r.between(time.Second, 5*time.Second))
		require.NoError(r.t, client.EndTransaction(ctx, kgo.TransactionEndTry(r.rng.IntN(2) == 0)))
		cancel()
	}
	r.flow(2_000)
	r.verified()
}
