package engine

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

const (
	// sizeEvery is how often the brokers are asked how long the journal is.
	sizeEvery = 15 * time.Second
	// deniedEvery is how often they are asked who have said that it may not be asked: rights come while a process runs.
	deniedEvery = 10 * time.Minute
)

// watchJournal asks for the length of the journal's partitions that this process owns, one request to each broker for
// all of them, until ctx ends.
func (e *Engine) watchJournal(ctx context.Context) {
	wait, denied := time.Second, false
	for pauseFor(ctx, wait) == nil {
		wait = sizeEvery
		owned := e.owned()
		if len(owned) == 0 {
			continue
		}
		asked, cancel := context.WithTimeout(ctx, requestTimeout)
		err := e.askJournal(asked, owned)
		cancel()
		if now := errors.As(err, new(*kadm.AuthError)); now {
			wait = deniedEvery
			if !denied {
				e.log.Info("the brokers do not tell how long the journal is", "reason", err, "asked again in", wait)
			}
			denied = now
		} else if err == nil {
			denied = false
		}
	}
}

func (e *Engine) askJournal(ctx context.Context, owned []int32) error {
	topic := e.o.Plan.Pipeline.JournalTopic
	set := kadm.TopicsSet{}
	set.Add(topic, owned...)
	dirs, err := e.admin.DescribeAllLogDirs(ctx, set)
	for _, p := range owned {
		if size := sizeOf(dirs, topic, p); size >= 0 {
			e.status.setJournal(p, size)
		}
	}
	return err
}

// sizeOf is how long the longest replica of a partition is, in bytes; -1: not told.
func sizeOf(dirs kadm.DescribedAllLogDirs, topic string, partition int32) int64 {
	size := int64(-1)
	for _, broker := range dirs { // unordered: the greatest
		for _, dir := range broker { // unordered: the greatest
			if p, ok := dir.Topics.Lookup(topic, partition); ok && !p.IsFuture {
				size = max(size, p.Size)
			}
		}
	}
	return size
}

func (r *registry) setJournal(p int32, size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tasks[p]; t != nil {
		t.JournalBytes = size
	}
}
