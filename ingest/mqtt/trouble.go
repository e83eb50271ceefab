package mqtt

import (
	"time"

	"github.com/weirstream/weir/complaint"
)

// trouble is what the log says of times in which nothing is received.
type trouble struct {
	pace  complaint.Pace
	began time.Time // zero: messages come
	since time.Time // of the connection at work
	said  bool      // the last word in the log is that nothing is received
}

// tellReceiving logs that messages come, and how long they did not where the log says that they do not. That a connection was made ends
// no trouble: it has to last.
func (b *Bridge) tellReceiving(now time.Time) {
	t := &b.trouble
	first := t.since.IsZero()
	t.since = now
	what, log := "receiving from the mqtt broker again", b.log.With("subscriptions", len(b.o.Subscribe))
	if first {
		what = "receiving from the mqtt broker"
	}
	switch {
	case t.said:
		log.Info(what, "after", now.Sub(t.began).Round(time.Millisecond).String())
	case first:
		log.Info(what)
	}
	t.said = false
}

// tellNothing logs that no message has come: an MQTT broker takes any filter, also one that fits nothing.
func (b *Bridge) tellNothing() {
	if b.counts.received.Load() > 0 {
		return
	}
	var filters []string
	for _, s := range b.o.Subscribe {
		filters = append(filters, s.Filter)
	}
	b.log.Warn("no message has come so far: does a filter fit the topics that devices publish to?", "filters", filters, "after", b.o.NothingAfter.String())
}

// tellTrouble logs why nothing is received, at growing intervals: that a connection could not be made, or is gone.
func (b *Bridge) tellTrouble(c *connection, err error, pause time.Duration) {
	t, now := &b.trouble, time.Now()
	if c.received && now.Sub(t.since) > b.o.ReconnectMax {
		t.pace.Over(now)
	}
	lasts, say := t.pace.Again(now)
	if lasts == 0 {
		t.began = now
	}
	if !say {
		return
	}
	t.said = true
	what := "cannot receive from the mqtt broker, trying again"
	switch {
	case c.refused.Load():
		what = "kafka does not take a message, so the connection to the mqtt broker begins anew"
	case c.received:
		what = "connection to the mqtt broker lost, connecting again"
	case b.counts.connections.Load() == 0:
		what = "cannot connect to the mqtt broker, trying again"
	}
	b.log.Warn(what, "error", err, "retry_in", pause.Round(time.Millisecond).String(), "for", lasts.Round(time.Second).String())
}
