package statestore

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
)

// world runs a table through commits, checkpoints and crashes.
type world struct {
	random  *rand.Rand
	breaks  mutation
	layout  Layout
	options Options
	seal    SealOptions
	names   int
	stripe  int // shift
	whole   int // Table.refreshWhole

	journal []logged // from the trim point on
	base    uint64   // the trim asked for
	disk    *disk
	stale   *disk // an older state of the disk

	table     *Table
	live      model
	committed model
	seq       uint64
	saving    *Checkpoint
	lost      *Position // of the last record lost, where that rule is broken
	stats     [8]int
}

func newWorld(seed uint64, m mutation) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &world{random: r, breaks: m, layout: Layout{Columns: []Column{{"head", 1, 2}, {"panes", 3, 2}}}}
	if seed%3 == 0 { // more cells than a word has bits
		w.layout.Columns = append(w.layout.Columns, Column{"wide", 70, 1})
	}
	w.names = []int{3, 40, 300, 500}[r.IntN(4)]
	switch seed % 16 {
	case 1, 9: // 64 rows a page
		w.layout.Columns = append(w.layout.Columns, Column{"long", 4, 40})
	case 3: // four
		w.names = min(w.names, 24)
		w.layout.Columns = append(w.layout.Columns, Column{"longer", 3, 800})
	case 5: // one
		w.names = min(w.names, 8)
		w.layout.Columns = append(w.layout.Columns, Column{"longest", 3, 2800})
	}
	w.stripe = []int{pageShift, usualStripe}[seed%2]
	w.whole = []int{1, 500, usualRefresh}[seed%5%3]
	w.seal = SealOptions{MaxPart: []int{150, 1000, 0}[r.IntN(3)], RefreshFloor: []int{0, 100, 3000}[r.IntN(3)]}
	w.disk = &disk{pages: map[PageID][]byte{}}
	w.stale = w.disk.clone()
	w.options = Options{TaskWords: 1}
	if r.IntN(3) > 0 {
		w.options.MemoryBytes = 1
	}
	w.committed = model{devices: map[string][]uint64{}}
	return w
}

func (w *world) newTable() *Table {
	o := w.options
	o.Pager = w.disk
	t, err := NewTable(w.layout, o)
	if err != nil {
		panic(err)
	}
	t.stripeShift = w.stripe
	t.refreshWhole = w.whole
	t.broken.setsFirst = w.breaks == setsBeforeDrops
	t.broken.noCopy = w.breaks == noCopyOnWrite
	t.broken.partsCount = w.breaks == partsCount
	return t
}

func (w *world) chance(percent int) bool { return w.random.IntN(100) < percent }

// fold changes table and model alike.
func (w *world) fold() {
	t := w.table
	for range w.random.IntN(12) {
		name := fmt.Sprintf("device-%d", w.random.IntN(w.names))
		s, ok := t.Lookup([]byte(name))
		if ok && w.chance(15) {
			t.Drop(s)
			delete(w.live.devices, name)
			w.stats[0]++
			continue
		}
		if ok && w.chance(5) {
			t.Clear(s)
			w.live.devices[name] = make([]uint64, t.rowWordsAll())
		}
		if !ok {
			s = t.Add([]byte(name))
			w.live.devices[name] = make([]uint64, t.rowWordsAll())
		}
		row := slices.Clone(w.live.devices[name])
		for range w.random.IntN(4) {
			at := 0
			col := w.random.IntN(len(w.layout.Columns))
			for _, c := range w.layout.Columns[:col] {
				at += c.Cells * c.Words
			}
			c := w.layout.Columns[col]
			cell := w.random.IntN(c.Cells)
			word := w.random.IntN(c.Words)
			value := w.value()
			t.Write(col, cell, s)[word] = value
			row[at+cell*c.Words+word] = value
		}
		w.live.devices[name] = row
	}
	t.Task()[0]++
	w.live.task++
}

func (w *world) value() uint64 {
	if w.chance(25) {
		return 0
	}
	return w.random.Uint64() >> (8 * w.random.IntN(8)) << (8 * w.random.IntN(8))
}

func (t *Table) rowWordsAll() int {
	n := 0
	for _, c := range t.cols {
		n += c.rowWords
	}
	return n
}

// step does one random thing.
func (w *world) step() error {
	switch p := w.random.IntN(100); {
	case p < 40:
		w.fold()
	case p < 70:
		return w.commit()
	case p < 88:
		return w.save()
	case p < 92:
		w.table.Trim()
	case p < 95:
		return w.compare(w.table, w.live)
	case p < 97:
		return w.fromJournalAlone()
	default:
		return w.crash()
	}
	return nil
}

