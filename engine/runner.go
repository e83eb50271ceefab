package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/roster"
	"github.com/weirstream/weir/statestore"
)

const (
	alertInterval = 5 * time.Millisecond // least time between commits that an alert asks for
	batchBytes    = 2 << 20              // a batch this big commits at once
	foldChunk     = 1_024                // records folded between two looks at everything else
)

// runner is the shell of one task: it recovers it, feeds it, commits it and
// saves it. All its state belongs to the goroutine of run.
type runner struct {
	e         *Engine
	plan      *task.Plan
	partition int32
	h         *runnerHandle
	log       *slog.Logger
	local     LocalTask

	producer *kgo.Client
	table    *statestore.Table
	task     *task.Task
	roster   *roster.Roster    // the task's
	commands *commands.Version // the task's
	unseen   int64             // end of the topic of commands when the task started; 0: it has been seen up to there
	lineage  lineage
	place    place
	origin   Origin // of the state
	k        int64  // committed source offset

	distrustLocal bool // the local copy did not fit the journal

	source   *sourceReader
	slab     *slab // fetched, not yet folded
	folded   int   // records of the slab that are folded
	position int64 // source offset folded up to, control records counted
	sealed   int64 // source offset of the last sealed batch
	records  int   // folded since the last seal
	ends     endOffset

	committer committer
	inflight  *batch
	done      chan error
	begun     time.Time // when the last commit began
	spare     *task.Outputs
	saver     *saver
	timer     *time.Timer
	ready     chan struct{} // closed: a select case that is always ready

	trimmed   atomic.Int64 // journal offset below which all was deleted
	trimmedAt time.Time    // of the last attempt
	untrimmed int          // bytes written to the journal since
	growth    growth
	hasCopy   bool      // the local store's present incarnation is that of the table
	newest    time.Time // when the file came into force that the journal was last told of
	told      bool      // the journal has been told what the state is made of, in this life
	trimming  atomic.Bool
	comparing atomic.Bool
}

func newRunner(e *Engine, p int32, h *runnerHandle, log *slog.Logger) *runner {
	r := &runner{
		e: e, plan: e.o.Plan, partition: p, h: h, log: log, local: e.o.Store.Task(p),
		done: make(chan error, 1), spare: &task.Outputs{}, timer: time.NewTimer(time.Hour), ready: make(chan struct{}),
	}
	r.spare.Reset()
	r.committer.r = r
	r.saver = newSaver(r)
	close(r.ready)
	return r
}

// run owns the partition until it is handed over (nil), lost or in doubt.
func (r *runner) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		r.close()
	}()
	defer func() {
		var page *statestore.PageError
		if v := recover(); v != nil {
			var ok bool
			if page, ok = v.(*statestore.PageError); !ok {
				panic(v)
			}
			err = &StoreError{page}
		}
	}()
	began := time.Now()
	r.e.status.enter(r.partition, Recovering)
	if err := r.recover(ctx); err != nil {
		return err
	}
	if err := r.goLive(ctx); err != nil {
		return err
	}
	r.e.status.live(r.partition, time.Since(began), r.origin)
	r.h.live.Store(true)
	defer r.h.live.Store(false)
	return r.live(ctx)
}

func (r *runner) close() {
	r.timer.Stop()
	r.saver.abandon()
	if r.source != nil {
		r.source.close()
	}
	// Closing the client fails every promise and request under way, which may
	// otherwise wait for brokers that are gone; recovery asks how it ended.
	if r.producer != nil {
		r.producer.Close()
	}
	if r.inflight != nil {
		<-r.done
	}
}

// goLive makes the task and commits an empty batch: it proves that the seat is
// valid before a reading is folded, pins K at a first start, and is what the
// wall clock is compared by.
func (r *runner) goLive(ctx context.Context) error {
	options := task.Options{
		Partition: r.partition, PartitionOf: r.partitionOf(), Fitting: r.fitting(), WallStamped: r.e.topics.wallStamped,
		GroupOptions: task.GroupOptions{Partitions: r.e.topics.partitions, GroupPartition: r.groupPartition()},
	}
	if err := r.decoders(&options); err != nil {
		return err
	}
	out := &task.Outputs{}
	out.Reset()
	r.task = task.New(r.plan, r.table, out, options)
	r.position, r.sealed = r.k, r.k
	if err := r.skipGone(ctx); err != nil {
		return err
	}
	if err := r.firstCommands(ctx); err != nil {
		return err
	}
	r.takeRoster() // behind the commands, which judge what it brings
	r.succeed()
	r.tellPassage()
	if err := r.seal(ctx, r.saver.wanted()); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		if err := r.confirmed(err); err != nil {
			return err
		}
	case how := <-r.h.stop:
		r.h.order(how)
		return ErrLost
	}
	r.compareClocks(ctx)
	var err error
	r.source, err = r.openSource(ctx)
	return err
}

func (r *runner) partitionOf() func([]byte) int32 {
	if r.e.o.PartitionOf == nil {
		return nil
	}
	n := int(r.e.topics.partitions)
	return func(device []byte) int32 { return int32(r.e.o.PartitionOf(device, n)) }
}

