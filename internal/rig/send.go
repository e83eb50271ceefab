package rig

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/internal/fleet"
)

// Sending is a fleet that is being sent in the background.
type Sending struct {
	// Took is how long it took, once it has ended.
	Took time.Duration

	t     TB
	ended chan struct{}
	sent  atomic.Int64
	total fleet.Totals
	err   error
}

// Send sends a source. With a speed of 0 it sends as fast as it can.
func Send(t TB, source fleet.Source, to fleet.Publisher, speed float64) *Sending {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	s := &Sending{t: t, ended: make(chan struct{})}
	began := time.Now()
	go func() {
		defer close(s.ended)
		s.total, s.err = fleet.Send(ctx, source, to, fleet.SendOptions{Speed: speed, Sent: func(n fleet.Totals) { s.sent.Store(n.Sent) }})
		flush, done := context.WithTimeout(context.Background(), time.Minute)
		defer done()
		if err := to.Close(flush); s.err == nil {
			s.err = err
		}
		s.Took = time.Since(began)
	}()
	t.Cleanup(func() { stop(); <-s.ended })
	return s
}

// Sent is how many messages have been sent so far.
func (s *Sending) Sent() int64 { return s.sent.Load() }

// Wait waits until everything has been sent and acknowledged.
func (s *Sending) Wait(limit time.Duration) fleet.Totals {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(limit):
		s.t.Fatalf("not sent in %v: %d messages are", limit, s.sent.Load())
	}
	check(s.t, "send the fleet", s.err)
	return s.total
}
