package fleet

import (
	"context"
	"fmt"
	"time"

	"github.com/weirstream/weir/event"
)

// SendOptions says how much of a source to send, and how fast.
type SendOptions struct {
	Count int64      // messages at most; 0 is all of them
	Until event.Time // sends nothing that is due at this time or later; 0 is all of them
	// Speed is how many times faster than due messages are sent, counted from
	// the first one; 1 is as they are due, 0 as fast as they can be.
	Speed float64
	// Sent is called after each message, where set.
	Sent func(Totals)
}

// Totals counts what was sent.
type Totals struct {
	Sent       int64
	Duplicates int64
	Late       int64
	Future     int64
	OutOfOrder int64
}

// Send sends what a source yields until it ends, the limits are reached or ctx
// is done, which is no error. It does not close the publisher.
func Send(ctx context.Context, source Source, to Publisher, o SendOptions) (Totals, error) {
	var t Totals
	var first event.Time
	began := time.Now()
	pace := time.NewTimer(0)
	defer pace.Stop()
	for o.Count == 0 || t.Sent < o.Count {
		m, ok, err := source.Message()
		if err != nil {
			return t, fmt.Errorf("read what to send: %w", err)
		}
		if !ok || (o.Until != 0 && m.Due >= o.Until) {
			return t, nil
		}
		if t.Sent == 0 {
			first = m.Due
		}
		if o.Speed > 0 {
			due := time.Duration(float64(m.Due-first) / o.Speed * float64(time.Millisecond))
			if wait := due - time.Since(began); wait > 0 {
				pace.Reset(wait)
				select {
				case <-pace.C:
				case <-ctx.Done():
				}
			}
		}
		if ctx.Err() != nil {
			return t, nil
		}
		if err := to.Publish(ctx, m); err != nil {
			if ctx.Err() != nil {
				return t, nil
			}
			return t, err
		}
		t.add(m.Truth)
		if o.Sent != nil {
			o.Sent(t)
		}
	}
	return t, nil
}

func (t *Totals) add(truth Truth) {
	t.Sent++
	switch truth {
	case Good:
	case Duplicate:
		t.Duplicates++
	case Late:
		t.Late++
	case Future:
		t.Future++
	case OutOfOrder:
		t.OutOfOrder++
	}
}
