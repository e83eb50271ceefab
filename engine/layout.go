package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/statestore"
)

// layoutHeader says of a journal record what the state in it is made of, so that a
// pipeline whose file has changed can read it: when that file came into force (Unix
// milliseconds, 8 bytes big-endian), and the layout. It is on the first record of every
// life of a task and on each that recovery can begin at.
const layoutHeader = "weir-layout"

// fileHeader is beside layoutHeader: the fingerprint of the file (8 bytes big-endian), for files of
// one layout may differ in what weir verify has to know. Recovery does not look at it.
const fileHeader = "weir-file"

// errOldFile is the end of a recovery of state that a newer file has shaped. Somebody
// else of the group has that file already, and what it has of its own must not be lost
// whenever a partition comes by a process that has yet to get it. It is tried again.
var errOldFile = errors.New("the state of this partition is that of a newer file")

// layoutFor is the header of a batch's journal record; nil where it needs none.
func (r *runner) layoutFor(b *batch) []byte {
	if r.told && !b.newCycle && !b.ownBase {
		return nil
	}
	r.told = true
	since := binary.BigEndian.AppendUint64(nil, uint64(r.e.since.UnixMilli()))
	text, err := r.plan.Layout.AppendBinary(since)
	if err != nil {
		panic(err) // a layout of our own always encodes
	}
	return text
}

// layoutHeaders are the headers of a record that says its layout.
func (r *runner) layoutHeaders(to []kgo.RecordHeader, layout []byte) []kgo.RecordHeader {
	file := binary.BigEndian.AppendUint64(nil, r.plan.Pipeline.Fingerprint)
	return append(to, kgo.RecordHeader{Key: layoutHeader, Value: layout}, kgo.RecordHeader{Key: fileHeader, Value: file})
}

// readLayout learns to read the records of another layout from the one that says it.
func (r *runner) readLayout(rec *kgo.Record) error {
	for _, h := range rec.Headers {
		if h.Key != layoutHeader {
			continue
		}
		if len(h.Value) < 8 {
			return fmt.Errorf("%w: at offset %d: %s of %d bytes", ErrJournalGap, rec.Offset, layoutHeader, len(h.Value))
		}
		l, err := statestore.ParseLayout(h.Value[8:])
		if err != nil {
			return fmt.Errorf("%w: at offset %d: %w", ErrJournalGap, rec.Offset, err)
		}
		r.newest = time.UnixMilli(int64(binary.BigEndian.Uint64(h.Value)))
		r.table.Read(r.plan.Former(l))
	}
	return nil
}

// maySucceed refuses to go back to an older file. Which one is older the clocks of
// two processes say, where the files came into force at nearly the same time.
func (r *runner) maySucceed() error {
	if own := r.e.since.Truncate(time.Millisecond); r.table.Succeeds() && own.Before(r.newest) {
		return fmt.Errorf("%w: it came into force at %s, and that of this process at %s; reload this process, or restart it",
			errOldFile, r.newest.UTC().Format(time.RFC3339Nano), own.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// succeed goes on from the state of a former file, where it is one's. What that says
// and changes is of the first batch: until its commit the state is that file's,
// whoever recovers it, and from there on this one's.
func (r *runner) succeed() {
	if !r.table.Succeeds() {
		return
	}
	done := r.task.Succeed()
	r.log.Info("state carried over to the windows and rules of this file", "seq", r.table.Seq(), "offset", r.k, "alerts_ended", done.Ended)
}
