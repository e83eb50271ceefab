package task

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// grouping is what a plan has to do with windows over several devices. The
// device plan gathers their parts and sends them as partials; the group plan puts
// them together.
type grouping struct {
	whole   *configs.Pipeline // the file's pipeline, of which the plan's is a part
	grouped bool              // this is the group plan
	// partials are the windows whose parts the devices of a device plan gather.
	partials []partial
	// counted are the count windows over several devices, to which readings are sent
	// one by one.
	counted []address
	step    event.Time // how far a watermark has to move to be sent
	// patience is how far behind the foremost device of its partition a device that
	// speaks is waited for: one with a wrong clock, or a clock that stands still, must
	// not hold up its group for good. A device whose clock is right is never so far.
	patience event.Time
	// inlets are where the partials of a group plan's windows go, by window.
	inlets []inlet
}

// address is where the partials of a window over several devices go.
type address struct {
	window *configs.Window
	name   []byte // of the window
	shape  uint64
	label  int // index of the label of the roster that names its groups; -1: the whole fleet
}

// partial is a window over several devices, as one device has it: a ring of its
// panes that hold what has not been sent yet.
type partial struct {
	*window.Ring
	address
	col      int
	onChange bool // each reading is sent at once
}

// Compile turns a validated pipeline into a plan of everything that is kept for
// each device; of windows over several devices those are the parts of each.
func Compile(p *configs.Pipeline) (*Plan, error) {
	return compile(p.DevicePart(), grouping{whole: p})
}

// CompileGroups turns a validated pipeline into a plan of its windows over
// several devices, whose readings are partials. Where the pipeline has no such
// windows the plan is Vacant.
func CompileGroups(p *configs.Pipeline) (*Plan, error) {
	return compile(p.GroupTasks(), grouping{whole: p, grouped: true})
}

// GroupOptions are what a task needs for windows over several devices.
type GroupOptions struct {
	// Partitions is how many the source has: of readings, or of partials, which has
	// as many.
	Partitions int32
	// GroupPartition is where the partials of a group go; not nil where the plan
	// sends any.
	GroupPartition func(group []byte) int32
}

// Groups reports whether this is the plan of the windows over several devices.
func (c *Plan) Groups() bool { return c.grouped }

// Vacant reports whether this is a plan of groups of which no window is left. Its
// tasks end what former files had open of groups, forget the groups, and put aside
// what still comes for them.
func (c *Plan) Vacant() bool { return c.grouped && len(c.inlets) == 0 }

// DeviceSource is the topic of the readings, also of the plan of the windows over
// several devices.
func (c *Plan) DeviceSource() string { return c.whole.Source.Topic }

// SendsPartials reports whether tasks of the plan send partials.
func (c *Plan) SendsPartials() bool { return len(c.partials)+len(c.counted) > 0 }

// planGrouping gives a device plan its panes of windows over several devices, and
// a group plan the inlets of what it is to get.
func (c *Plan) planGrouping() error {
	if c.grouped {
		return c.planInlets()
	}
	for i := range c.whole.Windows {
		w := &c.whole.Windows[i]
		if !w.Grouped() {
			continue
		}
		to := address{window: w, name: []byte(w.Name), shape: shapeOf(w), label: c.label(w.GroupLabel())}
		m := &c.metrics[w.MetricIndex]
		if w.Kind == configs.Count {
			m.counted = append(m.counted, len(c.counted))
			c.counted = append(c.counted, to)
			continue
		}
		spec := paneSpec(w)
		rings, _, err := window.PlanRings([]window.Spec{spec}, window.Time{
			WaitForLate: c.wait, MaxFutureSkew: c.skew, Backfill: c.whole.Time.AllowBackfill,
		})
		if err != nil {
			return fmt.Errorf("plan parts of window %q: %w", w.Name, err)
		}
		name := fmt.Sprintf("partials %s %s by %s/%d of %d+%d %v/%s", w.Metric, w.Name, w.By, spec.Size, max(w.Size, w.Gap), spec.Offset, w.Location, strings.Join(w.Compute, ","))
		m.partials = append(m.partials, len(c.partials))
		c.partials = append(c.partials, partial{
			Ring: rings[0], address: to, col: c.column(name, rings[0].Cells(), rings[0].Words()), onChange: w.Emit.On == "change",
		})
	}
	c.step, c.patience = c.markStep(), max(hour, c.idleAfter+c.wait)
	return nil
}

// paneSpec is the window that each device keeps for a window over several: one
// pane long, so that it can be told from its times when a pane has ended.
func paneSpec(w *configs.Window) window.Spec {
	pane := w.GroupPane()
	spec := window.Spec{
		Name: w.Name, Size: pane, Every: pane, Offset: w.Offset, Location: w.Location, Compute: w.Compute, Whole: max(w.Size, w.Gap),
		Times: w.Kind == configs.Session,
	}
	if w.Location == nil {
		spec.Offset %= pane
	}
	return spec
}

// shapeOf tells partials of a window from those of a former one of its name.
func shapeOf(w *configs.Window) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s/%d/%d/%d/%v/%s", w.Metric, w.By, w.GroupPane(), w.Size, w.Offset, w.Location, strings.Join(w.Compute, ","))
	switch w.Kind {
	case configs.Session:
		fmt.Fprintf(h, "/session %d", w.Gap)
	case configs.Count:
		h.Write([]byte("/count"))
	}
	return h.Sum64()
}

// partialsTopic is the output topic of partials, behind the aggregate topics.
func (c *Plan) partialsTopic() Topic { return FirstAggregateTopic + Topic(len(c.AggregateTopics)) }

// IsPartials reports whether an output topic is that of partials.
func (c *Plan) IsPartials(t Topic) bool { return c.SendsPartials() && t == c.partialsTopic() }

// markStep is how far a watermark has to move before it is sent: a second, or
// a tenth of the shortest pane where that is longer.
func (c *Plan) markStep() event.Time {
	pane := event.Never
	for i := range c.partials {
		pane = min(pane, c.partials[i].window.GroupPane())
	}
	if pane == event.Never {
		return leastStep
	}
	return max(leastStep, pane/10)
}

const leastStep = 1_000
