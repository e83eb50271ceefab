package task

import (
	"fmt"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// following is a window that follows the newest reading of a series: it speaks
// at every change and never closes.
type following interface {
	// Cells and Words are the shape of its row.
	Cells() int
	Words() int
	// Insert takes in a reading and reports whether that changed anything.
	Insert(row window.Row, t event.Time, v float64) (changed bool)
	// Result is what it says now; false where that is nothing yet.
	Result(words []uint64) (window.Result, bool)
}

// follower is a count or a rolling window of the pipeline.
type follower struct {
	following
	col    int
	window int
	rules  []ruleInput
	gate   *gate       // before them; nil: they are few
	inputs []ruleInput // rules on expressions that name it
}

// follows reports whether windows of a kind follow the newest reading.
func follows(k configs.Kind) bool { return k == configs.Count || k == configs.Rolling }

// planFollower gives a count or rolling window a column of its own.
func (c *Plan) planFollower(i int) error {
	w := c.Pipeline.Windows[i]
	m := &c.metrics[w.MetricIndex]
	var f following
	var column string
	var err error
	if w.Kind == configs.Rolling {
		f, err = window.NewRolling(window.RollingSpec{Name: w.Name, Size: w.Size, Resolution: w.Every, Compute: w.Compute})
		column = rollingColumn(m.name, &w)
	} else {
		f, err = window.NewCount(window.CountSpec{Name: w.Name, N: w.Count, Compute: w.Compute})
		column = fmt.Sprintf("count %s %s/%d%s", m.name, w.Name, w.Count, byName(&w))
	}
	if err != nil {
		return fmt.Errorf("plan window %q: %w", w.Name, err)
	}
	m.followers = append(m.followers, len(c.followers))
	c.followers = append(c.followers, follower{following: f, col: c.column(column, f.Cells(), f.Words()), window: i})
	return nil
}

// insert folds a reading into a window that follows the newest one. What it says
// is as of its newest reading, in whatever order they come.
func (t *Task) insert(f *follower, at event.Time, v float64) {
	t.row.col, t.row.slot = f.col, t.slot
	if !f.Insert(&t.row, at, v) {
		return
	}
	result, speaks := f.Result(t.row.Words())
	if !speaks {
		return
	}
	t.table.Task()[wordWindows]++
	w := &t.plan.Pipeline.Windows[f.window]
	awake := t.gate(f.gate)
	for i, in := range f.rules {
		if v := result.Values[in.result]; !f.gate.shut(awake, i, v) {
			t.evaluate(in.rule, alerts.Sample{Time: result.End - 1, Value: v}, &windowRef{w.Name, result.Start, result.End})
		}
	}
	t.bring(f.inputs, &result, result.End-1)
	if e := &t.plan.emits[f.window]; e.ok {
		t.aggregate(e, &result, false)
	}
}
