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
	before  int // records before the current life of the engine
	began   time.Time
}

func readOutputs(ctx context.Context, brokers string, topics []string, got *results) (*reader, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.ConsumeTopics(topics...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &reader{cancel: cancel, done: make(chan struct{}), got: got, began: time.Now()}
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

// await waits until so many results are there; not longer than patience, nor than there is an engine.
func (r *reader) await(n int, patience time.Duration, ended <-chan struct{}) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); r.count() < n; {
		select {
		case <-tick.C:
		case <-ended:
			log.Print("the engine has ended")
			return false
		case <-end:
			return false
		}
	}
	return true
}

// rest is called when the engine has been started again. What was committed before the kill is given time to arrive.
func (r *reader) rest() {
	began := time.Now()
	time.Sleep(300 * time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before, r.began = r.records, began
}

// awaitNext waits for the first result of the life that has begun, and says how long it took.
func (r *reader) awaitNext() {
	r.mu.Lock()
	before, began := r.before, r.began
	r.mu.Unlock()
	for time.Since(began) < 2*time.Minute {
		if r.seen() > before {
			log.Printf("first result %.2f s after the start", time.Since(began).Seconds())
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	log.Print("no result within 2 minutes of the start")
}
