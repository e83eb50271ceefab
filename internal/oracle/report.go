package oracle

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/event"
)

// The kinds of differences.
const (
	Missing      = "missing"      // an expected output is not there
	Unexpected   = "unexpected"   // an output that nothing explains
	Repeated     = "repeated"     // an output that is there more than once
	Order        = "order"        // an output behind a later one of its device
	Watermark    = "watermark"    // a watermark that says more, or less, than it may
	Value        = "value"        // an output whose content is not as expected
	ID           = "id"           // an alert whose id is not as expected
	Sequence     = "sequence"     // weir-seq is not gapless
	Conservation = "conservation" // readings are lost, or counted twice, between devices and groups
	Fact         = "fact"         // wall time entered where it must not have
	Roster       = "roster"       // a version of the roster is not at hand, or cannot be read
	Commands     = "commands"     // a version of the commands is not at hand, or what a task must have written among them is not there
	Journal      = "journal"      // the journal contradicts itself or the source
	Source       = "source"       // the source cannot be what the pipeline read, or is not folded to its end
	File         = "file"         // the state is of a file of the pipeline that is not at hand
	Open         = "open"         // a transaction that has not ended
)

// Difference is one thing that is not as it must be.
type Difference struct {
	Kind      string `json:"kind"`
	Device    string `json:"device,omitempty"`
	Group     string `json:"group,omitempty"` // of devices; then there is no Device
	Text      string `json:"text"`            // one line: what was expected and what was found
	Partition int32  `json:"partition"`
	Source    int64  `json:"source"` // the source offset of the cause; -1: unknown
	Topic     string `json:"topic,omitempty"`
	Output    int64  `json:"output"` // the offset in Topic; -1: not there, or unknown
}

// String is one line.
func (d Difference) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "partition %d: %s", d.Partition, d.Kind)
	if d.Topic != "" {
		fmt.Fprintf(&b, " in %s", d.Topic)
	}
	if d.Output >= 0 {
		fmt.Fprintf(&b, " at %d", d.Output)
	}
	if d.Source >= 0 {
		fmt.Fprintf(&b, ", source offset %d", d.Source)
	}
	if d.Device != "" {
		fmt.Fprintf(&b, ", device %q", d.Device)
	}
	if d.Group != "" {
		fmt.Fprintf(&b, ", group %q", d.Group)
	}
	return b.String() + ": " + d.Text
}

// Counts are the readings of each class; they add up to the readings of the source.
type Counts struct {
	Processed, Filtered, Late, Future, Bad, Duplicate int
}

// Sent says what became of the readings that devices took into panes of windows over
// several, each window by itself: Gathered is InPartials + Ungrouped + Unsent + Dropped.
type Sent struct {
	Partials   int // as found
	Watermarks int // as found
	Gathered   int // readings
	InPartials int // readings in those found
	Ungrouped  int // readings of devices that are in no group
	Unsent     int // readings in panes that are not due yet
	Dropped    int // readings in panes that were not sent yet when the file changed, and gave way to others
	Late       int // readings in partials that came when their windows had closed; in reports of groups
}

// Report is what a check found. The numbers say how much was compared.
type Report struct {
	Partition   int32
	Readings    int // of the folded records
	Classes     Counts
	Aggregates  int // as found, of this pipeline
	Alerts      int
	Quarantined int
	Resets      int // device clocks that began anew
	Oversized   int // outputs that stand for one too large for its topic, and were not looked into
	Facts       int // moments where wall time entered
	Sent        Sent
	// Unjournaled readings lie before what the journal still covers: silence was
	// judged by append times alone there.
	Unjournaled int
	// Files is how often the file of the pipeline was another from some record on, and Assumed how often that
	// was one that is not at hand, so that one with the same windows and rules stood in.
	Files, Assumed int
	// Skew is the furthest that wall time was ahead of a record appended later,
	// in milliseconds; 0 or more.
	Skew        event.Time
	Differences []Difference
}

// shown is how many differences a report prints.
const shown = 20

// String prints the first differences, a line each, and how many more there are.
func (r *Report) String() string { return Lines(r.Differences) }

// Lines prints the first of several differences, a line each, and how many more
// there are. It is empty where there are none.
func Lines(all []Difference) string {
	var b strings.Builder
	for i, d := range all {
		if i == shown {
			fmt.Fprintf(&b, "and %d more\n", len(all)-shown)
			break
		}
		b.WriteString(d.String())
		b.WriteByte('\n')
	}
	return b.String()
}

func (r *Report) add(d Difference) {
	d.Partition = r.Partition
	r.Differences = append(r.Differences, d)
}