func (r *runner) fitting() func([]byte, int32) []string {
	if r.e.o.Fitting == nil {
		return nil
	}
	n := int(r.e.topics.partitions)
	return func(device []byte, partition int32) []string { return r.e.o.Fitting(device, partition, n) }
}

// live folds and commits until something ends it.
func (r *runner) live(ctx context.Context) error {
	for {
		if r.commitDue(time.Now()) {
			if err := r.seal(ctx, r.saver.due(r)); err != nil {
				return err
			}
		}
		r.saver.idle(r) // at every look: whatever comes in sets the timer anew
		var ready chan struct{}
		var fetched chan *slab
		switch {
		case r.full():
		case r.slab != nil:
			ready = r.ready
		default:
			fetched = r.source.slabs
		}
		r.arm()
		images, next := r.saver.next()
		select {
		case <-ready:
			if err := r.fold(); err != nil {
				return err
			}
		case s := <-fetched:
			if err := r.accept(s); err != nil {
				return err
			}
		case err := <-r.done:
			if err := r.confirmed(err); err != nil {
				return err
			}
		case r.ends = <-r.h.ends:
			r.sayUnused(time.Now())
			r.advance()
		case <-r.h.roster:
			r.takeRoster()
		case <-r.h.commands:
			r.takeCommands()
		case <-r.h.pulse.ask:
			r.h.pulse.answered()
		case ask := <-r.h.questions:
			ask(r)
		case images <- next:
			r.saver.sent()
		case err := <-r.saver.ended:
			if err := r.saver.finish(r, err); err != nil {
				return err
			}
		case <-r.timer.C: // only to look again
		case how := <-r.h.stop:
			if how == handOver {
				if err := r.handOver(ctx); err != nil {
					r.h.order(how) // nobody recovers what is being given away
					return err
				}
				return nil
			}
			return ErrLost
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// full reports that folding has to wait, for the commit in flight or for pages that
// are on their way to the disk.
func (r *runner) full() bool {
	if r.inflight == nil && r.saver.cp == nil {
		return false
	}
	return r.inflight != nil && r.pendingBytes() > batchBytes || r.crowded() == overfull
}

func (r *runner) pendingBytes() int { return r.task.Pending().Bytes() + r.table.DirtyBytes() }

// pending reports whether there is anything to commit. Control records alone
// are not: an idle task opens no transaction.
func (r *runner) pending() bool {
	return r.records > 0 || r.table.DirtyCells() > 0 || r.task.Pending().Len() > 0 || r.trails()
}

func (r *runner) commitDue(now time.Time) bool {
	return r.inflight == nil && r.pending() && (!now.Before(r.deadline()) || r.pendingBytes() > batchBytes || r.crowded() >= crowded && r.saver.cp == nil)
}

// deadline is when what is pending has to be committed.
func (r *runner) deadline() time.Time {
	if r.task.Pending().AlertChanged {
		return r.begun.Add(alertInterval)
	}
	want := time.Duration(r.plan.Pipeline.CommitInterval) * time.Millisecond
	return r.begun.Add(stretch(want, int(r.e.tasks.Load())))
}

// arm sets the timer to the next moment something is due by itself.
func (r *runner) arm() {
	wait := r.saver.untilDue()
	if r.inflight == nil && r.pending() {
		wait = min(wait, time.Until(r.deadline()))
	}
	r.timer.Reset(max(wait, 0))
}

// accept takes a slab of fetched records.
func (r *runner) accept(s *slab) error {
	if s.err != nil {
		return s.err
	}
	if len(s.records) > 0 && s.records[0].Offset < r.position {
		return fmt.Errorf("source gave offset %d after %d", s.records[0].Offset, r.position)
	}
	r.slab, r.folded = s, 0
	if len(s.records) == 0 {
		r.release()
	} else {
		r.tellPassage()
	}
	return nil
}

// fold folds a chunk of the slab.
func (r *runner) fold() error {
	n := min(r.chunk(), len(r.slab.records)-r.folded)
	chunk := r.slab.records[r.folded : r.folded+n]
	if err := r.task.Fold(chunk); err != nil {
		var misplaced *task.MisplacedError
		if errors.As(err, &misplaced) {
			return refuse("%v", err)
		}
		return err
	}
	r.noteUnused(chunk, time.Now())
	r.folded += n
	r.records += n
	r.position = chunk[n-1].Offset + 1
	r.table.SetMemoryBytes(r.e.memoryShare())
	r.table.Trim()
	if r.folded == len(r.slab.records) {
		r.release()
	} else {
		r.tellPassage()
	}
	return nil
}

// release ends a slab: control records behind its last reading count as read.
func (r *runner) release() {
	r.position = max(r.position, r.slab.next)
	r.source.free(r.slab)
	r.slab = nil
	r.tellPassage()
	r.advance()
}

// advance lets wall time into the task if it has folded everything that was
// appended by then, and if the wall clock can be believed.
func (r *runner) advance() {
	if r.ends.w == 0 || r.slab != nil || r.ends.end > r.position {
		return
	}
	now := r.ends
	r.ends = endOffset{}
	skew, known := r.e.trust.skew(now.w, now.mono)
	if !known || skew > maxClockSkew || skew < -maxClockSkew {
		r.e.status.distrust(known, skew)
		return
	}
	r.e.status.trusted(skew)
	r.task.Advance(task.Now{Wall: now.w, Mono: now.mono, Position: r.position})
	r.table.Trim()
	if r.inflight == nil && !r.pending() { // an idle task seals nothing that would tell
		r.e.status.stand(r.partition, r.task.Standing())
	}
}

// seal ends the batch and sends it. A checkpoint, if one is wanted, takes its
// set of pages now, while memory holds exactly this batch's state.
func (r *runner) seal(ctx context.Context, save bool) error {
	header := statestore.Header{Seq: r.table.Seq() + 1, From: r.sealed, To: r.position, Wall: r.task.Clock()}
	sealed := r.table.Seal(header, statestore.SealOptions{
		MaxPart: r.e.o.Pace.PartBytes, RefreshFloor: r.e.o.Pace.RefreshBytes, Note: r.task.TakeFacts(),
	})
	r.saver.cells += sealed.SetBytes / bytesPerCell
	b := &batch{
		sealed: sealed, outputs: r.task.Swap(r.spare), counters: r.task.Counters(), to: r.position, sealedAt: time.Now(),
		meta:     metadata{lineage: r.lineage, seq: sealed.Seq, baseSeq: r.place.baseSeq, baseOffset: r.place.baseOffset},
		newCycle: sealed.CycleStart == sealed.Seq, standing: r.task.Standing(),
	}
	r.spare = nil
	switch {
	case r.place.baseOffset < 0, sealed.NewBase == sealed.Seq:
		b.ownBase, b.meta.baseSeq = true, sealed.Seq
	case sealed.NewBase != 0 && r.place.cycleOffset >= 0:
		b.meta.baseSeq, b.meta.baseOffset = sealed.NewBase, r.place.cycleOffset
	}
	b.layout = r.layoutFor(b)
	if save {
		r.saver.begin(r.table.BeginCheckpoint())
	}
	r.sealed, r.records = r.position, 0
	r.inflight, r.begun = b, b.sealedAt
	r.e.status.sealed(r.partition, b.sealedAt)
	go func() { r.done <- r.committer.commit(ctx, b) }()
	return nil
}

// confirmed takes the end of a transaction.
func (r *runner) confirmed(err error) error {
	b := r.inflight
	r.inflight = nil
	if err != nil {
		return err
	}
	r.table.Confirm(b.sealed.Seq)
	r.k = b.to
	r.place.recordOffset = b.meta.journalOffset
	if b.newCycle {
		r.place.cycleOffset = b.meta.journalOffset
	}
	done := r.progress(b)
	r.untrimmed += done.journalBytes
	r.growth.add(b, done.journalBytes, b.meta.baseSeq != r.place.baseSeq)
	r.place.baseSeq, r.place.baseOffset = b.meta.baseSeq, b.meta.baseOffset
	r.e.status.committed(r.partition, done)
	r.sayLoss(done.counts, time.Now())
	b.outputs.Reset()
	r.spare = b.outputs
	r.saver.confirm(r)
	r.e.o.Failpoint("confirmed", r.partition)
	r.trim()
	r.compareNowAndThen()
	return nil
}

// progress is what the outside may see of a confirmed batch.
func (r *runner) progress(b *batch) progress {
	p := progress{
		seq: b.sealed.Seq, k: b.to, counters: b.counters, devices: r.task.Known(),
		stateBytes: r.table.LiveBytes(), resident: r.table.ResidentBytes(), counts: &b.outputs.Counts, standing: b.standing, took: time.Since(b.sealedAt), alertLatency: -1,
		journalBytes: 0,
	}
	for _, part := range b.sealed.Parts {
		p.journalBytes += len(part)
	}
	if b.outputs.AlertChanged && b.outputs.Oldest != event.Never {
		p.alertLatency = time.Duration(r.e.wallNow()-b.outputs.Oldest) * time.Millisecond
	}
	return p
}

// handOver finishes what is folded, saves it and seals the local copy, so that
// the next owner need not wait and this process can come back quickly.
func (r *runner) handOver(ctx context.Context) error {
	r.source.close()
	if err := r.settleBatch(ctx); err != nil {
		return err
	}
	if err := r.saver.drain(ctx, r); err != nil {
		return err
	}
	if r.pending() {
		if err := r.seal(ctx, true); err != nil {
			return err
		}
		if err := r.settleBatch(ctx); err != nil {
			return err
		}
	} else {
		r.saver.begin(r.table.BeginCheckpoint())
		r.saver.confirm(r)
	}
	r.saver.sealing = true
	if err := r.saver.drain(ctx, r); err != nil {
		return err
	}
	r.e.o.Failpoint("sealed", r.partition)
	r.log.Info("partition handed over", "seq", r.table.Seq(), "offset", r.k)
	return nil
}

// settleBatch waits for the commit in flight.
func (r *runner) settleBatch(ctx context.Context) error {
	if r.inflight == nil {
		return nil
	}
	select {
	case err := <-r.done:
		return r.confirmed(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}
