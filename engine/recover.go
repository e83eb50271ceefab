package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/statestore"
)

// committed is what the broker says of a partition: the offset K up to which
// outputs are committed, and where the journal stood then.
type committed struct {
	found bool
	k     int64
	meta  metadata
	bare  bool // an offset without weir's metadata
}

// recover brings the task to exactly the committed offset. The runner's state is
// valid only if it returns nil.
func (r *runner) recover(ctx context.Context) error {
	if err := r.fence(ctx); err != nil {
		return err
	}
	for try := 0; ; try++ {
		err := r.restore(ctx)
		if err == nil || !errors.Is(err, ErrJournalGap) {
			return err
		}
		if _, owned, _ := r.e.group.seat(r.partition); !owned {
			return ErrLost
		}
		// Somebody may have trimmed between the look at the offset and the read of
		// the journal; a gap that stays is damage.
		if try == 2 {
			return refuse("%v: records of the journal that the committed state needs are gone; restore the topic, or give up the state of this pipeline by deleting its group and journal", err)
		}
		r.log.Warn("journal changed during recovery, starting again", "reason", err)
		r.distrustLocal = true
		if err := pauseFor(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// fence makes this task the only one that can write for the partition: the
// broker resolves what a zombie left open before it hands out the producer id.
func (r *runner) fence(ctx context.Context) error {
	compressor, err := newCompressor()
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(r.e.clientOptions(
		kgo.TransactionalID(transactionalID(r.plan.Pipeline, r.partition)),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ManualFlushing(), kgo.MaxBufferedRecords(1<<20), kgo.ProducerBatchMaxBytesFn(r.e.topics.batchLimit),
		kgo.WithCompressor(compressor),
		kgo.RecordDeliveryTimeout(transactionTimeout),
	)...)
	if err != nil {
		return fmt.Errorf("make producer: %w", err)
	}
	r.producer = client
	if _, _, err := client.ProducerID(ctx); err != nil {
		return fmt.Errorf("init producer id: %w", right{"Write", "transactional-id", transactionalID(r.plan.Pipeline, r.partition)}.need(err))
	}
	return nil
}

// restore builds the table from the local copy and the journal.
func (r *runner) restore(ctx context.Context) error {
	if err := r.e.verifyTopics(ctx); err != nil {
		return err
	}
	c, err := r.committed(ctx)
	if err != nil {
		return err
	}
	if c.bare {
		return refuse("group %q has a committed offset for partition %d that weir did not write: something else commits for this group", r.plan.Pipeline.Group, r.partition)
	}
	if c.found {
		r.e.status.setPassage(r.partition, passage{position: c.k})
		if why := r.differs(c.meta.lineage); why != "" {
			return refuse("%s", why)
		}
	}
	begin, end, err := r.journalRange(ctx)
	if err != nil {
		return err
	}
	if !c.found && begin == end {
		if begin > 0 {
			return refuse("the journal of partition %d has been emptied up to offset %d, and group %q has no committed offset: the state is gone. To start anew, delete topic %q and the state directory", r.partition, begin, r.plan.Pipeline.Group, r.plan.Pipeline.JournalTopic)
		}
		return r.firstStart(ctx)
	}
	return r.replay(ctx, c, begin, end)
}

// binding is the lineage as it would be today.
func (r *runner) binding(id [16]byte) lineage {
	t := &r.e.topics
	l := lineage{id: id, source: t.source, journal: t.journal, partitions: t.partitions}
	if !r.plan.Groups() {
		l.partitioner = uint8(slices.Index(partitioners(), r.plan.Pipeline.Source.Partitioner) + 1)
	}
	return l
}

// committed asks for the stable offset, waiting while a transaction that holds
// one is being resolved, or the coordinator moves.
func (r *runner) committed(ctx context.Context) (c committed, err error) {
	p := r.plan.Pipeline
	patience := time.Now().Add(requestTimeout)
	for {
		resp, err := r.fetchOffset(ctx)
		if err != nil {
			return c, err
		}
		err = right{"Read", "group", p.Group}.need(kerr.ErrorForCode(resp.ErrorCode))
		if resolving(err) && time.Now().Before(patience) {
			if err := pauseFor(ctx, 10*time.Millisecond); err != nil {
				return c, err
			}
			continue
		}
		if errors.Is(err, kerr.UnstableOffsetCommit) {
			// The fence has resolved all that the transaction's coordinator knows of.
			return c, fmt.Errorf("the brokers have left a transaction of this task half done, and nothing is folded until it is resolved (see docs/EXACTLY_ONCE.md, Broker settings): fetch committed offset of group %q: %w", p.Group, err)
		}
		if err != nil {
			return c, fmt.Errorf("fetch committed offset of group %q: %w", p.Group, err)
		}
		if resp.Offset < 0 {
			return c, nil
		}
		c.found, c.k = true, resp.Offset
		if resp.Metadata == nil {
			c.bare = true
			return c, nil
		}
		if c.meta, err = parseMetadata(*resp.Metadata); err != nil {
			c.bare = true
		}
		return c, nil
	}
}

// resolving reports whether the answer will be another one soon.
func resolving(err error) bool {
	for _, passing := range []error{kerr.UnstableOffsetCommit, kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

func (r *runner) fetchOffset(ctx context.Context) (found kmsg.OffsetFetchResponseGroupTopicPartition, err error) {
	p := r.plan.Pipeline
	req := kmsg.NewPtrOffsetFetchRequest()
	req.RequireStable = true
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = p.Group
	topic := kmsg.NewOffsetFetchRequestGroupTopic()
	topic.Topic, topic.TopicID, topic.Partitions = p.Source.Topic, r.e.topics.source, []int32{r.partition}
	group.Topics = append(group.Topics, topic)
	req.Groups = append(req.Groups, group)
	resp, err := req.RequestWith(ctx, r.producer)
	if err != nil {
		return found, fmt.Errorf("fetch committed offset of group %q: %w", p.Group, err)
	}
	for _, g := range resp.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			found.ErrorCode = g.ErrorCode
			return found, nil
		}
		for _, t := range g.Topics {
			for _, got := range t.Partitions {
				if got.Partition == r.partition {
					return got, nil
				}
			}
		}
	}
	return found, fmt.Errorf("fetch committed offset of group %q: the answer lacks partition %d", p.Group, r.partition)
}

// journalRange is what the journal partition holds now: offsets [begin, end),
// end being the last stable one. The task is fenced, so nobody adds to it.
func (r *runner) journalRange(ctx context.Context) (begin, end int64, err error) {
	topic := r.plan.Pipeline.JournalTopic
	starts, err := r.e.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, 0, fmt.Errorf("list offsets of journal %q: %w", topic, err)
	}
	ends, err := r.e.admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return 0, 0, fmt.Errorf("list offsets of journal %q: %w", topic, err)
	}
	s, okStart := starts.Lookup(topic, r.partition)
	n, okEnd := ends.Lookup(topic, r.partition)
	if !okStart || !okEnd {
		return 0, 0, fmt.Errorf("list offsets of journal %q: the answer lacks partition %d", topic, r.partition)
	}
	if err := errors.Join(s.Err, n.Err); err != nil {
		return 0, 0, fmt.Errorf("list offsets of journal %q: %w", topic, err)
	}
	return s.Offset, n.Offset, nil
}

// firstStart begins a new lineage. Its first commit pins K before any reading
// is folded, so that a crash cannot start it twice at different places.
func (r *runner) firstStart(ctx context.Context) error {
	r.lineage = r.binding([16]byte{})
	if _, err := rand.Read(r.lineage.id[:]); err != nil {
		return fmt.Errorf("make lineage: %w", err)
	}
	starts, err := r.e.admin.ListStartOffsets(ctx, r.plan.Pipeline.Source.Topic)
	if err != nil {
		return fmt.Errorf("list offsets of source: %w", err)
	}
	start, ok := starts.Lookup(r.plan.Pipeline.Source.Topic, r.partition)
	if !ok || start.Err != nil {
		return fmt.Errorf("list offsets of source partition %d: %w", r.partition, start.Err)
	}
	if m, ok, err := r.local.Marker(); err == nil && ok {
		return refuse("local state of partition %d holds record %d, and the brokers know no commit of this pipeline: the brokers lost committed data or the group and the journal were deleted. To start anew, delete the state directory", r.partition, m.Seq)
	}
	if err := r.newTable(); err != nil {
		return err
	}
	if err := r.local.Begin(r.lineage.id); err != nil {
		return &StoreError{err}
	}
	r.place = place{recordOffset: -1, cycleOffset: -1, baseSeq: 1, baseOffset: -1}
	r.k, r.origin = start.Offset, FromNothing
	r.log.Info("first start", "offset", r.k)
	return nil
}

func (r *runner) newTable() (err error) {
	r.table, err = statestore.NewTable(r.plan.Layout, statestore.Options{
		MemoryBytes: r.e.memoryShare(), Pager: r.local, TaskWords: task.TaskWords(),
	})
	if err != nil {
		return fmt.Errorf("make state table: %w", err)
	}
	return nil
}

// replay restores the table from the local copy where that is usable, otherwise
// from the journal alone, and checks that it ends exactly at K.
func (r *runner) replay(ctx context.Context, c committed, begin, end int64) error {
	began := time.Now()
	if err := r.newTable(); err != nil {
		return err
	}
	from, usable, err := r.loadLocal(ctx, c, begin)
	if err != nil {
		return err
	}
	r.hasCopy, r.origin = usable, FromJournal
	if usable {
		r.origin = FromCopy
	}
	if usable && from >= end {
		return refuse("local state of partition %d holds record %d at journal offset %d, and the journal ends at %d: the brokers lost committed data. Check the cluster; to go on with what the brokers have, delete the state directory", r.partition, r.table.Seq(), from, end)
	}
	if !usable {
		from = begin
		if c.found {
			from = c.meta.baseOffset
		}
		if from < begin {
			return fmt.Errorf("%w: it begins at offset %d, and the state begins at %d", ErrJournalGap, begin, from)
		}
		r.place = place{recordOffset: -1, cycleOffset: -1, baseOffset: -1}
	}
	loaded := r.table.Seq()
	r.e.o.Failpoint("restoring", r.partition)
	if err := r.readJournal(ctx, c, span{from, end}); err != nil {
		return err
	}
	if err := r.table.FinishReplay(); err != nil {
		if errors.Is(err, statestore.ErrGap) {
			return fmt.Errorf("%w: %w", ErrJournalGap, err)
		}
		return refuse("the journal of partition %d cannot be replayed: %v", r.partition, err)
	}
	if !c.found && r.table.Seq() == 0 {
		return r.firstStart(ctx) // the journal holds nothing but aborted transactions
	}
	if err := r.settle(ctx, c); err != nil {
		return err
	}
	if err := r.maySucceed(); err != nil {
		return err
	}
	if !r.hasCopy {
		if err := r.local.Begin(r.lineage.id); err != nil {
			return &StoreError{err}
		}
	}
	r.log.Info("state recovered", "seq", r.table.Seq(), "local_seq", loaded, "devices", r.table.Len(), "offset", r.k, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// settle compares what was replayed with what the broker committed.
func (r *runner) settle(ctx context.Context, c committed) error {
	h := r.table.Header()
	r.k = h.To
	if r.place.baseSeq == 0 {
		r.place.baseSeq = r.table.Position().Base
	}
	if !c.found {
		// The group's offsets are gone (an empty group loses them in time); the
		// journal's last record is K.
		r.log.Warn("group has no committed offset, taking it from the journal", "offset", r.k)
		return nil
	}
	r.lineage = c.meta.lineage
	r.place.baseSeq, r.place.baseOffset = c.meta.baseSeq, c.meta.baseOffset
	switch {
	case h.Seq < c.meta.seq:
		return fmt.Errorf("%w: it ends with record %d, and record %d is committed", ErrJournalGap, h.Seq, c.meta.seq)
	case h.Seq > c.meta.seq:
		if again, err := r.committed(ctx); err != nil {
			return err
		} else if again.meta.seq != c.meta.seq {
			return fmt.Errorf("%w: somebody commits meanwhile", ErrJournalGap)
		}
		return refuse("the journal of partition %d holds record %d, and the group's committed offset says %d is the last: the group's offsets were reset or another pipeline writes this journal", r.partition, h.Seq, c.meta.seq)
	case h.To != c.k:
		return refuse("the group's committed offset for partition %d is %d, and the journal says %d: the group's offsets were changed by hand", r.partition, c.k, h.To)
	}
	return nil
}

// loadLocal takes the local copy if it may be used, and returns the journal
// offset to go on from.
func (r *runner) loadLocal(ctx context.Context, c committed, begin int64) (from int64, usable bool, err error) {
	m, ok, err := r.local.Marker()
	if err != nil || !ok {
		if err != nil {
			r.log.Warn("local state unreadable, restoring from the journal", "reason", err)
		}
		return 0, false, nil
	}
	if c.found && m.Lineage != c.meta.id {
		r.log.Warn("local state belongs to another lineage, restoring from the journal")
		return 0, false, nil
	}
	if c.found && m.Seq > c.meta.seq {
		return 0, false, refuse("local state of partition %d holds record %d, and the brokers have committed only %d: the brokers lost committed data or the group's offsets were reset. Check the cluster; to go on with what the brokers have, delete the state directory", r.partition, m.Seq, c.meta.seq)
	}
	if !m.Sealed && m.BootID != r.e.o.BootID {
		r.log.Info("machine restarted since the local state was written, restoring from the journal")
		return 0, false, nil
	}
	if r.distrustLocal {
		return 0, false, nil
	}
	s, err := parseLocalSnapshot(m.Snapshot)
	if err == nil && s.table.Layout != r.plan.Layout.Fingerprint() {
		r.log.Warn("local state has another layout, restoring from the journal")
		return 0, false, nil
	}
	if err != nil || s.recordOffset < begin {
		r.log.Info("journal no longer reaches back to the local state, restoring from the journal alone", "reason", err)
		return 0, false, nil
	}
	err = r.loadPages(ctx, s)
	if ctx.Err() != nil {
		return 0, false, ctx.Err()
	}
	if err != nil {
		r.log.Warn("local state damaged, restoring from the journal", "reason", err)
		return 0, false, r.newTable()
	}
	r.place, r.lineage = s.place, r.binding(m.Lineage)
	return s.recordOffset, true, nil
}

// memoryShare is a task's part of state.memory: it shrinks and grows with the
// number of tasks the process owns.
func (e *Engine) memoryShare() int64 {
	return e.o.Plan.Pipeline.State.Memory / max(e.tasks.Load(), 1)
}

// pauseFor waits, or returns early with the context's error.
func pauseFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
