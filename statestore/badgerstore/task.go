package badgerstore

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/weirstream/weir/statestore"
)

// Task is the local state of one partition. ReadPage may be called while
// another goroutine writes; otherwise one goroutine at a time uses it.
type Task struct {
	store     *Store
	partition int32

	mu          sync.Mutex // guards what follows
	known       bool       // incarnation and marker were read
	incarnation uint64     // 0: none yet
	lineage     [16]byte
	marker      *Marker
	batch       *badger.WriteBatch // since the last Flush; nil where nothing was written
	batched     int                // bytes of pages in it
}

var errNoIncarnation = errors.New("no incarnation has begun")

func (t *Task) key(kind byte) []byte {
	return binary.BigEndian.AppendUint32([]byte{kind}, uint32(t.partition))
}

func (t *Task) prefix(incarnation uint64) []byte {
	return binary.BigEndian.AppendUint64(t.key('p'), incarnation)
}

// batchBytes is how much of what was written may wait in memory to be handed to
// Badger.
const batchBytes = 16 << 20

const pageKeyBytes = 1 + 4 + 8 + 4 + 4

func pageKey(prefix []byte, id statestore.PageID) []byte {
	k := make([]byte, 0, pageKeyBytes)
	k = append(k, prefix...)
	k = binary.BigEndian.AppendUint32(k, uint32(id.Column-statestore.NamesColumn))
	return binary.BigEndian.AppendUint32(k, id.Index)
}

func (t *Task) wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s, local state of partition %d in %q: %w", verb, t.partition, t.store.dir, err)
}

// load reads the incarnation and the marker; t.mu is held.
func (t *Task) load() error {
	if t.known {
		return nil
	}
	err := t.store.db.View(func(txn *badger.Txn) error {
		value, err := get(txn, t.key('i'))
		if err != nil || value == nil {
			return err
		}
		if len(value) != 24 {
			return errMarker
		}
		t.incarnation, t.lineage = binary.BigEndian.Uint64(value), [16]byte(value[8:])
		value, err = get(txn, t.key('m'))
		if err != nil || value == nil {
			return err
		}
		m, err := parseMarker(value)
		if err != nil {
			return err
		}
		if m.Incarnation == t.incarnation && m.Lineage == t.lineage {
			t.marker = &m
		}
		return nil
	})
	t.known = err == nil
	return err
}

// get gives a copy of a value, nil where there is none.
func get(txn *badger.Txn, key []byte) ([]byte, error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return item.ValueCopy(nil)
}

// Marker gives the marker of the current incarnation; false where there is
// none, so that its pages are of no use.
func (t *Task) Marker() (Marker, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(); err != nil {
		return Marker{}, false, t.wrap("read marker", err)
	}
	if t.marker == nil {
		return Marker{}, false, nil
	}
	return *t.marker, true, nil
}

// Begin starts a new, empty incarnation. The old one's marker goes first: in
// no moment is there a marker whose pages are not all there. Its pages are left
// to DeleteOld.
func (t *Task) Begin(lineage [16]byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.discard()
	t.known, t.marker = true, nil
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return t.wrap("begin", err)
	}
	incarnation := max(binary.BigEndian.Uint64(random[:]), 1)
	err := t.store.db.Update(func(txn *badger.Txn) error { return txn.Delete(t.key('m')) })
	if err == nil {
		err = t.store.db.Update(func(txn *badger.Txn) error {
			value := binary.BigEndian.AppendUint64(nil, incarnation)
			return txn.Set(t.key('i'), append(value, lineage[:]...))
		})
	}
	if err != nil {
		t.incarnation = 0
		return t.wrap("begin", err)
	}
	t.incarnation, t.lineage = incarnation, lineage
	return nil
}

// DeleteOld deletes at most limit pages of former incarnations and says
// whether none is left.
func (t *Task) DeleteOld(limit int) (done bool, err error) {
	current, err := t.current()
	if err != nil && !errors.Is(err, errNoIncarnation) {
		return false, t.wrap("delete old pages", err)
	}
	var keys [][]byte
	err = t.store.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: t.key('p')})
		defer it.Close()
		for it.Rewind(); it.Valid() && len(keys) < limit; {
			key := it.Item().Key()
			if current != nil && bytes.HasPrefix(key, current) {
				it.Seek(append(bytes.Clone(current), bytes.Repeat([]byte{0xff}, 9)...))
				continue
			}
			keys = append(keys, it.Item().KeyCopy(nil))
			it.Next()
		}
		return nil
	})
	if err != nil {
		return false, t.wrap("list old pages", err)
	}
	batch := t.store.db.NewWriteBatch()
	defer batch.Cancel()
	for _, key := range keys {
		if err := batch.Delete(key); err != nil {
			return false, t.wrap("delete old pages", err)
		}
	}
	return len(keys) < limit, t.wrap("delete old pages", batch.Flush())
}

