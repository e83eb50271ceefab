package engine

// Pages that were written stay in memory until a checkpoint has saved them, however
// little of it there is. Where that is much of the task's share, as with windows of
// many panes and percentiles (hundreds of kilobytes a device), the next batch is
// sealed and saved at once; and where it is more than the share, no reading is folded
// until the checkpoint under way has ended.

// crowding is how much of a task's memory is taken by what is not saved.
type crowding int

const (
	roomy    crowding = iota
	crowded           // more than half: a checkpoint is due
	overfull          // more than all of it: folding waits for the checkpoint
)

func (r *runner) crowded() crowding {
	share := r.e.memoryShare()
	switch unsaved := r.table.UnsavedBytes(); {
	case share <= 0 || unsaved <= share/2:
		return roomy
	case unsaved <= share:
		return crowded
	default:
		return overfull
	}
}

const leastChunk = 8

// chunk is how many records to fold between two looks at everything else: as many
// as, each of another device, take a quarter of the task's memory, within bounds.
func (r *runner) chunk() int {
	share := r.e.memoryShare()
	if share <= 0 {
		return foldChunk
	}
	return int(min(foldChunk, max(leastChunk, share/4/int64(r.plan.Layout.RowBytes()))))
}
