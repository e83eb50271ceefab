package main

import (
	"slices"
	"sync"
	"time"
)

const (
	recentFor      = 5 * time.Minute
	mostRecent     = 1_024
	percentileHigh = 0.99
)

// latencies are the newest latencies of alerts, for people; metrics have all of them. Its zero value has none. It may be used by
// several goroutines.
type latencies struct {
	mu   sync.Mutex
	list [mostRecent]latency
	n    int // that were ever added
}

type latency struct {
	at   time.Time
	took time.Duration
}

// latencyView tells of the alerts of the last five minutes, at most of the 1,024 newest.
type latencyView struct {
	P50 int64 `json:"p50_ms"`
	P99 int64 `json:"p99_ms"`
}

func (l *latencies) add(at time.Time, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list[l.n%mostRecent] = latency{at, took}
	l.n++
}

// view is nil where there was no alert.
func (l *latencies) view(now time.Time) *latencyView {
	l.mu.Lock()
	defer l.mu.Unlock()
	var recent []time.Duration
	for _, one := range l.list[:min(l.n, mostRecent)] {
		if now.Sub(one.at) < recentFor {
			recent = append(recent, one.took)
		}
	}
	if len(recent) == 0 {
		return nil
	}
	slices.Sort(recent)
	at := func(q float64) int64 { return recent[int(q*float64(len(recent)-1)+0.5)].Milliseconds() }
	return &latencyView{P50: at(0.5), P99: at(percentileHigh)}
}
