package outlets

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// deliveredPrefix begins the text that is committed beside an offset.
const deliveredPrefix = "delivered="

// mark is what is to be committed of a partition.
type mark struct {
	offset, delivered int64
	changed           bool
}

func (o *Outlet) note(w *worker, m mark) {
	o.mu.Lock()
	w.mark = m
	o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// commitLoop commits what the workers note, many notes at once where commits are slow.
func (o *Outlet) commitLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.changed:
		}
		limited, cancel := context.WithTimeout(ctx, adminTimeout)
		err := o.commit(limited)
		cancel()
		if err == nil || ctx.Err() != nil {
			continue
		}
		// Usually a rebalance, which commits by itself.
		o.log.Debug("commit, trying again", "error", err)
		rest(ctx, o.o.RetryMin)
		select {
		case o.changed <- struct{}{}:
		default:
		}
	}
}

// commit commits all that has changed. One at a time: an older mark must not overtake a newer one.
func (o *Outlet) commit(ctx context.Context) error {
	o.committing.Lock()
	defer o.committing.Unlock()
	offsets := map[int32]kgo.EpochOffset{}
	texts := map[int32]string{}
	sent := map[*worker]mark{}
	o.mu.Lock()
	for p, w := range o.workers { // unordered: into maps
		if w.mark.changed {
			offsets[p] = kgo.EpochOffset{Epoch: -1, Offset: w.mark.offset}
			texts[p] = deliveredPrefix + strconv.FormatInt(w.mark.delivered, 10)
			sent[w] = w.mark
		}
	}
	o.mu.Unlock()
	if len(sent) == 0 {
		return nil
	}
	var failure error
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		for i := range req.Topics {
			for j := range req.Topics[i].Partitions {
				p := &req.Topics[i].Partitions[j]
				text := texts[p.Partition]
				p.Metadata = &text
			}
		}
		return nil
	})
	o.client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{o.o.Topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			failure = err
			for i := 0; failure == nil && i < len(resp.Topics); i++ {
				for _, p := range resp.Topics[i].Partitions {
					if failure == nil {
						failure = kerr.ErrorForCode(p.ErrorCode)
					}
				}
			}
		})
	if failure != nil {
		return fmt.Errorf("commit offsets of group %q: %w", o.o.Group, failure)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for w, m := range sent {
		if w.mark == m {
			w.mark.changed = false
		}
	}
	return nil
}

// bounds are of one partition.
type bounds struct {
	committed int64 // -1: nothing
	delivered int64 // 0: nothing
	start     int64 // of the topic
	end       int64 // of what read_committed may see
}

// bounds asks the brokers.
func (o *Outlet) bounds(ctx context.Context, partition int32) (bounds, error) {
	b := bounds{committed: -1}
	committed, err := o.admin.FetchOffsetsForTopics(ctx, o.o.Group, o.o.Topic)
	if err != nil {
		return b, fmt.Errorf("committed offsets of group %q: %w", o.o.Group, err)
	}
	c, ok := committed.Lookup(o.o.Topic, partition)
	if ok && c.Err != nil {
		return b, fmt.Errorf("committed offset of group %q: %w", o.o.Group, c.Err)
	}
	if ok && c.At >= 0 {
		b.committed, b.delivered = c.At, c.At
		if text, ok := strings.CutPrefix(c.Metadata, deliveredPrefix); ok {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= c.At {
				b.delivered = n
			}
		}
	}
	starts, err := o.admin.ListStartOffsets(ctx, o.o.Topic)
	if err != nil {
		return b, fmt.Errorf("start of topic %q: %w", o.o.Topic, err)
	}
	ends, err := o.admin.ListCommittedOffsets(ctx, o.o.Topic)
	if err != nil {
		return b, fmt.Errorf("end of topic %q: %w", o.o.Topic, err)
	}
	start, _ := starts.Lookup(o.o.Topic, partition)
	end, ok := ends.Lookup(o.o.Topic, partition)
	if !ok || start.Err != nil || end.Err != nil {
		return b, fmt.Errorf("bounds of partition %d of topic %q are not known yet", partition, o.o.Topic)
	}
	b.start, b.end = start.Offset, end.Offset
	return b, nil
}

// lagLoop looks at the ends of the topic: a paused partition is not fetched, and its lag would stand still.
func (o *Outlet) lagLoop(ctx context.Context) {
	ticker := time.NewTicker(o.o.LagEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		limited, cancel := context.WithTimeout(ctx, adminTimeout)
		ends, err := o.admin.ListCommittedOffsets(limited, o.o.Topic)
		cancel()
		if err != nil {
			continue // the fetches complain
		}
		o.mu.Lock()
		for p, w := range o.workers { // unordered: each by itself
			if end, ok := ends.Lookup(o.o.Topic, p); ok && end.Err == nil {
				w.end.Store(end.Offset)
			}
		}
		o.mu.Unlock()
	}
}
