package engine

import (
	"context"
	"sync"
	"time"

	"github.com/weirstream/weir/event"
)

// endOffset says that at wall time w or later the source partition ended at end,
// transaction markers counted: a task whose position has reached end has folded
// everything appended before w.
type endOffset struct {
	w    event.Time
	mono int64
	end  int64
}

// watchEnds asks for the ends of the source partitions again and again, one
// request for all tasks of the process, and tells the tasks.
func (e *Engine) watchEnds(ctx context.Context) {
	every := time.Duration(e.o.Plan.Pipeline.Time.IdleAfter) * time.Millisecond / 8
	ticker := time.NewTicker(min(max(every, 50*time.Millisecond), 250*time.Millisecond))
	defer ticker.Stop()
	var warned time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := e.askEnds(ctx); err != nil && ctx.Err() == nil && time.Since(warned) > warnEvery {
			e.log.Warn("ends of the source unknown, so silence is not judged", "reason", err)
			warned = time.Now()
		}
	}
}

// warnEvery spares the log what goes wrong several times a second.
const warnEvery = 10 * time.Second

func (e *Engine) askEnds(ctx context.Context) error {
	topic := e.o.Plan.Pipeline.Source.Topic
	w, mono := e.wallNow(), e.mono.now()
	asked, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	ends, err := e.admin.ListEndOffsets(asked, topic)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for p, h := range e.runners {
		found, ok := ends.Lookup(topic, p)
		if !ok || found.Err != nil {
			continue
		}
		e.status.setEnd(p, found.Offset)
		select {
		case <-h.ends: // an older answer that nobody took
		default:
		}
		h.ends <- endOffset{w: w, mono: mono, end: found.Offset}
	}
	return nil
}

// wallTrust compares this machine's clock with the brokers'. A clock that is far
// off would find every device silent, so wall time is let in only while the two
// agree.
type wallTrust struct {
	mu      sync.Mutex
	broker  event.Time // broker time of the last comparison
	mono    int64      // when that was
	checked bool
}

// maxClockSkew is how far the clocks may differ.
const maxClockSkew = 60_000

// compare takes a broker's time read just now.
func (t *wallTrust) compare(broker event.Time, mono int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broker, t.mono, t.checked = broker, mono, true
}

// skew is how far wall lies ahead of the broker's clock, carried on from the last
// comparison by monotonic time; ok is false before the first.
func (t *wallTrust) skew(wall event.Time, mono int64) (skew event.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return wall - (t.broker + event.Time(mono-t.mono)), t.checked
}

// age is how long ago the last comparison was, in milliseconds.
func (t *wallTrust) age(mono int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.checked {
		return 1 << 40
	}
	return mono - t.mono
}

// compareEvery is how often, at the least, a process that commits compares its
// clock with the brokers'.
const compareEvery = 30_000

// compareNowAndThen compares the clocks beside the fold.
func (r *runner) compareNowAndThen() {
	if r.e.trust.age(r.e.mono.now()) < compareEvery || !r.comparing.CompareAndSwap(false, true) {
		return
	}
	offset, mono := r.place.recordOffset, r.e.mono.now()
	r.e.background.Go(func() {
		defer r.comparing.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		defer cancel()
		r.compare(ctx, offset, mono)
	})
}

// compareClocks compares this machine's clock with the brokers' by the append
// time of the journal record committed just now.
func (r *runner) compareClocks(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r.compare(ctx, r.place.recordOffset, r.e.mono.now())
}

func (r *runner) compare(ctx context.Context, offset, mono int64) {
	topic := r.plan.Pipeline.JournalTopic
	newest, err := r.e.admin.ListMaxTimestampOffsets(ctx, topic)
	if err != nil {
		r.log.Warn("clock not compared with the brokers'", "reason", err)
		return
	}
	found, ok := newest.Lookup(topic, r.partition)
	if !ok || found.Err != nil || found.Offset < offset || found.Timestamp <= 0 {
		return // not the record committed just now, or its append time is not told
	}
	r.e.trust.compare(event.Time(found.Timestamp), mono)
	skew, _ := r.e.trust.skew(r.e.wallNow(), r.e.mono.now())
	r.e.status.skew.Store(int64(skew))
	if skew > maxClockSkew || skew < -maxClockSkew {
		r.log.Error("this machine's clock and the brokers' are too far apart: no silence is judged until they agree", "ahead_ms", int64(skew))
	}
}

// maxTransactions is transactions a second and process above which the commit
// interval stretches; alerts still commit at once.
const maxTransactions = 400

// stretch is the commit interval for a process that runs so many tasks.
func stretch(want time.Duration, tasks int) time.Duration {
	return max(want, time.Duration(tasks)*time.Second/maxTransactions)
}

func (e *Engine) wallNow() event.Time { return event.Time(e.o.WallClock().UnixMilli()) }

// monoBase is the zero of monotonic milliseconds.
type monoBase struct{ at time.Time }

func (m monoBase) now() int64 { return time.Since(m.at).Milliseconds() }
