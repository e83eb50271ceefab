package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// watcher reads topics read_committed as they grow, and notes when it saw each record.
type watcher struct {
	client *kgo.Client
	stop   context.CancelFunc
	ended  chan struct{}

	mu   sync.Mutex
	seen []sighting
	news chan struct{} // has room for one
}

// watchTopic watches one topic from its beginning.
func (c *cluster) watchTopic(ctx context.Context, topic string, keep func(*kgo.Record) bool) (*watcher, error) {
	return c.watchFrom(ctx, kgo.ConsumeTopics(topic), keep)
}

// watchFrom watches what an option says; keep, where given, says which records are noted.
func (c *cluster) watchFrom(ctx context.Context, where kgo.Opt, keep func(*kgo.Record) bool) (*watcher, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.addr), where, kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMinBytes(1), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("connect the watcher: %w", err)
	}
	if err := client.Ping(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("connect the watcher: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	w := &watcher{client: client, stop: stop, ended: make(chan struct{}), news: make(chan struct{}, 1)}
	go w.run(ctx, keep)
	return w, nil
}

func (w *watcher) run(ctx context.Context, keep func(*kgo.Record) bool) {
	defer close(w.ended)
	for {
		fetches := w.client.PollFetches(ctx)
		now := time.Now()
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		w.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			if keep == nil || keep(r) {
				w.seen = append(w.seen, sighting{at: now, value: bytes.Clone(r.Value)})
			}
		})
		w.mu.Unlock()
		select {
		case w.news <- struct{}{}:
		default:
		}
	}
}

// all is what has been seen so far.
func (w *watcher) all() []sighting {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// settle waits until nothing has come for a while.
func (w *watcher) settle(ctx context.Context) {
	count, since := -1, time.Now()
	_ = poll(ctx, settleEvery, func() (bool, error) {
		if n := len(w.all()); n != count {
			count, since = n, time.Now()
		}
		return time.Since(since) > lastSightFor, nil
	})
}

// first waits for the first sighting.
func (w *watcher) first(ctx context.Context) (sighting, error) {
	for {
		if seen := w.all(); len(seen) > 0 {
			return seen[0], nil
		}
		select {
		case <-ctx.Done():
			return sighting{}, context.Cause(ctx)
		case <-w.news:
		}
	}
}

func (w *watcher) close() {
	w.stop()
	<-w.ended
	w.client.Close()
}
