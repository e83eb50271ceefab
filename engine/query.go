package engine

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/statestore"
)

// A running task is asked by handing it a function, which its goroutine calls between two chunks of readings: nobody else may look
// at its state, and nothing is locked for it. What is called must be done in well under a millisecond.

const (
	// askPatience is how long a task that is live may take to come to a question: it commits, saves and waits for the disk in between.
	askPatience = 5 * time.Second
	// namesPerLook is how many names of a state table one look goes through: some 0.1 ms.
	namesPerLook = 4_096
)

// What a question to an engine is answered with beside an answer.
var (
	// ErrNoDevice says that no device, or group, of that name is known where it would be.
	ErrNoDevice = errors.New("there is no such device")
	// ErrNotReady says that the task is not live, or that nobody knows yet whose it is: ask again.
	ErrNotReady = errors.New("not ready")
)

// ElsewhereError says that another process owns the partition that was asked for.
type ElsewhereError struct{ Place }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("partition %d is owned by instance %q on host %q", e.Partition, e.Instance, e.Host)
}

// errNotHere says that the process owns no task of the partition.
var errNotHere = errors.New("not owned by this process")

// DeviceAnswer is a device as a task has it: with all that was folded so far, whether it is committed or not.
type DeviceAnswer struct {
	Partition int32
	Offset    int64 // of the source: every record before it is folded
	task.DeviceState
}

// GroupAnswer is a group of windows over several devices as its task has it.
type GroupAnswer struct {
	Partition int32
	Offset    int64 // of the topic of partials
	task.GroupState
}

// Device asks the task that has a device for its state. Errors are ErrNoDevice, ErrNotReady, *ElsewhereError and those of the context.
func (e *Engine) Device(ctx context.Context, name string) (a DeviceAnswer, err error) {
	err = e.askFor(ctx, e.partitionOf(e.o.PartitionOf, name), func(r *runner) bool {
		d, ok := r.task.Device([]byte(name))
		a = DeviceAnswer{Partition: r.partition, Offset: r.position, DeviceState: d}
		return ok
	})
	return a, err
}

// GroupQuestion names a group, and says where groups go among n partitions, as Options.GroupPartition of the engine of the devices does.
type GroupQuestion struct {
	task.GroupName
	PartitionOf func(group []byte, n int) int
}

// Group asks the task that has a group for its state; it is for the engine of the groups. Errors are those of Device.
func (e *Engine) Group(ctx context.Context, q GroupQuestion) (a GroupAnswer, err error) {
	err = e.askFor(ctx, e.partitionOf(q.PartitionOf, q.GroupName.Group), func(r *runner) bool {
		g, ok := r.task.Group(q.GroupName)
		a = GroupAnswer{Partition: r.partition, Offset: r.position, GroupState: g}
		return ok
	})
	return a, err
}

// partitionOf is where a name belongs; none where nobody knows.
func (e *Engine) partitionOf(of func([]byte, int) int, name string) []int32 {
	d := e.directory.Load()
	if of == nil || d == nil {
		return nil
	}
	return []int32{int32(of([]byte(name), int(d.partitions)))}
}

// askFor asks the tasks of partitions, nil: all that are owned here, until one knows.
func (e *Engine) askFor(ctx context.Context, partitions []int32, know func(*runner) bool) error {
	d := e.directory.Load()
	if d == nil {
		return fmt.Errorf("the pipeline has not begun: %w", ErrNotReady)
	}
	if partitions == nil {
		partitions = e.owned()
	}
	for _, p := range partitions {
		found := false
		err := e.ask(ctx, p, func(r *runner) { found = know(r) })
		switch {
		case errors.Is(err, errNotHere):
			return d.elsewhere(ctx, p)
		case err != nil:
			return err
		case found:
			return nil
		}
	}
	return ErrNoDevice
}

