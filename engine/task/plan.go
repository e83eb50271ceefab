package task

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
	"github.com/weirstream/weir/statestore"
)

// Plan is a pipeline compiled for folding: which columns of state a device has,
// and what each declared metric feeds. One plan serves all tasks of the pipeline;
// its windows hold scratch, so each task compiles its own, and Describe is for
// one goroutine at a time.
type Plan struct {
	Pipeline *configs.Pipeline
	// Layout of a device's state. A change of it means that old state cannot be read.
	Layout statestore.Layout
	// AggregateTopics are the distinct topics that windows are emitted to.
	// Output topic FirstAggregateTopic+i is AggregateTopics[i].
	AggregateTopics []string
	emits           []emit // by window
	// Wide is set where all metrics of one message share its sequence number.
	Wide bool

	dedupe    operators.Dedupe
	byDedupe  bool
	dedupeCol int
	rings     []ring
	sessions  []session
	followers []follower
	rules     []rule
	metrics   []metric
	expressions
	lastCol   int
	idleAfter event.Time
	forget    event.Time
	skew      event.Time
	wait      event.Time
	grouping

	// Repeats told by device, metric and time: dedupeCol then has the cells of a series for each metric.
	byTime     bool
	dedupeTime operators.DedupeTime
	// resetAfter is how long a device may be late before its clock restarts; 0: for ever.
	resetAfter event.Time
	timing
}

// Head columns and words: one row of them a device.
const (
	headCol = 0

	headClock    = 0 // the device's event clock
	headSeen     = 1 // task's clock at its last reading, or the append time where that is later
	headDue      = 2 // when the next of its windows closes; event.Never where none will. 0: unknown
	headFlags    = 3
	headLate     = 4 // append time + 1 of the first late reading since the last processed one; 0: none
	headResets   = 5 // how often its clock was restarted
	headWords    = 6
	flagIdle     = 1 // its open windows have been emitted provisionally since its last reading
	dedupeWords  = 8
	lastWords    = 2 // time+1, value
	maxRuleWords = 32
)

// metric says what the readings of one declared metric feed.
type metric struct {
	name      string
	rings     []int
	sessions  []int
	followers []int
	partials  []int // windows over several devices, whose parts each device gathers
	counted   []int // count windows over several devices
	rules     []int // rules on its last value
	gate      *gate // before them; nil: they are few
	last      int   // cell in the column of last values; -1: no rule looks at it
	derived   []int // metrics made from it, as indexes into those derived
	used      bool  // something of all that; not: it is there for expressions to name only

	inputs []ruleInput // rules on expressions that name it
}

type ring struct {
	*window.Ring
	outlet
}

// outlet is what the callbacks of windows that close know of a ring or a session
// window.
type outlet struct {
	col      int
	metric   int
	windows  []int // window index in the ring -> index in Pipeline.Windows
	rules    [][]ruleInput
	outcomes []int         // by window: what is kept of what its rules found is less than this
	gates    []*gate       // by window, before its rules; nil: they are few
	onChange bool          // some window of it is emitted at every reading
	inputs   [][]ruleInput // as rules, those on expressions; nil: there are none
	live     [][]ruleInput // as rules, those of either kind that look at every reading
	lively   bool          // there are some
}

// ruleInput binds a rule to one of the results of a window. input is 0 where the rule
// looks at that alone, else 1 + which of the inputs of its expression it is.
type ruleInput struct{ rule, result, input int }

type rule struct {
	*alerts.Rule
	col  int
	spec *configs.Rule
	rank int // in the plan of a task, from 1; 0: the rule is gone

	formula *formula // nil: the rule looks at one thing alone

	own      []ownLevel  // by level; nil: no threshold is a label
	fitted   alerts.Rule // with the thresholds of one device
	fittedTo int         // row of that device in the roster, -1 for one that has none
	gate     *gate       // it stands behind; nil: none
	place    int         // there
	manner
	learned
}

// compile makes a plan of one part of a pipeline.
func compile(p *configs.Pipeline, g grouping) (*Plan, error) {
	c := &Plan{
		Pipeline: p, Wide: len(p.Source.Reading.Metrics) > 0,
		byDedupe:  p.Dedupe.By == "seq",
		dedupe:    operators.Dedupe{Remember: p.Dedupe.Remember},
		idleAfter: p.Time.IdleAfter, forget: p.State.ForgetAfter,
		skew: p.Time.MaxFutureSkew, wait: p.Time.WaitForLate,
		dedupeCol: -1, lastCol: -1,
		resetAfter: p.Time.ResetClockAfter,
	}
	c.grouping = g
	c.planHead()
	for _, name := range p.Metrics {
		c.metrics = append(c.metrics, metric{name: name, last: -1})
	}
	if c.byDedupe {
		name, cells := ofMetrics(repeatsBySeq, p.Metrics), len(c.metrics)
		if c.Wide {
			name, cells = wideRepeats, 1
		}
		c.dedupeCol = c.column(name, cells, dedupeWords)
	}
	if p.Dedupe.By == "time" {
		c.byTime, c.dedupeTime = true, operators.DedupeTime{Remember: p.Dedupe.Remember}
		c.dedupeCol = c.column(ofMetrics(repeatsByTime, p.Metrics), len(c.metrics)*operators.DedupeTimeCells, operators.DedupeWords)
	}
	if err := c.planWindows(); err != nil {
		return nil, err
	}
	if err := c.planGrouping(); err != nil {
		return nil, err
	}
	c.planEmits()
	if err := c.planRules(); err != nil {
		return nil, err
	}
	if err := c.planExpressions(); err != nil {
		return nil, err
	}
	c.planRemarks()
	if err := c.Layout.Validate(); err != nil {
		return nil, fmt.Errorf("the state of a device, of which every pane, session and counted reading is a cell: %w: use fewer windows, or shorter ones", err)
	}
	return c, nil
}

