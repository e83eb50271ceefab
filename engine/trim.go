package engine

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

const (
	// trimBytes is how much a task writes to the journal, at most, before it looks
	// sooner than Pace.TrimEvery.
	trimBytes = 16 << 20
	// journalSlack is how long a journal may grow before anything is deleted: one
	// segment, which brokers keep whole anyway. What lies in it tells a reader what
	// happened, where wall time had a part in it.
	journalSlack = 64 << 20
)

// trim deletes what no recovery needs any more: records below the base, but not
// past the local copy's own record, from which its recovery goes on. A trim that
// the copy holds back is deferred to the next checkpoint, within bounds: a copy
// that lags far behind is given up until then, for recovery from the journal alone
// is slower and as good.
func (r *runner) trim() {
	to := r.place.baseOffset
	if r.saver.floor < to && r.growth.base-r.saver.kept <= r.e.o.Pace.HeldBytes {
		to = r.saver.floor
	}
	if to <= r.trimmed.Load() || time.Since(r.trimmedAt) < r.e.o.Pace.TrimEvery && r.untrimmed < trimBytes {
		return
	}
	if !r.trimming.CompareAndSwap(false, true) {
		return
	}
	r.trimmedAt, r.untrimmed = time.Now(), 0
	r.e.background.Go(func() {
		defer r.trimming.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		defer cancel()
		if r.journalFits(ctx) {
			return
		}
		offsets := kadm.Offsets{}
		offsets.AddOffset(r.plan.Pipeline.JournalTopic, r.partition, to, -1)
		resp, err := r.e.admin.DeleteRecords(ctx, offsets)
		if err == nil {
			err = resp.Error()
		}
		if err != nil {
			err = right{"Delete", "topic", r.plan.Pipeline.JournalTopic}.need(err)
			r.log.Warn("journal not trimmed, it only grows meanwhile", "to", to, "reason", err)
			return
		}
		r.trimmed.Store(to)
	})
}

// journalFits reports whether the journal may stay as it is: it is shorter than
// what may stay, or its length is not known just now. Brokers that never tell it
// leave no choice but to trim. One broker that is down does not hide what the
// others have.
func (r *runner) journalFits(ctx context.Context) bool {
	if r.e.o.JournalSlack < 0 {
		return false
	}
	topic := r.plan.Pipeline.JournalTopic
	set := kadm.TopicsSet{}
	set.Add(topic, r.partition)
	dirs, err := r.e.admin.DescribeAllLogDirs(ctx, set)
	size := sizeOf(dirs, topic, r.partition)
	if size < 0 && err != nil {
		r.log.Debug("size of the journal unknown", "reason", err)
		return !errors.As(err, new(*kadm.AuthError))
	}
	return size >= 0 && size <= r.e.o.JournalSlack
}
