package outlets

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	maxQueued    = 1 << 20 // bytes of a partition that wait; then it is fetched no more
	resumeQueued = maxQueued / 2
	maxBatch     = 500 // alerts handed over at once
	oversize     = "weir.oversize/1"
)

// worker delivers one partition.
type worker struct {
	o         *Outlet
	partition int32
	line      Line
	repeater  Repeater // the same, or nil
	cancel    context.CancelFunc
	ended     chan struct{}

	end  atomic.Int64 // of the topic, as far as is known
	done atomic.Int64 // the receiver has all before it

	mu     sync.Mutex
	queue  []*kgo.Record
	bytes  int
	paused bool
	wake   chan struct{} // holds one where something came

	mark mark // guarded by Outlet.mu

	// Used by the worker's goroutine only.
	batch    []*Alert // not delivered yet
	after    int64    // where the topic goes on behind batch
	before   int64    // all before it was delivered by an earlier life
	recalled bool
}

func newWorker(o *Outlet, partition int32) *worker {
	w := &worker{o: o, partition: partition, line: o.o.Receiver.Open(partition), ended: make(chan struct{}), wake: make(chan struct{}, 1)}
	w.repeater, _ = w.line.(Repeater)
	return w
}

// start runs the worker until it is cancelled; the context of an assignment gives values only.
func (w *worker) start(ctx context.Context) {
	ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(w.ended)
		w.run(ctx)
	}()
}

// give queues records and never blocks.
func (w *worker) give(records []*kgo.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		w.bytes += len(r.Key) + len(r.Value)
	}
	w.queue = append(w.queue, records...)
	if w.bytes > maxQueued && !w.paused {
		w.paused = true
		w.o.client.PauseFetchPartitions(w.of())
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take returns the next records, at most maxBatch.
func (w *worker) take() []*kgo.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxBatch)
	taken := w.queue[:n:n]
	w.queue = w.queue[n:]
	for _, r := range taken {
		w.bytes -= len(r.Key) + len(r.Value)
	}
	if w.paused && w.bytes <= resumeQueued {
		w.paused = false
		w.o.client.ResumeFetchPartitions(w.of())
	}
	return taken
}

func (w *worker) of() map[string][]int32 { return map[string][]int32{w.o.o.Topic: {w.partition}} }

// run delivers and repeats until ctx is done, waiting longer after each failure in a row.
func (w *worker) run(ctx context.Context) {
	if !w.restore(ctx) {
		return
	}
	wait := time.Duration(0)
	for ctx.Err() == nil {
		if len(w.batch) == 0 {
			w.next()
		}
		progress, err := w.attempt(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.o.failed.Add(1)
			w.o.complain(err)
			if progress {
				wait = 0
			}
			wait = min(max(2*wait, w.o.o.RetryMin), w.o.o.RetryMax)
			rest(ctx, wait)
		case progress:
			wait = 0
			w.o.relieve()
		default:
			w.idle(ctx)
		}
	}
}

// attempt says again what is due, and delivers what waits. The one is tried where the other fails: what the receiver cannot take now
// must not end alerts that it has.
func (w *worker) attempt(ctx context.Context) (progress bool, err error) {
	if w.repeater != nil {
		if at, ok := w.repeater.Due(); ok && !time.Now().Before(at) {
			refused, failure := w.repeater.Repeat(ctx)
			w.o.refused.Add(int64(refused))
			progress, err = failure == nil, failure
		}
	}
	if len(w.batch) == 0 {
		return progress, err
	}
	result, failure := w.line.Deliver(ctx, w.batch)
	w.o.delivered.Add(int64(result.Done - result.Refused))
	w.o.refused.Add(int64(result.Refused))
	w.batch = w.batch[result.Done:]
	position := w.after
	if len(w.batch) > 0 {
		position = w.batch[0].Offset
	}
	if result.Done > 0 {
		w.reach(position)
	}
	return progress || result.Done > 0, errors.Join(err, failure)
}

// next takes records from the queue, recalls what was delivered before, and makes a batch of the rest.
func (w *worker) next() {
	records := w.take()
	if len(records) == 0 {
		return
	}
	w.batch = w.batch[:0:0]
	w.after = records[len(records)-1].Offset + 1
	for _, r := range records {
		if r.Offset >= w.before {
			w.endRecall()
		}
		if r.Attrs.IsControl() {
			continue
		}
		a, err := readAlert(r)
		switch {
		case err != nil && a.Schema == oversize && a.Pipeline == w.o.o.Pipeline && r.Offset >= w.before:
			w.o.refused.Add(1)
			w.o.log.Error("an alert that was too large for its topic cannot be delivered", "partition", r.Partition, "offset", r.Offset)
		case err != nil:
			w.o.log.Debug("record passed over", "partition", r.Partition, "offset", r.Offset, "error", err)
		case a.Pipeline != w.o.o.Pipeline:
		case r.Offset >= w.before:
			w.batch = append(w.batch, a)
		case w.repeater != nil:
			w.repeater.Recall(a)
		}
	}
	if w.after >= w.before {
		w.endRecall()
	}
	if len(w.batch) == 0 {
		w.reach(max(w.after, w.before))
	}
}

func (w *worker) endRecall() {
	if !w.recalled && w.repeater != nil {
		w.repeater.Recalled()
	}
	w.recalled = true
}

// reach notes that all before position is done with.
func (w *worker) reach(position int64) {
	w.done.Store(position)
	m := mark{offset: position, delivered: position, changed: true}
	if w.repeater != nil {
		if oldest, ok := w.repeater.Oldest(); ok {
			m.offset = min(oldest, position)
		}
	}
	w.o.note(w, m)
}

// idle waits until something came or is due.
func (w *worker) idle(ctx context.Context) {
	wait := time.Duration(math.MaxInt64)
	if w.repeater != nil {
		if at, ok := w.repeater.Due(); ok {
			wait = time.Until(at)
		}
	}
	w.mu.Lock()
	waiting := len(w.queue) > 0
	w.mu.Unlock()
	if waiting {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-timer.C:
	}
}

// restore learns how far earlier lives came. It tries for as long as it takes; false: the worker was stopped.
func (w *worker) restore(ctx context.Context) bool {
	for wait := w.o.o.RetryMin; ctx.Err() == nil; wait = min(2*wait, w.o.o.RetryMax) {
		err := w.restoreOnce(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			w.o.complain(err)
		}
		rest(ctx, wait)
	}
	return false
}

func (w *worker) restoreOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	bounds, err := w.o.bounds(ctx, w.partition)
	if err != nil {
		return err
	}
	log := w.o.log.With("partition", w.partition)
	if bounds.delivered > bounds.end {
		log.Warn("the alerts topic is shorter than what was delivered of it: all it holds is delivered anew", "delivered", bounds.delivered, "end", bounds.end)
		bounds.delivered = 0
	}
	if bounds.committed >= 0 && bounds.committed < bounds.start {
		log.Warn("the alerts topic no longer holds records that are needed: alerts that have been firing since then are not sent again until they change",
			"needed", bounds.committed, "start", bounds.start)
	}
	w.before = bounds.delivered
	w.end.Store(bounds.end)
	w.done.Store(max(bounds.delivered, bounds.committed, bounds.start))
	if w.before <= max(bounds.committed, bounds.start) {
		w.endRecall()
	}
	return nil
}
