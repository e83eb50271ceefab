//go:build real

package killtest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/fleet"
)

// fleetStart is the event time of the first reading: past, so that no reading is from the future however long a test takes.
func fleetStart() event.Time {
	return event.Time(time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC).UnixMilli())
}

// limited ends a fleet after a number of readings, which its repeats are not counted in. Seen is told of each message, where set.
type limited struct {
	fleet   *fleet.Fleet
	left    int64
	repeats bool // repeats are sent; the reference leaves them out
	seen    func(fleet.Reading)
	ended   atomic.Bool // no more is wanted
}

// Message implements fleet.Source.
func (l *limited) Message() (fleet.Message, bool, error) {
	for l.left > 0 && !l.ended.Load() {
		r := l.fleet.Next()
		if r.Truth == fleet.Duplicate && !l.repeats {
			continue
		}
		if r.Truth != fleet.Duplicate {
			l.left--
		}
		if l.seen != nil {
			l.seen(r)
		}
		return fleet.Message{Device: r.Device, Site: r.Site, JSON: r.AppendJSON(nil), Due: r.Due, Truth: r.Truth}, true, nil
	}
	return fleet.Message{}, false, nil
}

// sending is a fleet that is being sent in the background.
type sending struct {
	t     *testing.T
	ended chan struct{}
	sent  atomic.Int64
	total fleet.Totals
	err   error
	took  time.Duration
}

// send sends a source. With a speed of 0 it sends as fast as it can.
func send(t *testing.T, source fleet.Source, to fleet.Publisher, speed float64) *sending {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	s := &sending{t: t, ended: make(chan struct{})}
	began := time.Now()
	go func() {
		defer close(s.ended)
		s.total, s.err = fleet.Send(ctx, source, to, fleet.SendOptions{Speed: speed, Sent: func(n fleet.Totals) { s.sent.Store(n.Sent) }})
		flush, done := context.WithTimeout(context.Background(), time.Minute)
		defer done()
		if err := to.Close(flush); s.err == nil {
			s.err = err
		}
		s.took = time.Since(began)
	}()
	t.Cleanup(func() { stop(); <-s.ended })
	return s
}

// wait waits until everything has been sent and acknowledged.
func (s *sending) wait(limit time.Duration) fleet.Totals {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(limit):
		s.t.Fatalf("not sent in %v: %d messages are", limit, s.sent.Load())
	}
	require.NoError(s.t, s.err)
	return s.total
}
