package simulation

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/statestore"
)

var errDisk = errors.New("input/output error")

// disk is what a process's machine keeps of the local copies, with the promises
// of statestore/badgerstore and no others: what was written is lost by a dying
// process until it is flushed, what was flushed is lost by a power cut until it
// is sealed.
type disk struct {
	boot  string
	tasks map[int32]*localCopy
}

type localCopy struct {
	pages  map[statestore.PageID][]byte // flushed
	marker engine.Marker
	marked bool
}

func newDisk(boot string) *disk { return &disk{boot: boot, tasks: map[int32]*localCopy{}} }

func (d *disk) clone() *disk {
	n := newDisk(d.boot)
	for p, t := range d.tasks {
		n.tasks[p] = &localCopy{pages: maps.Clone(t.pages), marker: t.marker, marked: t.marked}
	}
	return n
}

// powerCut tears every copy that was not sealed.
func (d *disk) powerCut(boot string, rng *rand.Rand) {
	d.boot = boot
	for _, p := range slices.Sorted(maps.Keys(d.tasks)) {
		t := d.tasks[p]
		if t.marker.Sealed {
			continue
		}
		if rng.IntN(3) == 0 {
			t.marked = false
		}
		for _, id := range t.ids() {
			switch rng.IntN(4) {
			case 0:
				delete(t.pages, id)
			case 1:
				t.pages[id] = t.pages[id][:rng.IntN(len(t.pages[id])+1)]
			}
		}
	}
}

// ids are the pages in the order in which they are loaded: names first.
func (t *localCopy) ids() []statestore.PageID {
	return slices.SortedFunc(maps.Keys(t.pages), func(a, b statestore.PageID) int {
		if a.Column != b.Column {
			return int(a.Column) - int(b.Column)
		}
		return int(a.Index) - int(b.Index)
	})
}

// mount is a disk as one life of a process sees it. Detached, it stays as it is,
// whatever the process still tries.
type mount struct {
	mu     sync.Mutex
	disk   *disk
	dead   bool
	failed bool
	ops    int
	rng    *rand.Rand
	// trouble is asked before each operation that changes the disk.
	trouble func(op int) diskTrouble
	die     func(why string)
	pending map[int32][]statestore.Image
}

type diskTrouble int

const (
	diskWorks diskTrouble = iota
	diskFails             // this operation and all that follow
	diskLast              // the process dies in it
)

func newMount(d *disk, rng *rand.Rand) *mount {
	return &mount{disk: d, rng: rng, pending: map[int32][]statestore.Image{}}
}

// Task implements engine.Store.
func (m *mount) Task(p int32) engine.LocalTask { return &mountedTask{m, p} }

// detach leaves the disk as a killed process leaves it: of what was not flushed
// any part may be there.
func (m *mount) detach() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return
	}
	m.dead = true
	for _, p := range slices.Sorted(maps.Keys(m.pending)) {
		for _, im := range m.pending[p] {
			if m.rng.IntN(2) == 0 {
				m.copyOf(p).pages[im.ID] = im.Data
			}
		}
	}
	m.disk = m.disk.clone() // what the dying engine still reads
}

func (m *mount) copyOf(p int32) *localCopy {
	t := m.disk.tasks[p]
	if t == nil {
		t = &localCopy{pages: map[statestore.PageID][]byte{}}
		m.disk.tasks[p] = t
	}
	return t
}

// change runs an operation on the disk, if there still is one.
func (m *mount) change(op func() error) error {
	m.mu.Lock()
	if m.dead || m.failed {
		m.mu.Unlock()
		return errDisk
	}
	m.ops++
	trouble := m.trouble(m.ops)
	m.failed = trouble == diskFails
	var err error
	if m.failed {
		err = errDisk
	} else {
		err = op()
	}
	m.mu.Unlock()
	if trouble == diskLast {
		m.die("while it wrote to its disk")
		return errDisk
	}
	return err
}

// mountedTask implements engine.LocalTask.
type mountedTask struct {
	m *mount
	p int32
}

func (t *mountedTask) ReadPage(id statestore.PageID, dst []byte) ([]byte, bool, error) {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	b, ok := t.m.copyOf(t.p).pages[id]
	return append(dst, b...), ok, nil
}

func (t *mountedTask) Marker() (engine.Marker, bool, error) {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	c := t.m.copyOf(t.p)
	return c.marker, c.marked, nil
}

func (t *mountedTask) Begin([16]byte) error {
	return t.m.change(func() error {
		c := t.m.copyOf(t.p)
		c.marked, c.marker, c.pages = false, engine.Marker{}, map[statestore.PageID][]byte{}
		delete(t.m.pending, t.p)
		return nil
	})
}

func (t *mountedTask) Load(fn func(statestore.Image) error) error {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	c := t.m.copyOf(t.p)
	for _, id := range c.ids() {
		if err := fn(statestore.Image{ID: id, Data: c.pages[id]}); err != nil {
			return err
		}
	}
	return nil
}

func (t *mountedTask) Write(images []statestore.Image) error {
	return t.m.change(func() error {
		c := t.m.copyOf(t.p)
		if c.marker.Sealed {
			c.marker.Sealed, c.marker.BootID = false, t.m.disk.boot
		}
		t.m.pending[t.p] = append(t.m.pending[t.p], images...)
		return nil
	})
}

func (t *mountedTask) Flush() error {
	return t.m.change(func() error {
		c := t.m.copyOf(t.p)
		for _, im := range t.m.pending[t.p] {
			c.pages[im.ID] = im.Data
		}
		delete(t.m.pending, t.p)
		return nil
	})
}

func (t *mountedTask) Mark(m engine.Marker) error {
	return t.m.change(func() error {
		if len(t.m.pending[t.p]) > 0 {
			return errors.New("pages are not flushed")
		}
		c := t.m.copyOf(t.p)
		c.marker, c.marked = m, true
		return nil
	})
}

func (t *mountedTask) DeleteOld(int) (bool, error) { return true, nil }

// copy is a copy of the disk as it is now.
func (m *mount) copy() *disk {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.disk.clone()
}
