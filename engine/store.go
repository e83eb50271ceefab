package engine

import "github.com/weirstream/weir/statestore"

// Store keeps the local copies of the tasks' state.
type Store interface {
	// Task returns the part of the store that belongs to a partition.
	Task(partition int32) LocalTask
}

// Marker says what a local copy is worth: its pages hold the state of journal
// record Seq, or of a later one of the same lineage.
type Marker struct {
	Lineage  [16]byte
	Seq      uint64
	BootID   string // the pages are safe from a killed process while this boot lasts
	Sealed   bool   // they are on the disk: safe from power loss too
	Snapshot []byte // what recovery starts from, opaque to the store
}

// LocalTask is the local copy of one task's state: pages and the marker that
// says what they are worth. Its methods are called by one goroutine at a time,
// but for ReadPage, which may run beside Write.
type LocalTask interface {
	statestore.Pager
	// Marker returns the marker of the current copy; false where there is none.
	Marker() (Marker, bool, error)
	// Begin starts an empty copy under a new incarnation. The old copy's marker
	// goes first.
	Begin(lineage [16]byte) error
	// Load hands over every page of the current copy, pages of names first.
	Load(fn func(statestore.Image) error) error
	// Write stores images; a crash may leave any part of them.
	Write(images []statestore.Image) error
	// Flush returns when all that was written would survive a killed process.
	Flush() error
	// Mark replaces the marker, in a transaction of its own.
	Mark(m Marker) error
	// DeleteOld removes at most limit pages of earlier incarnations.
	DeleteOld(limit int) (done bool, err error)
}
