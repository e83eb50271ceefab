package main

import (
	"context"
	"log"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// reader takes the results as a consumer downstream sees them: committed only.
type reader struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	got     *results
	records int // counted with those that are not compared
}

func readOutputs(ctx context.Context, brokers string, topics []string, got *results) (*reader, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.ConsumeTopics(topics...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &reader{cancel: cancel, done: make(chan struct{}), got: got}
	go func() {
		defer close(r.done)
		defer client.Close()
		for ctx.Err() == nil {
			fetches := client.PollFetches(ctx)
			r.mu.Lock()
			fetches.EachRecord(func(record *kgo.Record) {
				r.records++
				if err := r.got.addRecord(record.Topic, record.Key, record.Value); err != nil {
					log.Print(err)
				}
			})
			r.mu.Unlock()
		}
	}()
	return r, nil
}

func (r *reader) stop() {
	r.cancel()
	<-r.done
}

// count is the number of results to compare so far.
func (r *reader) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got.size()
}

func (r *reader) seen() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records
}

// await waits until so many results are there.
func (r *reader) await(n int, patience time.Duration) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if r.count() >= n {
			return true
		}
	}
	return false
}

// awaitNext logs how long it takes until a result follows those that were committed before a kill. It returns at once.
func (r *reader) awaitNext() {
	began := time.Now()
	time.Sleep(50 * time.Millisecond) // for what was committed and is on its way
	before := r.seen()
	go func() {
		for time.Since(began) < 2*time.Minute {
			if r.seen() > before {
				log.Printf("first result %.2f s after the new start", time.Since(began).Seconds())
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		log.Print("no result within 2 minutes of the new start")
	}()
}
