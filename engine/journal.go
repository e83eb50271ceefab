package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/statestore"
)

// lineageHeader marks every part of the journal, so that a group that lost its
// offsets still finds its lineage, and a foreign journal is known as one.
const lineageHeader = "weir-lineage"

// span is offsets [from, to).
type span struct{ from, to int64 }

// readJournal applies the records in a span of the journal to the table. The
// first record of a span that begins at the local copy's own record is only
// compared with it.
func (r *runner) readJournal(ctx context.Context, c committed, s span) error {
	if s.from >= s.to {
		return nil
	}
	topic := r.plan.Pipeline.JournalTopic
	client, err := kgo.NewClient(r.e.clientOptions(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {r.partition: kgo.NewOffset().At(s.from)}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxPartitionBytes(4<<20), kgo.FetchMaxBytes(16<<20),
	)...)
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	defer client.Close()
	reader := journalReader{r: r, c: c, seq: r.table.Seq()}
	for reader.position < s.to {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, f := range fetches.Errors() {
			if errors.Is(f.Err, kerr.OffsetOutOfRange) {
				return fmt.Errorf("%w: offset %d is out of range", ErrJournalGap, s.from)
			}
			return fmt.Errorf("read journal: %w", right{"Read", "topic", topic}.need(f.Err))
		}
		var failed error
		fetches.EachRecord(func(rec *kgo.Record) {
			if failed == nil {
				failed = reader.take(rec)
			}
		})
		if failed == nil {
			failed = reader.apply()
		}
		if failed != nil {
			return failed
		}
	}
	if reader.assembler.Pending() {
		return fmt.Errorf("%w: its last record is not complete", ErrJournalGap)
	}
	r.saver.replayed(reader.bytes)
	return nil
}

// spill moves to disk what the replay has changed, where memory does not hold it.
// A copy that recovery does not go on from is given up for it.
func (r *runner) spill() error {
	r.table.SetMemoryBytes(r.e.memoryShare())
	err := r.table.Spill(func(images []statestore.Image) error {
		if !r.hasCopy {
			if err := r.local.Begin(r.lineage.id); err != nil {
				return err
			}
			r.hasCopy = true
			r.log.Info("state is larger than its memory, restoring it by way of the disk", "memory", r.e.memoryShare())
		}
		return r.local.Write(images)
	}, r.local.Flush)
	if err != nil {
		return &StoreError{err}
	}
	return nil
}

// journalReader puts parts together and applies complete records in sequence.
type journalReader struct {
	r         *runner
	c         committed
	assembler statestore.Assembler
	position  int64
	first     int64                // offset of the first part of the record being assembled
	records   []*statestore.Record // of this poll, not applied yet
	seq       uint64               // of the last of them
	bytes     int                  // applied
}

func (j *journalReader) take(rec *kgo.Record) error {
	j.position = rec.Offset + 1
	if rec.Attrs.IsControl() {
		return nil
	}
	if err := j.checkLineage(rec); err != nil {
		return err
	}
	if err := j.r.readLayout(rec); err != nil {
		return err
	}
	if !j.assembler.Pending() {
		j.first = rec.Offset
	}
	record, err := j.assembler.Add(rec.Value)
	if err != nil {
		return fmt.Errorf("%w: at offset %d: %w", ErrJournalGap, rec.Offset, err)
	}
	if record == nil {
		return nil
	}
	return j.follow(record)
}

func (j *journalReader) checkLineage(rec *kgo.Record) error {
	r := j.r
	for _, h := range rec.Headers {
		if h.Key != lineageHeader {
			continue
		}
		l, err := parseLineage(h.Value)
		if err != nil {
			return refuse("the journal of partition %d holds a record at offset %d that is not weir's: %v", r.partition, rec.Offset, err)
		}
		if why := r.differs(l); why != "" {
			return refuse("%s", why)
		}
		if j.c.found && l.id != j.c.meta.id || !j.c.found && r.lineage.id != [16]byte{} && l.id != r.lineage.id {
			return refuse("the journal of partition %d holds a record at offset %d of another lineage: two pipelines share this journal", r.partition, rec.Offset)
		}
		r.lineage = l
		return nil
	}
	return refuse("the journal of partition %d holds a record at offset %d that is not weir's: something else writes this topic", r.partition, rec.Offset)
}

// follow puts a record behind the others of its poll.
func (j *journalReader) follow(record *statestore.Record) error {
	r := j.r
	if record.Seq == j.seq && j.first == r.place.recordOffset {
		return nil // the local copy's own record: the journal still knows it
	}
	j.records = append(j.records, record)
	j.seq = record.Seq
	r.place.recordOffset = j.first
	if record.CycleStart == record.Seq {
		r.place.cycleOffset = j.first
	}
	if r.place.baseOffset < 0 {
		r.place.baseOffset, r.place.baseSeq = j.first, record.Seq
	}
	r.e.o.Failpoint("replaying", r.partition)
	return nil
}

// apply replays what a poll has brought: all at once while memory has room, else
// record by record; and so where rows are long, of which a poll may touch more than
// there is room for.
func (j *journalReader) apply() error {
	r := j.r
	room := r.e.memoryShare() / 4 * 3
	var err error
	for left := j.records; err == nil && len(left) > 0; {
		n := len(left)
		if room > 0 && (r.plan.Layout.Long() || r.table.ResidentBytes() > room) {
			n = 1
		}
		for _, record := range left[:n] {
			j.bytes += record.Bytes()
		}
		err = r.table.ApplyAll(left[:n], lanes(), atOnce)
		left = left[n:]
		if err == nil {
			if err := r.spill(); err != nil {
				return err
			}
		}
	}
	clear(j.records) // lets go of the fetched bytes
	j.records = j.records[:0]
	switch {
	case err == nil:
		return nil
	case errors.Is(err, statestore.ErrLayout):
		return refuse("the windows or rules of this pipeline have changed since its state was written, by a version of weir that did not say what state it was: give the pipeline a new name, or give up its state by deleting group %q and topic %q (%v)", r.plan.Pipeline.Group, r.plan.Pipeline.JournalTopic, err)
	default:
		return fmt.Errorf("%w: %w", ErrJournalGap, err)
	}
}
