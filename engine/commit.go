package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/ingest"
	"github.com/weirstream/weir/statestore"
)

const (
	transactionTimeout = 15 * time.Second
	maxBatchBytes      = 1_000_000
	journalBatch       = 1_048_588 // the brokers' own default for max.message.bytes
	recordOverhead     = 1_024     // batch and record framing, headers
	commitAttempts     = 6
	assignmentWait     = 2 * time.Second // six of them outlast a session timeout
)

// batch is what one transaction commits: a task's outputs, its journal record
// and its source offset. A resend is byte-identical.
type batch struct {
	sealed   *statestore.Sealed
	outputs  *task.Outputs
	counters task.Counters
	to       int64
	meta     metadata // journalOffset, and baseOffset if this record is its own base, are known once produced
	newCycle bool     // the refresh cycle begins with this record
	ownBase  bool     // the base is this record itself
	layout   []byte   // of the record, where the journal is to say it; nil: it is not
	sealedAt time.Time
	standing []int32 // of the alerts, where that has changed; nil: it has not
}

// committer sends batches. It belongs to one runner and is used by one goroutine
// at a time.
type committer struct {
	r       *runner
	records []kgo.Record
	header  []kgo.RecordHeader
	seqs    []byte
	lineage []byte
}

// abortedError says that a transaction was surely aborted: the batch may be sent
// again while the partition is still owned.
type abortedError struct{ cause error }

func (e *abortedError) Error() string { return "transaction aborted: " + e.cause.Error() }
func (e *abortedError) Unwrap() error { return e.cause }

