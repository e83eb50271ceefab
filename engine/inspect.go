package engine

import (
	"errors"
	"fmt"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/statestore"
)

// LocalCopy is a task's state as its local copy holds it: as of the last
// checkpoint, not of the last commit.
type LocalCopy struct {
	Seq      uint64
	Offset   int64 // source offset the copy stands at
	Sealed   bool
	Table    *statestore.Table
	Counters task.Counters
}

// ErrNoCopy says that the store holds nothing usable of a partition.
var ErrNoCopy = errors.New("no local state")

// OpenCopy reads a local copy, for looking only.
func OpenCopy(plan *task.Plan, local LocalTask) (LocalCopy, error) {
	m, ok, err := local.Marker()
	if err != nil {
		return LocalCopy{}, err
	}
	if !ok {
		return LocalCopy{}, ErrNoCopy
	}
	s, err := parseLocalSnapshot(m.Snapshot)
	if err != nil {
		return LocalCopy{}, err
	}
	if s.table.Layout != plan.Layout.Fingerprint() {
		return LocalCopy{}, fmt.Errorf("written by other windows or rules than this file has")
	}
	table, err := statestore.NewTable(plan.Layout, statestore.Options{Pager: local, TaskWords: task.TaskWords()})
	if err != nil {
		return LocalCopy{}, err
	}
	if err := table.Restore(s.table); err != nil {
		return LocalCopy{}, err
	}
	if err := local.Load(table.LoadPage); err != nil {
		return LocalCopy{}, err
	}
	if err := table.FinishReplay(); err != nil {
		return LocalCopy{}, err
	}
	return LocalCopy{Seq: m.Seq, Offset: s.table.To, Sealed: m.Sealed, Table: table, Counters: task.CountersOf(table.Task())}, nil
}
