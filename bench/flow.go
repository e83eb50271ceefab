package main

import (
	"context"
	"sync/atomic"
	"time"
)

const flowTick = time.Millisecond

// flow sends an input in an open loop: every reading has a time at which it is due, and no reading waits for an engine. Where the sender
// itself is late, the reading is still counted from when it was due.
type flow struct {
	sender *sender
	in     input
	rate   int   // readings a second
	first  int64 // index of the first reading in the input

	begun time.Time
	sent  atomic.Int64 // index behind the last reading sent
	stop  context.CancelFunc
	ended chan struct{}
}

type flowOptions struct {
	Sender *sender
	Input  input
	Rate   int
	First  int64
	Begin  time.Time
}

func startFlow(ctx context.Context, o flowOptions) *flow {
	ctx, stop := context.WithCancel(ctx)
	f := &flow{sender: o.Sender, in: o.Input, rate: o.Rate, first: o.First, begun: o.Begin, stop: stop, ended: make(chan struct{})}
	f.sent.Store(f.first)
	go f.run(ctx)
	return f
}

func (f *flow) run(ctx context.Context) {
	defer close(f.ended)
	ticker := time.NewTicker(flowTick)
	defer ticker.Stop()
	k := f.first
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for ; k < f.dueBy(time.Now()); k++ {
			f.sender.send(context.WithoutCancel(ctx), f.in.at(k))
		}
		f.sent.Store(k)
	}
}

// dueBy is the index behind the last reading that is due at a time.
func (f *flow) dueBy(t time.Time) int64 {
	return f.first + int64(t.Sub(f.begun).Seconds()*float64(f.rate))
}

// due is when a reading has to be sent.
func (f *flow) due(k int64) time.Time {
	return f.begun.Add(time.Duration(float64(k-f.first) / float64(f.rate) * float64(time.Second)))
}

// end stops sending, waits for all answers, and returns how many readings of the input have been sent.
func (f *flow) end(ctx context.Context) (int64, error) {
	f.stop()
	<-f.ended
	return f.sent.Load(), f.sender.flush(ctx)
}