// current is the key prefix of the current incarnation's pages.
func (t *Task) current() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(); err != nil {
		return nil, err
	}
	if t.incarnation == 0 {
		return nil, errNoIncarnation
	}
	return t.prefix(t.incarnation), nil
}

// Load gives all pages of the current incarnation to fn, those of names first,
// and stops at its error. Image.Data is valid until fn returns.
func (t *Task) Load(fn func(statestore.Image) error) error {
	prefix, err := t.current()
	if err != nil {
		return t.wrap("load", err)
	}
	err = t.store.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix, PrefetchValues: true, PrefetchSize: 64})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			key := item.Key()
			if len(key) != pageKeyBytes {
				return fmt.Errorf("page key of %d bytes: %w", len(key), errMarker)
			}
			id := statestore.PageID{
				Column: int32(binary.BigEndian.Uint32(key[13:])) + statestore.NamesColumn,
				Index:  binary.BigEndian.Uint32(key[17:]),
			}
			err := item.Value(func(v []byte) error { return fn(statestore.Image{ID: id, Data: v}) })
			if err != nil {
				return err
			}
		}
		return nil
	})
	return t.wrap("load", err)
}

// ReadPage appends a page's image to dst; false: it was never written.
func (t *Task) ReadPage(id statestore.PageID, dst []byte) ([]byte, bool, error) {
	prefix, err := t.current()
	if err != nil {
		return dst, false, t.wrap("read page "+id.String(), err)
	}
	found := false
	err = t.store.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(pageKey(prefix, id))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		found = true
		return item.Value(func(v []byte) error {
			dst = append(dst, v...)
			return nil
		})
	})
	return dst, found && err == nil, t.wrap("read page "+id.String(), err)
}

// Write hands page images to the store, which owns them from then on. They may
// be lost until Flush has returned, in any choice and order. After an error
// the checkpoint has failed; what was written of it does no harm.
func (t *Task) Write(images []statestore.Image) error {
	prefix, err := t.current()
	if err == nil {
		err = t.store.checkSpace()
	}
	if err == nil {
		err = t.unseal()
	}
	if err != nil {
		return t.wrap("write pages", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.batch == nil {
		t.batch = t.store.db.NewWriteBatch()
	}
	for _, im := range images {
		if t.batched += len(im.Data); t.batched > batchBytes {
			// Badger counts values by their keys, and would hold a thousand of them.
			err := t.batch.Flush()
			t.batch, t.batched = t.store.db.NewWriteBatch(), len(im.Data)
			if err != nil {
				t.discard()
				return t.wrap("write pages", err)
			}
		}
		if err := t.batch.Set(pageKey(prefix, im.ID), im.Data); err != nil {
			t.discard()
			return t.wrap("write page "+im.ID.String(), err)
		}
	}
	return nil
}

// discard forgets what was written since the last Flush; t.mu is held.
func (t *Task) discard() {
	if t.batch != nil {
		t.batch.Cancel()
		t.batch, t.batched = nil, 0
	}
}

// Flush waits until all pages written can be read back and survive the death
// of the process.
func (t *Task) Flush() error {
	t.mu.Lock()
	batch := t.batch
	t.batch, t.batched = nil, 0
	t.mu.Unlock()
	if batch == nil {
		return nil
	}
	return t.wrap("flush pages", batch.Flush())
}

// Mark writes the marker of the current incarnation. All pages of the
// checkpoint must have been flushed; of those written since the last Flush it
// says so and marks nothing. A sealed marker waits for the disk.
func (t *Task) Mark(m Marker) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.load()
	switch {
	case err != nil:
	case t.incarnation == 0:
		err = errNoIncarnation
	case t.batch != nil:
		err = errors.New("pages are not flushed")
	case m.Lineage != t.lineage:
		err = fmt.Errorf("lineage %x is not that of the incarnation, %x", m.Lineage, t.lineage)
	}
	if err != nil {
		return t.wrap("mark", err)
	}
	m.Incarnation = t.incarnation
	if m.BootID == "" {
		m.BootID = t.store.options.BootID
	}
	return t.wrap("mark", t.put(m))
}

// put writes a marker; t.mu is held.
func (t *Task) put(m Marker) error {
	if m.Sealed {
		if err := t.store.db.Sync(); err != nil {
			return err
		}
	}
	value := m.append(nil)
	err := t.store.db.Update(func(txn *badger.Txn) error { return txn.Set(t.key('m'), value) })
	if err == nil && (m.Sealed || t.marker != nil && t.marker.Sealed) {
		err = t.store.db.Sync()
	}
	if err == nil {
		t.marker = &m
	}
	return err
}

// unseal takes the seal off before the first page is written after it: else a
// power loss would leave a sealed marker with torn pages.
func (t *Task) unseal() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.marker == nil || !t.marker.Sealed {
		return nil
	}
	m := *t.marker
	m.Sealed, m.BootID = false, t.store.options.BootID
	return t.put(m)
}