// ask has the task of a partition call look.
func (e *Engine) ask(ctx context.Context, p int32, look func(*runner)) error {
	e.mu.Lock()
	h := e.runners[p]
	e.mu.Unlock()
	if h == nil {
		return errNotHere
	}
	if !h.live.Load() {
		return fmt.Errorf("the task of partition %d recovers: %w", p, ErrNotReady)
	}
	done := make(chan error, 1)
	patience := time.NewTimer(askPatience)
	defer patience.Stop()
	select {
	case h.questions <- func(r *runner) { done <- r.answer(look) }:
		return <-done
	case <-h.ended:
		return errNotHere
	case <-patience.C:
		return fmt.Errorf("the task of partition %d has no time: %w", p, ErrNotReady)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answer calls a look. A page that cannot be read is the task's end when a reading needs it, not when somebody looks; nor is a fault
// of the look, which writes nothing.
func (r *runner) answer(look func(*runner)) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if page, ok := v.(*statestore.PageError); ok {
				err = page
			} else {
				err = fmt.Errorf("look at the task of partition %d: %v", r.partition, v)
				r.log.Error("a question could not be answered; this is a fault of weir", "partition", r.partition, "panic", v, "stack", string(debug.Stack()))
			}
		}
		r.table.Trim() // looking may have read pages
	}()
	look(r)
	return nil
}

// NamesQuestion says which names to list.
type NamesQuestion struct {
	Prefix string
	Limit  int // at least 1
}

// Names are names of devices that live in tasks of this process.
type Names struct {
	Names []string // sorted by bytes
	More  bool     // there are others, or may be: a task could not be asked
}

// Devices lists devices of the tasks of this process that are live. A task is looked into some thousand names at a time.
func (e *Engine) Devices(ctx context.Context, q NamesQuestion) (Names, error) {
	prefix := []byte(q.Prefix)
	return e.names(ctx, q.Limit, func(name []byte) bool { return bytes.HasPrefix(name, prefix) })
}

// GroupsQuestion says which groups to list: By is empty for all.
type GroupsQuestion struct {
	NamesQuestion
	By string
}

// GroupNames are groups that live in tasks of this process.
type GroupNames struct {
	Groups []task.GroupName // sorted
	More   bool             // there are others
}

// Groups lists groups as Devices lists devices; it is for the engine of the groups.
func (e *Engine) Groups(ctx context.Context, q GroupsQuestion) (GroupNames, error) {
	n, err := e.names(ctx, q.Limit, func(name []byte) bool {
		of, ok := task.GroupOf(name)
		return ok && strings.HasPrefix(of.Group, q.Prefix) && (q.By == "" || of.By == q.By)
	})
	list := GroupNames{More: n.More}
	for _, name := range n.Names {
		of, _ := task.GroupOf([]byte(name))
		list.Groups = append(list.Groups, of)
	}
	return list, err
}

func (e *Engine) names(ctx context.Context, limit int, wanted func([]byte) bool) (Names, error) {
	least, left := leastNames{}, false
	page := make([][]byte, 0, namesPerLook)
	for _, p := range e.owned() {
		for at, more := statestore.Slot(0), true; more; {
			page = page[:0]
			err := e.ask(ctx, p, func(r *runner) {
				bound := r.table.Bound()
				for until := min(at+namesPerLook, bound); at < until; at++ {
					if r.table.Live(at) {
						page = append(page, r.table.Name(at)) // valid for good
					}
				}
				more = at < bound
			})
			if errors.Is(err, errNotHere) || errors.Is(err, ErrNotReady) {
				left = true // it has just gone, or is not live yet
				break
			}
			if err != nil {
				return Names{}, err
			}
			for _, name := range page {
				if wanted(name) {
					least.add(name, limit+1)
				}
			}
		}
	}
	n := least.names(limit)
	n.More = n.More || left
	return n, nil
}

// leastNames is a heap of the least names so far, the greatest first.
type leastNames [][]byte

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (l leastNames) Len() int           { return len(l) }
func (l leastNames) Less(i, j int) bool { return bytes.Compare(l[i], l[j]) > 0 }
func (l leastNames) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *leastNames) Push(v any)        { *l = append(*l, v.([]byte)) }
func (l *leastNames) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

func (l *leastNames) add(name []byte, most int) {
	if len(*l) < most {
		heap.Push(l, name)
		return
	}
	if bytes.Compare(name, (*l)[0]) < 0 {
		(*l)[0] = name
		heap.Fix(l, 0)
	}
}

func (l leastNames) names(limit int) Names {
	sorted := slices.SortedFunc(slices.Values(l), bytes.Compare)
	n := Names{Names: []string{}, More: len(sorted) > limit}
	for _, name := range sorted[:min(limit, len(sorted))] {
		n.Names = append(n.Names, string(name))
	}
	return n
}
