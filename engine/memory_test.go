package engine

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/weirstream/weir/statestore"
)

// memoryStore is a local store that lives as long as the test: what was written
// survives a "crash" of an engine, as it would on a disk.
type memoryStore struct {
	mu    sync.Mutex
	tasks map[int32]*memoryTask
}

func newMemoryStore() *memoryStore { return &memoryStore{tasks: map[int32]*memoryTask{}} }

// Task implements Store.
func (s *memoryStore) Task(p int32) LocalTask {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tasks[p] == nil {
		s.tasks[p] = &memoryTask{pages: map[statestore.PageID][]byte{}}
	}
	return s.tasks[p]
}

// copy is a stale copy of the disk.
func (s *memoryStore) copy() *memoryStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := newMemoryStore()
	for p, t := range s.tasks {
		t.mu.Lock()
		c.tasks[p] = &memoryTask{pages: maps.Clone(t.pages), marker: t.marker, marked: t.marked}
		t.mu.Unlock()
	}
	return c
}

type memoryTask struct {
	mu     sync.Mutex
	pages  map[statestore.PageID][]byte
	marker Marker
	marked bool
	broken error // returned by every write
	loose  bool  // written since the last flush
	loads  int
	reads  atomic.Int64
}

func (t *memoryTask) ReadPage(id statestore.PageID, dst []byte) ([]byte, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reads.Add(1)
	b, ok := t.pages[id]
	return append(dst, b...), ok, nil
}

func (t *memoryTask) Marker() (Marker, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.marker, t.marked, nil
}

func (t *memoryTask) Begin([16]byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.marked, t.loose, t.pages = false, false, map[statestore.PageID][]byte{}
	return t.broken
}

func (t *memoryTask) Load(fn func(statestore.Image) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.loads++
	ids := slices.SortedFunc(maps.Keys(t.pages), func(a, b statestore.PageID) int {
		if a.Column != b.Column {
			return int(a.Column) - int(b.Column)
		}
		return int(a.Index) - int(b.Index)
	})
	for _, id := range ids {
		if err := fn(statestore.Image{ID: id, Data: t.pages[id]}); err != nil {
			return err
		}
	}
	return nil
}

func (t *memoryTask) Write(images []statestore.Image) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, im := range images {
		t.pages[im.ID] = im.Data
		t.loose = true
	}
	return t.broken
}

func (t *memoryTask) Flush() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.loose = false
	return nil
}

// breaks makes every write fail from now on, or none.
func (t *memoryTask) breaks(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken = err
}

func (t *memoryTask) Mark(m Marker) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.loose {
		return errors.New("marker before its pages are flushed")
	}
	t.marker, t.marked = m, true
	return t.broken
}

func (t *memoryTask) DeleteOld(int) (bool, error) { return true, nil }
