package configs

import "github.com/weirstream/weir/event"

// Scenarios are a validated file of rule tests. docs/TESTING_RULES.md describes it.
type Scenarios struct {
	Path     string    // of the pipeline file, as written: relative to the file of tests
	Pipeline *Pipeline // what ScenarioOptions.Load returned for it
	Tests    []Scenario
}

// Scenario is one test: what devices say, and what must follow. Spans count from
// Start.
type Scenario struct {
	Name    string
	Line    int      // of the file, from 1
	Devices []string // those that send Series, at least one where there are any
	Start   event.Time
	Every   event.Time // between two values of a series, 1 or more
	Series  []Series
	Rows    []ScenarioRow
	Steps   []ScenarioStep // by At
	End     event.Time     // nothing arrives later
	// Expect are the alert events of the rules that it names, all of them, in the order
	// of the file.
	Expect     []ExpectedAlert
	Aggregates []ExpectedAggregate
	// Readings are how many readings must be in some of the classes processed,
	// filtered, late, future, bad and duplicate, in this order; -1: not said.
	Readings [6]int64
	None     []string // rules that must say nothing
}

// Series is what each of the devices says of one metric. Value i is said at i times
// Scenario.Every.
type Series struct {
	Metric string
	Values []SeriesValue
}

// ScenarioRow is one reading.
type ScenarioRow struct {
	At      event.Time // its event time
	Arrives event.Time // its append time
	Device  string
	Metric  string
	Value   float64
	Seq     int64 // its sequence number; -1: none
}

// ExpectedAlert is an event of a rule that must be there.
type ExpectedAlert struct {
	At     event.Time // the field at of the alert
	Rule   string
	Device string   // or the group, of a rule on a window over several devices
	State  string   // pending, firing, recovering, resolved or ok
	Level  string   // empty: any
	Value  *float64 // nil: any
	Kind   string   // of an anomaly; empty: any
	ExpectedMarks
}

// ExpectedAggregate is a record of a window that must be there, among others.
type ExpectedAggregate struct {
	Window   string
	Device   string // or the group
	Start    event.Time
	Revision int64 // 0: any
	Final    *bool // nil: either
	Values   []ExpectedValue
}

// ExpectedValue is one of the results of a window.
type ExpectedValue struct {
	Result string
	Value  float64
}

// ScenarioOptions are the ways out of the file that ParseScenarios may use.
type ScenarioOptions struct {
	// Load reads and checks the pipeline at a path as written in the file.
	Load func(path string) (*Pipeline, error)
}

// ParseScenarios reads a file of rule tests as strictly as Parse reads a pipeline,
// against the pipeline that it names. It returns nil exactly where there are errors.
func ParseScenarios(name string, src []byte, o ScenarioOptions) (*Scenarios, Diagnostics) {
	d := &decoder{file: name, src: src, kind: testFile}
	tree := d.tree(src)
	if tree == nil {
		return nil, d.diags
	}
	doc := new(scenariosDoc)
	d.root(tree, doc)
	c := &scenarioChecker{decoder: d, doc: doc, all: &Scenarios{Path: doc.Pipeline.value}}
	c.check(o)
	d.diags.sort()
	if d.diags.HasErrors() {
		return nil, d.diags
	}
	return c.all, d.diags
}

// fileKind is what a decoder reads, for its messages.
type fileKind uint8

const (
	pipelineFile fileKind = iota
	testFile
)

func (k fileKind) String() string {
	if k == testFile {
		return "a file of tests"
	}
	return "a pipeline"
}

// empty is what is said of a file that holds nothing.
func (k fileKind) empty() string {
	if k == testFile {
		return "the file is empty; a file of tests needs pipeline and tests"
	}
	return "the file is empty; a pipeline needs at least name, kafka, source and windows or rules"
}

// shape is what is said of a file that is no mapping.
func (k fileKind) shape() string {
	if k == testFile {
		return "the file must be a mapping with the keys pipeline and tests"
	}
	return "the file must be a mapping of keys such as name, kafka, source, windows and rules"
}

// FormatSpan writes a span of 0 or more milliseconds as files have it, such as 1h30m.
func FormatSpan(t event.Time) string { return formatSpan(t) }