// commit sends a batch until it is committed. An error is the end of the task.
func (c *committer) commit(ctx context.Context, b *batch) error {
	for attempt := 1; ; attempt++ {
		at, owned, changed := c.r.e.group.seat(c.r.partition)
		if !owned {
			return ErrLost
		}
		err := c.transact(ctx, b, at)
		var aborted *abortedError
		if !errors.As(err, &aborted) {
			return err
		}
		c.r.e.status.aborts.Add(1)
		if attempt == commitAttempts {
			return fmt.Errorf("%d attempts: %w", attempt, err)
		}
		c.r.log.Warn("commit again", "attempt", attempt, "reason", err)
		wait := time.Duration(attempt) * 20 * time.Millisecond
		if errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.RebalanceInProgress) {
			wait = assignmentWait // or until the assignment is known
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// transact is one transaction: begin, produce, offsets, end.
func (c *committer) transact(ctx context.Context, b *batch, at seat) error {
	r := c.r
	if err := r.producer.BeginTransaction(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	r.e.o.Failpoint("begun", r.partition)
	if err := c.produce(ctx, b); err != nil {
		return c.abort(fmt.Errorf("produce: %w", err))
	}
	r.e.o.Failpoint("produced", r.partition)
	if err := c.commitOffset(ctx, b, at); err != nil {
		return c.abort(err)
	}
	r.e.o.Failpoint("offset_sent", r.partition)
	// Not cancelled: a cut EndTxn leaves the outcome open for as long as recovery
	// takes to ask.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTimeout)
	defer cancel()
	if err := r.producer.EndTransaction(end, kgo.TryCommit); err != nil {
		return fmt.Errorf("%w: %w", ErrUnclear, err)
	}
	r.e.o.Failpoint("ended", r.partition)
	return nil
}

// abort gives the transaction up. Where even that is not sure, the task must be
// dropped: only the broker's K decides.
func (c *committer) abort(cause error) error {
	if takenOver(cause) || errors.Is(cause, kerr.InvalidProducerIDMapping) {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.Background(), transactionTimeout)
	defer cancel()
	if err := c.r.producer.AbortBufferedRecords(ctx); err != nil {
		return fmt.Errorf("%w; abort: %w", cause, err)
	}
	if err := c.r.producer.EndTransaction(ctx, kgo.TryAbort); err != nil {
		return fmt.Errorf("%w; abort: %w", cause, err)
	}
	return &abortedError{cause}
}

// produce sends outputs and journal and waits for every promise: the client
// commits what succeeded, so one failed record must fail the transaction.
func (c *committer) produce(ctx context.Context, b *batch) error {
	c.fill(b)
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed error
	wait.Add(len(c.records))
	promise := func(rec *kgo.Record, err error) {
		if err != nil {
			mu.Lock()
			if failed == nil {
				failed = right{"Write", "topic", rec.Topic}.need(err)
			}
			mu.Unlock()
		}
		wait.Done()
	}
	for i := range c.records {
		c.r.producer.Produce(ctx, &c.records[i], promise)
	}
	// All of the batch in one request a broker: sent as they come, the first records would go alone and the others wait for their answer. A flush
	// that is cut short leaves records behind that nothing sends; closing the client ends it.
	if err := c.r.producer.Flush(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	wait.Wait()
	if failed != nil {
		return failed
	}
	b.meta.journalOffset = c.records[b.outputs.Len()].Offset
	if b.ownBase {
		b.meta.baseOffset = b.meta.journalOffset
	}
	return nil
}

// fill lays the batch out as Kafka records, outputs first, journal parts last.
func (c *committer) fill(b *batch) {
	r := c.r
	n := b.outputs.Len()
	c.records = grow(c.records[:0], n+len(b.sealed.Parts))
	c.header = grow(c.header[:0], 2*n+len(b.sealed.Parts)+2)[:0]
	c.seqs = c.seqs[:0]
	if need := 20 * n; cap(c.seqs) < need {
		c.seqs = make([]byte, 0, 2*need)
	}
	for i := range n {
		o := b.outputs.At(i)
		topic := r.plan.TopicName(o.Topic)
		value := o.Value
		if limit := r.e.topics.maxOutput[o.Topic]; len(o.Key)+len(value) > limit {
			value = oversize(r, b, o)
		}
		c.records[i] = kgo.Record{Topic: topic, Partition: r.outputPartition(o), Key: o.Key, Value: value, Headers: c.headers(o)}
	}
	c.lineage = r.lineage.append(c.lineage[:0])
	for i, part := range b.sealed.Parts {
		from := len(c.header)
		c.header = append(c.header, kgo.RecordHeader{Key: lineageHeader, Value: c.lineage})
		if i == 0 && b.layout != nil {
			c.header = r.layoutHeaders(c.header, b.layout)
		}
		c.records[n+i] = kgo.Record{Topic: r.plan.Pipeline.JournalTopic, Partition: r.partition, Value: part, Headers: c.header[from:len(c.header):len(c.header)]}
	}
}

// headers are weir-id and weir-seq of an output that has an id; others have none,
// for output records are the dearest part of a batch.
func (c *committer) headers(o task.Output) []kgo.RecordHeader {
	if o.ID == nil {
		return nil
	}
	from, at := len(c.header), len(c.seqs)
	c.seqs = strconv.AppendUint(c.seqs, o.Seq, 10)
	c.header = append(c.header,
		kgo.RecordHeader{Key: "weir-id", Value: o.ID},
		kgo.RecordHeader{Key: "weir-seq", Value: c.seqs[at:len(c.seqs):len(c.seqs)]},
		kgo.RecordHeader{Key: "content-type", Value: []byte("application/json")},
	)
	if o.Trace != nil {
		c.header = append(c.header, kgo.RecordHeader{Key: ingest.TraceHeader, Value: o.Trace})
	}
	return c.header[from:len(c.header):len(c.header)]
}

// oversize stands in for an output that its topic would refuse: it says where
// the cause can be found.
func oversize(r *runner, b *batch, o task.Output) []byte {
	return fmt.Appendf(nil, `{"schema":"weir.oversize/1","pipeline":%q,"size":%d,"limit":%d,"source":{"topic":%q,"partition":%d,"before_offset":%d}}`,
		r.plan.Pipeline.Name, len(o.Value), r.e.topics.maxOutput[o.Topic], r.plan.Pipeline.Source.Topic, r.partition, b.to)
}

// commitOffset adds the source offset to the transaction as a raw request: the
// generation must be that of the seat, which the client does not know.
func (c *committer) commitOffset(ctx context.Context, b *batch, at seat) error {
	r := c.r
	p := r.plan.Pipeline
	id, epoch, err := r.producer.ProducerID(ctx)
	if err != nil {
		return fmt.Errorf("producer id: %w", err)
	}
	text := b.meta.String()
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID = transactionalID(p, r.partition)
	req.Group, req.ProducerID, req.ProducerEpoch = p.Group, id, epoch
	req.Generation, req.MemberID, req.InstanceID = at.generation, at.member, &at.instance
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = p.Source.Topic, r.e.topics.source
	part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	part.Partition, part.Offset, part.Metadata = r.partition, b.to, &text
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, r.producer)
	if err != nil {
		return fmt.Errorf("commit offset %d: %w", b.to, err)
	}
	answered := false
	for _, t := range resp.Topics {
		for _, got := range t.Partitions {
			if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
				return fmt.Errorf("commit offset %d: %w", b.to, c.offsetRight(err).need(err))
			}
			answered = answered || got.Partition == r.partition
		}
	}
	if !answered {
		return fmt.Errorf("commit offset %d: the answer lacks partition %d", b.to, r.partition)
	}
	return nil
}

// offsetRight is what is missing where an offset is denied: ACLs of topics and of groups are both asked.
func (c *committer) offsetRight(err error) right {
	p := c.r.plan.Pipeline
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		return right{"Read", "topic", p.Source.Topic}
	}
	return right{"Read", "group", p.Group}
}

// grow returns s with length n, reusing its memory.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}