// own is the plan with windows of its own: they hold scratch, and tasks run at
// the same time.
func (c *Plan) own() *Plan {
	o, err := compile(c.Pipeline, grouping{whole: c.whole, grouped: c.grouped})
	if err != nil {
		panic(fmt.Sprintf("task: pipeline %q compiled once and does not again: %v", c.Pipeline.Name, err))
	}
	return o
}

func (c *Plan) column(name string, cells, words int) int {
	c.Layout.Columns = append(c.Layout.Columns, statestore.Column{Name: name, Cells: cells, Words: words})
	return len(c.Layout.Columns) - 1
}

// planWindows gives the time windows of each metric their rings of panes, and
// each count and rolling window a column of its own.
func (c *Plan) planWindows() error {
	p := c.Pipeline
	for m := range c.metrics {
		var specs []window.Spec
		var indexes []int
		for i, w := range p.Windows {
			if w.MetricIndex != m {
				continue
			}
			if w.Emit.Topic != "" && !slices.Contains(c.AggregateTopics, w.Emit.Topic) {
				c.AggregateTopics = append(c.AggregateTopics, w.Emit.Topic)
			}
			if follows(w.Kind) {
				if err := c.planFollower(i); err != nil {
					return err
				}
				continue
			}
			if w.Kind == configs.Session {
				if err := c.planSession(i); err != nil {
					return err
				}
				continue
			}
			specs = append(specs, window.Spec{Name: w.Name, Size: w.Size, Every: w.Every, Offset: w.Offset, Location: w.Location, Compute: w.Compute, Parts: c.grouped})
			indexes = append(indexes, i)
		}
		if len(specs) == 0 {
			continue
		}
		rings, members, err := window.PlanRings(specs, window.Time{
			WaitForLate: c.wait, MaxFutureSkew: c.skew, Backfill: p.Time.AllowBackfill,
		})
		if err != nil {
			return fmt.Errorf("plan windows of metric %q: %w", c.metrics[m].name, err)
		}
		for i, r := range rings {
			c.addRing(r, m, indexes, members[i])
		}
	}
	return nil
}

func (c *Plan) addRing(r *window.Ring, m int, indexes, members []int) {
	added := ring{Ring: r, outlet: outlet{metric: m, rules: make([][]ruleInput, len(members)), outcomes: make([]int, len(members)), live: make([][]ruleInput, len(members))}}
	name := strings.Builder{}
	fmt.Fprintf(&name, "panes %s", c.metrics[m].name)
	for _, k := range members {
		w := c.Pipeline.Windows[indexes[k]]
		added.windows = append(added.windows, indexes[k])
		added.onChange = added.onChange || w.Emit.On == "change"
		fmt.Fprintf(&name, " %s/%d/%d%s/%s%s", w.Name, w.Size, w.Every, placement(&w), strings.Join(w.Compute, ","), byName(&w))
	}
	added.col = c.column(name.String(), r.Cells(), r.Words())
	c.metrics[m].rings = append(c.metrics[m].rings, len(c.rings))
	c.rings = append(c.rings, added)
}

