package engine

import (
	"context"
	"time"

	"github.com/weirstream/weir/statestore"
)

const (
	// tailCells is how many journaled cells, in all tasks of a process, make a
	// checkpoint due: reading and replaying one with the refresh that came with it
	// costs about 80 ns, and the tails should replay in 0.3 s.
	tailCells      = 3_750_000
	laggingFactor  = 4 // while behind, let the tail grow: throughput first
	bytesPerCell   = 9 // of a journaled cell, roughly
	imagesPerSend  = 32
	oldPagesAtOnce = 1_000
)

// saver runs checkpoints. The runner's goroutine copies images, a goroutine of
// the saver's writes them: no page is read while the fold may write it.
type saver struct {
	r       *runner
	cp      *statestore.Checkpoint
	allowed bool // its record is confirmed: images may reach the disk
	marker  Marker
	images  chan []statestore.Image
	pending []statestore.Image
	ended   chan error
	closing bool
	sealing bool // the marker says that nothing follows
	running bool
	quit    chan struct{}

	bytes int64 // of the images that the running checkpoint has sent
	cells int   // journaled since the last checkpoint began
	since int64 // what growth.total was then
	kept  int64 // what it was when the newest finished one began
	last  time.Time
	seq   uint64
	floor int64 // journal offset that the local copy needs; -1: there is no copy
}

// growth is how many bytes this task has added to the journal since it went
// live, and how many when the refresh cycle and the live journal began; what was
// there before does not count.
type growth struct{ total, cycle, base int64 }

// add takes a confirmed record; newBase says that the live journal begins later
// than before it.
func (g *growth) add(b *batch, bytes int, newBase bool) {
	at := g.total
	g.total += int64(bytes)
	switch {
	case b.ownBase:
		g.base = at
	case newBase:
		g.base = g.cycle
	}
	if b.newCycle {
		g.cycle = at
	}
}

func newSaver(r *runner) *saver {
	return &saver{r: r, ended: make(chan error, 1), quit: make(chan struct{}), last: time.Now(), floor: -1}
}

// replayed counts what recovery read of the journal: it lies behind the local
// copy, as what this life will write does.
func (s *saver) replayed(bytes int) {
	s.cells = bytes / bytesPerCell
	s.r.growth = growth{total: int64(bytes), cycle: int64(bytes), base: int64(bytes)}
}

// wanted reports whether going live should save at once: a task that came from
// the journal alone has no local copy.
func (s *saver) wanted() bool {
	m, ok, err := s.r.local.Marker()
	if err != nil || !ok {
		return true
	}
	local, err := parseLocalSnapshot(m.Snapshot)
	if err != nil {
		return true
	}
	s.floor = local.recordOffset
	return false
}

// due reports whether the batch about to be sealed should be saved.
func (s *saver) due(r *runner) bool {
	if s.cp != nil {
		return false
	}
	limit := r.e.tailCells / max(1, int(r.e.tasks.Load()))
	if r.ends.end-r.position > 100_000 {
		limit *= laggingFactor
	}
	// When the running refresh cycle ends, all of the journal before it can go, but
	// for what the copy needs.
	lags := r.growth.cycle-s.since > r.e.o.Pace.HeldBytes/2
	return s.cells > limit || lags || r.crowded() >= crowded || time.Since(s.last) >= r.e.o.Pace.CheckpointEvery
}

func (s *saver) untilDue() time.Duration {
	if s.cp != nil {
		return s.r.e.o.Pace.CheckpointEvery
	}
	return max(s.r.e.o.Pace.CheckpointEvery-time.Since(s.last), time.Second)
}

// idle saves a task in which nothing happens any more.
func (s *saver) idle(r *runner) {
	if s.cp != nil || r.inflight != nil || r.pending() || time.Since(s.last) < r.e.o.Pace.CheckpointEvery {
		return
	}
	s.last = time.Now()
	if r.table.DirtyPages() == 0 || s.seq == r.table.Seq() {
		r.e.status.upToDate(r.partition)
		return
	}
	s.begin(r.table.BeginCheckpoint())
	s.confirm(r)
}

// begin takes a checkpoint whose record is not confirmed yet.
func (s *saver) begin(cp *statestore.Checkpoint) {
	s.cp, s.allowed, s.closing, s.pending, s.bytes = cp, false, false, nil, 0
	s.cells, s.since, s.last = 0, s.r.growth.total, time.Now()
}

// confirm lets the images go once the record of the checkpoint is committed.
func (s *saver) confirm(r *runner) {
	if s.cp == nil || s.allowed || s.cp.Seq() != r.table.Header().Seq {
		return
	}
	snapshot, err := localSnapshot{place: r.place, table: s.cp.Snapshot()}.encode()
	if err != nil {
		panic(err) // a snapshot of our own always encodes
	}
	s.allowed = true
	s.marker = Marker{Lineage: r.lineage.id, Seq: s.cp.Seq(), BootID: r.e.o.BootID, Snapshot: snapshot}
	s.images = make(chan []statestore.Image, 4)
	s.running = true
	go s.write(s.images)
}

// next is what the runner should send now: nil channel, nothing.
func (s *saver) next() (chan []statestore.Image, []statestore.Image) {
	if s.cp == nil || !s.allowed || s.closing {
		return nil, nil
	}
	if s.pending == nil {
		s.pending = s.cp.Next(imagesPerSend)
	}
	if len(s.pending) == 0 {
		s.marker.Sealed = s.sealing
		s.closing = true
		close(s.images)
		return nil, nil
	}
	return s.images, s.pending
}

func (s *saver) sent() {
	for i := range s.pending {
		s.bytes += int64(len(s.pending[i].Data))
	}
	s.pending = nil
}

// write is the goroutine beside the fold: images, flush, marker, in this order.
func (s *saver) write(images chan []statestore.Image) {
	s.ended <- func() error {
		for batch := range images {
			if err := s.r.local.Write(batch); err != nil {
				return err
			}
		}
		select {
		case <-s.quit:
			return nil
		default:
		}
		if err := s.r.local.Flush(); err != nil {
			return err
		}
		s.r.e.o.Failpoint("flushed", s.r.partition)
		if err := s.r.local.Mark(s.marker); err != nil {
			return err
		}
		s.r.e.o.Failpoint("marked", s.r.partition)
		_, err := s.r.local.DeleteOld(oldPagesAtOnce)
		return err
	}()
}

// finish ends a checkpoint that was written.
func (s *saver) finish(r *runner, err error) error {
	s.running = false
	if err != nil {
		r.table.EndCheckpoint(s.cp, statestore.Failed)
		return &StoreError{err}
	}
	r.table.EndCheckpoint(s.cp, statestore.Saved)
	s.seq = s.cp.Seq()
	parsed, err := parseLocalSnapshot(s.marker.Snapshot)
	if err != nil {
		panic(err) // written a moment ago
	}
	s.floor, s.kept = parsed.recordOffset, s.since
	s.cp = nil
	r.e.status.checkpointed(r.partition, time.Since(s.last), s.bytes)
	r.trim()
	return nil
}

// drain brings a running checkpoint to its end, unless ctx ends first: then the
// next owner restores from the journal.
func (s *saver) drain(ctx context.Context, r *runner) error {
	for s.cp != nil {
		images, next := s.next()
		select {
		case images <- next:
			s.sent()
		case err := <-s.ended:
			if err := s.finish(r, err); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// abandon ends the writer of a task that is being dropped. A half written copy
// is worth what its marker says.
func (s *saver) abandon() {
	if !s.running {
		return
	}
	close(s.quit)
	if !s.closing {
		close(s.images)
	}
	<-s.ended
}