// commit seals, perhaps begins a checkpoint, folds on, and learns what became
// of the record.
func (w *world) commit() error {
	sealed := w.live.clone()
	if w.breaks == refreshOfLiveState {
		w.table.broken.beforeRefresh = w.fold
	}
	h := Header{Seq: w.seq + 1, From: int64(w.seq), To: int64(w.seq + 1)}
	out := w.table.Seal(h, w.seal)
	record := logged{seq: h.Seq}
	for _, p := range out.Parts {
		record.parts = append(record.parts, slices.Clone(p))
	}
	if w.saving == nil && w.table.DirtyCells() == 0 && w.chance(40) {
		w.saving = w.table.BeginCheckpoint()
		if w.breaks == imagesBeforeConfirm {
			w.disk.waiting = append(w.disk.waiting, w.saving.Next(w.random.IntN(5))...)
		}
	}
	if w.chance(60) {
		w.fold()
	}
	fate := w.random.IntN(100)
	if fate < 5 { // lost
		if w.breaks == cursorBeforeConfirm {
			w.lost = &out.Position
		}
		return w.crash()
	}
	w.journal = append(w.journal, record)
	w.committed, w.seq = sealed, h.Seq
	if fate < 10 { // committed, but nobody has told us
		return w.crash()
	}
	w.table.Confirm(h.Seq)
	if out.NewBase != 0 {
		w.base = out.NewBase
		w.stats[1]++
	}
	if w.breaks == trimToCycleStart {
		w.base = out.CycleStart
	}
	w.trim()
	return nil
}

// trim deletes what the journal no longer needs, never past the marker.
func (w *world) trim() {
	to := w.base
	if marker, ok := w.marker(); ok && w.breaks != trimPastMarker {
		to = min(to, marker.Seq+1)
	}
	for len(w.journal) > 1 && w.journal[0].seq < to {
		w.journal = w.journal[1:]
		w.stats[2]++
	}
}

func (w *world) marker() (Snapshot, bool) {
	if w.disk.marker == nil {
		return Snapshot{}, false
	}
	s, err := ParseSnapshot(w.disk.marker)
	if err != nil {
		panic(err)
	}
	return s, true
}

func (w *world) mark() {
	w.disk.marker, _ = w.saving.Snapshot().AppendBinary(nil)
}

// save moves the running checkpoint on.
func (w *world) save() error {
	c := w.saving
	if c == nil || c.Seq() > w.seq {
		return nil
	}
	if w.breaks == markerBeforePages {
		w.mark()
	}
	w.disk.waiting = append(w.disk.waiting, c.Next(1+w.random.IntN(6))...)
	switch {
	case w.chance(5):
		w.disk.settle(w.random)
		w.table.EndCheckpoint(c, Failed)
		w.saving = nil
	case c.Remaining() > 0:
	case w.breaks == dropBeforeFlush && w.chance(70):
		w.table.EndCheckpoint(c, Saved)
		w.saving = nil
		w.table.Trim()
		return w.compare(w.table, w.live)
	default:
		w.disk.flush()
		w.table.EndCheckpoint(c, Saved)
		if w.chance(90) {
			w.mark()
		}
		w.saving = nil
		w.stats[3]++
		if w.chance(20) {
			w.stale = w.disk.clone()
		}
	}
	return nil
}

// settle decides for each page not flushed whether the disk has it.
func (d *disk) settle(r *rand.Rand) {
	for _, im := range d.waiting {
		if r.IntN(2) == 0 {
			d.pages[im.ID] = im.Data
		}
	}
	d.waiting = nil
}

// crash throws the table away, does things to the disk, and recovers.
func (w *world) crash() error {
	w.stats[4]++
	w.disk.settle(w.random)
	w.saving = nil
	switch w.random.IntN(12) {
	case 0:
		w.disk = &disk{pages: map[PageID][]byte{}}
	case 1:
		w.disk = w.stale.clone()
	}
	return w.recover()
}

