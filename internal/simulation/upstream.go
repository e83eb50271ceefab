package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/ingest"
)

// upstream appends the messages to the source at their times, some of them in
// transactions that last for a while or are aborted.
type upstream struct {
	w        *world
	plain    *kgo.Client
	tx       *kgo.Client
	rng      *rand.Rand
	messages []message
	grain    time.Duration // messages that are so near go together
}

func (u *upstream) run(ctx context.Context) error {
	next := u.messages
	for len(next) > 0 {
		due := next[0].at + u.grain
		n := 0
		for n < len(next) && next[n].at <= due {
			n++
		}
		if !u.w.sleepUntil(ctx, due) {
			return ctx.Err()
		}
		var err error
		switch {
		case u.tx == nil || u.rng.IntN(3) > 0:
			err = u.plain.ProduceSync(ctx, records(next[:n])...).FirstErr()
		default:
			err = u.transaction(ctx, next[:n])
		}
		if err != nil {
			return fmt.Errorf("upstream: %w", err)
		}
		next = next[n:]
	}
	return nil
}

// transaction sends messages in a transaction. An aborted one's are sent again
// at once, in half of the cases.
func (u *upstream) transaction(ctx context.Context, messages []message) error {
	how := kgo.TryCommit
	if u.rng.IntN(3) == 0 {
		how = kgo.TryAbort
	}
	again := u.rng.IntN(2) == 0
	open := time.Duration(0)
	if u.rng.IntN(3) == 0 {
		open = time.Duration(u.rng.Int64N(int64(3 * time.Second)))
	}
	if err := u.tx.BeginTransaction(); err != nil {
		return err
	}
	if err := u.tx.ProduceSync(ctx, records(messages)...).FirstErr(); err != nil {
		return err
	}
	if open > 0 && !u.w.sleep(ctx, open) {
		return ctx.Err()
	}
	u.w.trace.addf("upstream", "transaction of %d messages ends: %v", len(messages), bool(how))
	if err := u.tx.EndTransaction(ctx, how); err != nil {
		return err
	}
	if how == kgo.TryAbort && again {
		return u.plain.ProduceSync(ctx, records(messages)...).FirstErr()
	}
	return nil
}

func records(messages []message) []*kgo.Record {
	list := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		r := &kgo.Record{Topic: "readings", Partition: m.partition, Key: m.key, Value: m.value}
		if m.header != nil {
			r.Headers = []kgo.RecordHeader{{Key: ingest.DeviceHeader, Value: m.header}}
		}
		list[i] = r
	}
	return list
}