// planRules binds each rule to the results it looks at.
func (c *Plan) planRules() error {
	var lasts []string // metrics
	for i := range c.Pipeline.Rules {
		spec := &c.Pipeline.Rules[i]
		if spec.NoData != nil {
			if err := c.planAbsence(spec); err != nil {
				return err
			}
			continue
		}
		if spec.Anomaly != nil {
			if err := c.planAnomaly(spec); err != nil {
				return err
			}
			if lasts = c.bindMetric(i, spec, lasts); spec.When.Window < 0 {
				continue
			}
			if err := c.bindRule(ruleInput{rule: i}, spec.When, spec); err != nil {
				return err
			}
			continue
		}
		levels := make([]alerts.Level, len(spec.Levels))
		for k, l := range spec.Levels {
			levels[k] = alerts.Level{Name: l.Name, Above: l.Above, Below: l.Below, ClearBelow: l.ClearBelow, ClearAbove: l.ClearAbove, Hold: l.Hold, PerDevice: perDevice(&l)}
		}
		machine, err := alerts.Compile(alerts.Spec{Name: spec.Name, Levels: levels, IdleAfter: c.hole(spec), OnGap: onGap(spec), KeepFiring: spec.KeepFiring})
		if err != nil {
			return fmt.Errorf("compile rule %q: %w", spec.Name, err)
		}
		if machine.Words() > maxRuleWords {
			return fmt.Errorf("compile rule %q: needs %d words of state, more than %d: use fewer levels", spec.Name, machine.Words(), maxRuleWords)
		}
		col := c.column(c.ruleName(spec), 1, machine.Words())
		c.rules = append(c.rules, rule{Rule: machine, col: col, spec: spec, own: c.planOwn(spec), fittedTo: unfitted})
		c.planManner(&c.rules[i])
		if spec.Formula != nil {
			if err := c.planFormula(); err != nil {
				return err
			}
			continue
		}
		if lasts = c.bindMetric(i, spec, lasts); spec.When.Window < 0 {
			continue
		}
		if err := c.bindRule(ruleInput{rule: i}, spec.When, spec); err != nil {
			return err
		}
	}
	if len(lasts) > 0 {
		c.lastCol = c.column(ofMetrics(lastValues, lasts), len(lasts), lastWords)
	}
	c.planGates()
	return nil
}

// bindMetric has a rule look at the last value of a metric, where that is what it
// looks at, and returns the metrics that have last values with it.
func (c *Plan) bindMetric(i int, spec *configs.Rule, lasts []string) []string {
	if spec.When.Window >= 0 {
		return lasts
	}
	m := &c.metrics[spec.When.Metric]
	m.rules = append(m.rules, i)
	if m.last < 0 {
		m.last = len(lasts)
		lasts = append(lasts, m.name)
	}
	return lasts
}

// bindRule binds a rule to the result of a window that it looks at.
func (c *Plan) bindRule(in ruleInput, look configs.When, spec *configs.Rule) error {
	w := c.Pipeline.Windows[look.Window]
	if in.result = slices.Index(w.Compute, look.Result); in.result < 0 {
		return fmt.Errorf("bind rule %q: window %q does not compute %q", spec.Name, w.Name, look.Result)
	}
	for k := range c.rings {
		if at := slices.Index(c.rings[k].windows, look.Window); at >= 0 {
			c.rings[k].outlet.bind(at, in, spec)
			return nil
		}
	}
	for k := range c.sessions {
		if c.sessions[k].windows[0] == look.Window {
			c.sessions[k].outlet.bind(0, in, spec)
			return nil
		}
	}
	for k := range c.followers {
		if c.followers[k].window == look.Window {
			if in.input > 0 {
				c.followers[k].inputs = append(c.followers[k].inputs, in)
				continue
			}
			c.followers[k].rules = append(c.followers[k].rules, in)
		}
	}
	return nil
}

// hole is the longest time between two samples of a rule that is not a hole in
// the data: a window speaks only once every so often.
func (c *Plan) hole(spec *configs.Rule) event.Time {
	return c.Pipeline.Hole(spec, distance)
}

// TopicName is the Kafka topic of an output.
func (c *Plan) TopicName(t Topic) string {
	switch t {
	case AlertsTopic:
		return c.Pipeline.Alerts.Topic
	case QuarantineTopic:
		return c.Pipeline.QuarantineTopic
	case c.partialsTopic():
		if c.SendsPartials() {
			return c.whole.PartialsTopic
		}
		return c.whole.CommandsTopic
	case c.partialsTopic() + 1:
		return c.whole.CommandsTopic
	default:
		return c.AggregateTopics[t-FirstAggregateTopic]
	}
}

// Topics is how many output topics the pipeline has.
func (c *Plan) Topics() int {
	n := int(FirstAggregateTopic) + len(c.AggregateTopics)
	if c.SendsPartials() {
		n++
	}
	if c.writesCommands() {
		n++
	}
	return n
}

// TaskWords is how many words of its own a task keeps in the state table.
func TaskWords() int { return taskWords }

// emit is where a window's results go, and what is the same in all of them.
type emit struct {
	topic  Topic
	ok     bool // not: nowhere
	head   []byte
	metric []byte
	fields [][]byte // in the order of Compute
}

// planEmits finds the output topic of each window.
func (c *Plan) planEmits() {
	c.emits = make([]emit, len(c.Pipeline.Windows))
	for i, w := range c.Pipeline.Windows {
		k := slices.Index(c.AggregateTopics, w.Emit.Topic)
		if w.Emit.Topic == "" || w.Emit.On == "never" || k < 0 {
			continue
		}
		e := emit{topic: FirstAggregateTopic + Topic(k), ok: true}
		e.head = appendString([]byte(`{"pipeline":`), c.Pipeline.Name)
		e.head = appendString(append(e.head, `,"window":`...), w.Name)
		e.head = append(e.head, c.subjectKey()...)
		e.metric = append(appendString(append(c.byField(&w), `,"metric":`...), w.Metric), `,"start":`...)
		for _, name := range w.Compute {
			e.fields = append(e.fields, append(appendString([]byte{','}, name), ':'))
		}
		c.emits[i] = e
	}
}
