package outlets

import (
	"context"
	"time"
)

// Receiver is a system outside that takes alerts.
type Receiver interface {
	// Open returns what delivers one partition, with nothing in its memory. Lines of several partitions work at the same time.
	Open(partition int32) Line
	// Close lets go of connections. No line is used any more.
	Close()
}

// Result says what became of a batch.
type Result struct {
	Done    int // so many from the front are done with
	Refused int // of these: the receiver will never take them as they are
}

// Line delivers the alerts of one partition. It is used by one goroutine.
type Line interface {
	// Deliver takes alerts in order. With an error those behind Result.Done come again, some of which may have arrived. An
	// error means trouble that may pass; what will not pass is refused.
	Deliver(ctx context.Context, batch []*Alert) (Result, error)
}

// Repeater is a Line that has to say again what it has said, and therefore to know it again after a restart.
type Repeater interface {
	Line
	// Recall takes an alert that an earlier life has delivered, into memory only. Recalled says that these were all.
	Recall(a *Alert)
	Recalled()
	// Oldest is the offset of the oldest record that a later life has to recall; false: none.
	Oldest() (offset int64, ok bool)
	// Due is when something has to be said again; false: there is nothing.
	Due() (at time.Time, ok bool)
	// Repeat says what is due. With an error some of it is left, and still due. It returns how many alerts were refused.
	Repeat(ctx context.Context) (refused int, err error)
}
