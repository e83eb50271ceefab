package engine

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// trimEvery is the least time between two trims of a task: a small state goes
// through a refresh cycle at every commit.
const trimEvery = 5 * time.Second

// trim deletes what no recovery needs any more: records below the base, but
// never past the local copy's own record, from which its recovery goes on. A
// trim that the copy holds back is deferred to the next checkpoint.
func (r *runner) trim() {
	to := r.place.baseOffset
	if r.saver.floor < to {
		to = r.saver.floor
	}
	if to <= r.trimmed || time.Since(r.trimmedAt) < trimEvery {
		return
	}
	r.trimmed, r.trimmedAt = to, time.Now()
	topic := r.plan.Pipeline.JournalTopic
	r.e.background.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		defer cancel()
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, r.partition, to, -1)
		resp, err := r.e.admin.DeleteRecords(ctx, offsets)
		if err == nil {
			err = resp.Error()
		}
		if err != nil {
			r.log.Warn("journal not trimmed, it only grows meanwhile", "to", to, "reason", err)
		}
	})
}
