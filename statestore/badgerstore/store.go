// Package badgerstore keeps the pages of tasks in Badger, one database a
// process. It is a cache of the journal: what it loses is read from there, so
// nothing waits for the disk but a sealed marker.
//
//	i partition                               the task's current incarnation and lineage
//	m partition                               its marker: the pages hold the state of record seq or later
//	p partition incarnation column page       a page image; names come first
//
// A page lies in the value log (checkpointing a million devices so takes 2 to 4
// CPU-seconds, and 12 to 22 with pages in the LSM tree), so RunGC has to be
// called now and then.
package badgerstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// ErrLocked is the error of Open where another process has the directory open.
var ErrLocked = errors.New("another process uses the state store")

// ErrDiskFull is the error of Open and Write where the disk has less than
// Options.MinFree left. Badger writes through memory maps, and a full disk
// kills the process (SIGBUS) there, so the store stops before.
var ErrDiskFull = errors.New("too little free disk space")

// ErrDamaged is the error of Open where the files are not as Badger has left
// them. They are worth nothing then.
var ErrDamaged = errors.New("the state store is damaged")

// Options of a Store. The zero value is good.
type Options struct {
	Logger *slog.Logger // nil: silent
	BootID string       // of the running system; stands in markers that have none
	// MinFree is the number of free bytes below which Open and Write refuse; 0
	// means 256 MiB, negative no check.
	MinFree int64
	// BallastBytes is the size of a file that is given up when the disk runs
	// full, so that what is in flight can end and the store can be opened
	// again; 0 means 64 MiB, negative none.
	BallastBytes int64
}

const (
	defaultMinFree = 256 << 20
	defaultBallast = 64 << 20

	// The value log learns that a page was overwritten only when the memtable
	// with its key is flushed and compacted, and a page's key takes some 100
	// bytes there: at 4 MiB and two level 0 tables the files grew to 34 times a
	// state of 16 MiB, at these values to 4.5 times. A small memtable is also
	// replayed quickly at reopening after a crash.
	memTableBytes = 512 << 10
	valueLogBytes = 32 << 20 // the unit of garbage collection
	pageThreshold = 1 << 10  // a longer value lies in the value log

	ballastName = "ballast"
)

// Store is one open database. Its methods may be called concurrently.
type Store struct {
	db      *badger.DB
	dir     string
	options Options

	mu    sync.Mutex
	tasks map[int32]*Task
}

// Open opens or creates the store in dir, which it makes.
func Open(dir string, o Options) (*Store, error) {
	if o.MinFree == 0 {
		o.MinFree = defaultMinFree
	}
	if o.BallastBytes == 0 {
		o.BallastBytes = defaultBallast
	}
	s := &Store{dir: dir, options: o, tasks: make(map[int32]*Task)}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open state store %q: %w", dir, err)
	}
	if err := s.checkSpace(); err != nil {
		return nil, fmt.Errorf("open state store %q: %w", dir, err)
	}
	opts := badger.DefaultOptions(dir).
		WithLogger(logger{o.Logger}).
		WithMetricsEnabled(false).
		WithSyncWrites(false).
		WithDetectConflicts(false).
		WithNumVersionsToKeep(1).
		WithValueThreshold(pageThreshold).
		WithMemTableSize(memTableBytes).
		WithNumMemtables(2).
		WithNumLevelZeroTables(1). // see memTableBytes
		WithNumCompactors(2).
		WithValueLogFileSize(valueLogBytes).
		WithCompression(options.None). // keys are few and pages bypass the tables
		// A key that cannot be found for a flipped bit would be a page missed
		// silently. Pages have checksums of their own. (With checks at every
		// read Badger panics where this mode returns an error.)
		WithChecksumVerificationMode(options.OnTableRead).
		WithBlockCacheSize(0)
	db, err := openBadger(opts)
	if err != nil {
		return nil, fmt.Errorf("open state store %q: %w", dir, err)
	}
	s.db = db
	if err := s.fillBallast(); err != nil {
		return nil, errors.Join(fmt.Errorf("open state store %q: %w", dir, err), db.Close())
	}
	return s, nil
}

// openBadger opens the database and says what an error means. Over damaged files
// Badger also panics, and faults where a map is longer than its file.
func openBadger(opts badger.Options) (db *badger.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			db, err = nil, fmt.Errorf("%w: %v", ErrDamaged, v)
		}
	}()
	db, err = badger.Open(opts)
	switch {
	case err == nil:
		return db, nil
	case strings.Contains(err.Error(), "directory lock"):
		return nil, fmt.Errorf("%w: %w", ErrLocked, err)
	case ofTheSystem(err):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
}