// recover brings the table to the committed record and compares.
func (w *world) recover() error {
	from := uint64(0)
	marker, local := w.marker()
	held := len(w.journal) == 0 || w.journal[0].seq <= marker.Seq+1
	if local && (held || w.breaks == trimPastMarker) {
		from = marker.Seq
		w.stats[5]++
	} else {
		local = false
		w.disk = &disk{pages: map[PageID][]byte{}} // a new incarnation
		w.stats[6]++
	}
	w.table = w.newTable()
	if local {
		if err := w.load(marker); err != nil {
			return err
		}
	}
	switch err := w.replay(w.table, from); {
	case errors.Is(err, errCrash):
		w.disk.settle(w.random)
		return w.recover()
	case err != nil:
		return fmt.Errorf("recover, local %v: %w", local, err)
	}
	if w.lost != nil && w.lost.CycleStart <= w.seq {
		w.table.commit.position, w.lost = *w.lost, nil
	}
	w.live = w.committed.clone()
	if err := w.compare(w.table, w.committed); err != nil {
		return fmt.Errorf("recovered, local %v: %w", local, err)
	}
	return nil
}

func (w *world) load(marker Snapshot) error {
	if err := w.table.Restore(marker); err != nil {
		return err
	}
	ids := slices.SortedFunc(maps.Keys(w.disk.pages), func(a, b PageID) int {
		return int(a.Column-b.Column)<<20 + int(a.Index) - int(b.Index)
	})
	n := 1 + w.random.IntN(4)
	work := make([][]Image, n)
	for _, id := range ids {
		im := Image{id, w.disk.pages[id]}
		if id.Column != NamesColumn {
			i := w.random.IntN(n)
			work[i] = append(work[i], im)
			continue
		}
		if err := w.table.LoadPage(im); err != nil {
			return err
		}
	}
	lanes, failed := w.table.Lanes(n), make([]error, n)
	atOnce(n+1, func(i int) {
		if i == n {
			w.table.IndexNames()
			return
		}
		for _, im := range work[i] {
			if failed[i] = lanes[i].LoadPage(im); failed[i] != nil {
				return
			}
		}
	})
	if err := errors.Join(failed...); err != nil {
		return err
	}
	return w.table.Join(lanes)
}

// atOnce is a Fork with goroutines.
func atOnce(n int, do func(i int)) {
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { do(i) })
	}
	wait.Wait()
}

// errCrash ends a replay that does not come to its end.
var errCrash = errors.New("crash")

// replay applies the journal after a record, some records at a time, on some
// lanes, and spills where memory does not hold it.
func (w *world) replay(t *Table, after uint64) error {
	var a Assembler
	var all []*Record
	for _, r := range w.journal {
		if r.seq <= after {
			continue
		}
		for _, p := range r.parts {
			record, err := a.Add(p)
			if err != nil {
				return err
			}
			if record != nil {
				all = append(all, record)
			}
		}
	}
	write := func(images []Image) error {
		w.stats[7]++
		w.disk.waiting = append(w.disk.waiting, images...)
		return nil
	}
	flush := func() error {
		if w.chance(5) {
			return errCrash
		}
		w.disk.flush()
		return nil
	}
	for len(all) > 0 {
		n := 1 + w.random.IntN(len(all))
		if err := t.ApplyAll(all[:n], 1+w.random.IntN(5), atOnce); err != nil {
			return err
		}
		all = all[n:]
		if err := t.Spill(write, flush); err != nil {
			return err
		}
	}
	return t.FinishReplay()
}

// fromJournalAlone is what a lost disk would come to.
func (w *world) fromJournalAlone() error {
	t := w.newTable()
	t.options = Options{TaskWords: 1}
	if err := w.replay(t, 0); err != nil {
		return fmt.Errorf("from journal alone: %w", err)
	}
	if err := w.compare(t, w.committed); err != nil {
		return fmt.Errorf("from journal alone: %w", err)
	}
	return nil
}

// compare says where table and model differ.
func (w *world) compare(t *Table, m model) error {
	if err := t.check(); err != nil {
		return err
	}
	if t.Task()[0] != m.task || t.Len() != len(m.devices) {
		return fmt.Errorf("task word %d, %d devices; want %d, %d", t.Task()[0], t.Len(), m.task, len(m.devices))
	}
	for name, want := range m.devices {
		s, ok := t.Lookup([]byte(name))
		if !ok || string(t.Name(s)) != name {
			return fmt.Errorf("%q is not found", name)
		}
		var got []uint64
		for col := range w.layout.Columns {
			got = append(got, t.Row(col, s)...)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("%q on slot %d at record %d: %x, want %x", name, s, t.Seq(), got, want)
		}
	}
	return nil
}

func (w *world) run(steps int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			if w.breaks == sound {
				panic(p)
			}
		}
	}()
	if err := w.recover(); err != nil {
		return err
	}
	for i := range steps {
		if err := w.step(); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	if err := w.fromJournalAlone(); err != nil {
		return err
	}
	return w.crash()
}
