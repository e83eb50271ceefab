package engine

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/statestore"
)

// layoutHeader says of a journal record what the state in it is made of, so that a
// pipeline whose file has changed can read it. It is on the first record of every
// life of a task and on each that recovery can begin at.
const layoutHeader = "weir-layout"

// layoutFor is the header of a batch's journal record; nil where it needs none.
func (r *runner) layoutFor(b *batch) []byte {
	if r.told && !b.newCycle && !b.ownBase {
		return nil
	}
	r.told = true
	text, err := r.plan.Layout.AppendBinary(nil)
	if err != nil {
		panic(err) // a layout of our own always encodes
	}
	return text
}

// readLayout learns to read the records of another layout from the one that says it.
func (r *runner) readLayout(rec *kgo.Record) error {
	for _, h := range rec.Headers {
		if h.Key != layoutHeader {
			continue
		}
		l, err := statestore.ParseLayout(h.Value)
		if err != nil {
			return fmt.Errorf("%w: at offset %d: %w", ErrJournalGap, rec.Offset, err)
		}
		r.table.Read(r.plan.Former(l))
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