// ofTheSystem reports whether an error says nothing about the files. Badger keeps
// only the text of some errors.
func ofTheSystem(err error) bool {
	for _, e := range []syscall.Errno{
		syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOSPC, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO,
	} {
		if errors.Is(err, e) || strings.Contains(err.Error(), e.Error()) {
			return true
		}
	}
	return false
}

// Close writes everything to disk and closes the store. No task may be used
// any more.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close state store %q: %w", s.dir, err)
	}
	return nil
}

// Sync waits until everything written is safe from power loss.
func (s *Store) Sync() error {
	if err := s.db.Sync(); err != nil {
		return fmt.Errorf("sync state store %q: %w", s.dir, err)
	}
	return nil
}

// RunGC makes one round of garbage collection and says whether it rewrote a
// file of the value log, so that another round may be worth it.
func (s *Store) RunGC() (bool, error) {
	err := s.db.RunValueLogGC(0.5)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, badger.ErrNoRewrite), errors.Is(err, badger.ErrRejected):
		return false, nil
	}
	return false, fmt.Errorf("collect garbage of state store %q: %w", s.dir, err)
}

// Size is the number of bytes the store's files take on the disk. The files
// Badger has mapped for writing are sparse; what counts is what is allocated.
func (s *Store) Size() (int64, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, fmt.Errorf("size of state store %q: %w", s.dir, err)
	}
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) || e.Name() == ballastName {
			continue // a file may be compacted away meanwhile
		}
		if err != nil {
			return 0, fmt.Errorf("size of state store %q: %w", s.dir, err)
		}
		total += allocatedBytes(info)
	}
	return total, nil
}

// Tasks lists the partitions the store has state of, ascending.
func (s *Store) Tasks() ([]int32, error) {
	var out []int32
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{'i'}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if key := it.Item().Key(); len(key) == 5 {
				out = append(out, int32(binary.BigEndian.Uint32(key[1:])))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list tasks of state store %q: %w", s.dir, err)
	}
	return out, nil
}

// Task is the state of a partition; the same Task for the same partition.
func (s *Store) Task(partition int32) *Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[partition]
	if t == nil {
		t = &Task{store: s, partition: partition}
		s.tasks[partition] = t
	}
	return t
}

func (s *Store) ballast() string { return filepath.Join(s.dir, ballastName) }

// checkSpace gives the ballast up where the disk is nearly full and ErrDiskFull
// where that was not enough.
func (s *Store) checkSpace() error {
	if s.options.MinFree < 0 {
		return nil
	}
	free, err := freeBytes(s.dir)
	if err != nil || free >= s.options.MinFree {
		return err
	}
	if err := os.Remove(s.ballast()); err == nil {
		if free, err = freeBytes(s.dir); err != nil || free >= s.options.MinFree {
			return err
		}
	}
	return fmt.Errorf("%w: %d MiB free in %q, at least %d wanted", ErrDiskFull, free>>20, s.dir, s.options.MinFree>>20)
}

// fillBallast makes the ballast where there is room. It is written out: a
// sparse file would hold no space.
func (s *Store) fillBallast() error {
	if s.options.BallastBytes < 0 {
		return nil
	}
	if info, err := os.Stat(s.ballast()); err == nil && info.Size() == s.options.BallastBytes {
		return nil
	}
	free, err := freeBytes(s.dir)
	if err != nil || free-s.options.BallastBytes < 2*max(s.options.MinFree, 0) {
		return err
	}
	f, err := os.Create(s.ballast())
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for left := s.options.BallastBytes; left > 0 && err == nil; left -= int64(len(block)) {
		_, err = f.Write(block[:min(left, int64(len(block)))])
	}
	return errors.Join(err, f.Close())
}

// logger passes Badger's messages on. What Badger calls information is detail
// to us.
type logger struct{ to *slog.Logger }

func (l logger) say(level slog.Level, format string, args []any) {
	if l.to != nil {
		l.to.Log(context.Background(), level, "badger: "+strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

func (l logger) Errorf(f string, a ...any)   { l.say(slog.LevelError, f, a) }
func (l logger) Warningf(f string, a ...any) { l.say(slog.LevelWarn, f, a) }
func (l logger) Infof(f string, a ...any)    { l.say(slog.LevelDebug, f, a) }
func (l logger) Debugf(f string, a ...any)   { l.say(slog.LevelDebug, f, a) }
