package task

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// Evolution is what becomes of the state of a pipeline when its file is replaced by
// another.
type Evolution struct {
	// Kept says that the engine goes on where it was: from the state of what is kept,
	// and without state for what is reset or new. Otherwise the new pipeline is
	// another one, or cannot have the state.
	Kept bool
	// Reasons are why not; where state is kept, what is to be known before it is.
	Reasons []string
	// Parts are the windows and rules of the new file in its order, the memory of
	// repeats, and the windows and rules that are gone.
	Parts []EvolvedPart
}

// EvolvedPart is one window or rule, or the memory of repeats.
type EvolvedPart struct {
	Kind    string // window, rule or repeats
	Name    string
	Kept    bool
	Removed bool
	New     bool
	// Because is why the state is reset; empty where it is kept.
	Because string
	// Notes are what means something else from now on, though state is kept.
	Notes []string
}

// compare compares windows and rules.
func (e *evolving) compare() {
	for i := range e.now.Pipeline.Windows {
		e.window(&e.now.Pipeline.Windows[i])
	}
	for i := range e.now.Pipeline.Rules {
		e.rule(&e.now.Pipeline.Rules[i])
	}
	e.removed()
}

// finish settles what becomes of the whole, and with it of every part.
func (e *evolving) finish() {
	e.out.Reasons = append(e.blocks, e.out.Reasons...)
	e.out.Kept = len(e.blocks) == 0
	for i := range e.out.Parts {
		p := &e.out.Parts[i]
		switch {
		case e.out.Kept:
			p.Kept = !p.Removed && !p.New && p.Because == ""
		case p.Removed || p.New:
			p.Notes = nil
		default:
			p.Because, p.Notes = e.why, nil // nothing is left that could mean something else
		}
	}
	slices.SortStableFunc(e.out.Parts, func(a, b EvolvedPart) int { return a.order() - b.order() })
}

// order is that of the file, with what is gone behind the rest.
func (p *EvolvedPart) order() int {
	switch {
	case p.Removed:
		return 3
	case p.Kind == "repeats":
		return 2
	case p.Kind == "rule":
		return 1
	default:
		return 0
	}
}

// evolving is a comparison under way.
type evolving struct {
	old, now *Plan
	out      Evolution
	blocks   []string  // why no state is kept at all
	why      string    // the same in short
	devices  *evolving // in the comparison of windows over several devices, that of the rest
}

// identity compares what names the state.
func (e *evolving) identity() {
	a, b := e.old.Pipeline, e.now.Pipeline
	if a.Name != b.Name {
		e.blocks = append(e.blocks, fmt.Sprintf("the name changes from %s to %s, and with it group, journal and quarantine topic: the new pipeline begins at the oldest reading of the source, and the state of %s stays behind", a.Name, b.Name, a.Name))
		e.why = "the pipeline has another name"
		return
	}
	if a.Source.Topic != b.Source.Topic {
		e.blocks = append(e.blocks, fmt.Sprintf("source.topic changes from %s to %s: positions in the one mean nothing in the other; give the pipeline a new name", a.Source.Topic, b.Source.Topic))
		e.why = "the source topic is another"
	}
	if a.Source.Partitioner != b.Source.Partitioner {
		e.out.Reasons = append(e.out.Reasons, fmt.Sprintf("source.partitioner changes from %s to %s: devices that it puts into another partition are refused there", a.Source.Partitioner, b.Source.Partitioner))
	}
	if a.State.Dir != b.State.Dir {
		e.out.Reasons = append(e.out.Reasons, fmt.Sprintf("state.dir changes from %s to %s: state is restored from the journal", a.State.Dir, b.State.Dir))
	}
}

// add adds a part. reset says why its state does not go on; empty: it does.
func (e *evolving) add(p EvolvedPart, reset string) {
	p.Because = reset
	e.out.Parts = append(e.out.Parts, p)
}

// window compares one window of the new pipeline with its namesake.
func (e *evolving) window(w *configs.Window) {
	p := EvolvedPart{Kind: "window", Name: w.Name}
	i := slices.IndexFunc(e.old.Pipeline.Windows, func(o configs.Window) bool { return o.Name == w.Name })
	if i < 0 {
		p.New = true
		e.add(p, "")
		return
	}
	o := &e.old.Pipeline.Windows[i]
	if o.Emit != w.Emit {
		p.Notes = append(p.Notes, fmt.Sprintf("emit changes from %s to %s", sayEmit(o.Emit), sayEmit(w.Emit)))
	}
	var changes []string
	changed := func(what, from, to string) {
		if from != to {
			changes = append(changes, fmt.Sprintf("%s changes from %s to %s", what, from, to))
		}
	}
	changed("its metric", o.Metric, w.Metric)
	changed("by", sayBy(o), sayBy(w))
	changed("its kind", sayKind(o), sayKind(w))
	if sayKind(o) == sayKind(w) {
		changed("its size", sayMs(o.Size), sayMs(w.Size))
		if w.Kind != configs.Tumbling {
			changed("every", sayMs(o.Every), sayMs(w.Every))
		}
		changed("offset", sayMs(o.Offset), sayMs(w.Offset))
		changed("its time zone", sayZone(o), sayZone(w))
		changed("its gap", sayMs(o.Gap), sayMs(w.Gap))
		changed("count", strconv.Itoa(o.Count), strconv.Itoa(w.Count))
	}
	changed("compute", strings.Join(o.Compute, ", "), strings.Join(w.Compute, ", "))
	own, was := e.now.windowColumn(w.Name), e.old.windowColumn(w.Name)
	switch {
	case own == was && e.samePartials(w.Name) && !e.closesOtherwise(w):
		p.Notes = append(p.Notes, changes...)
		e.add(p, "")
	case len(changes) > 0:
		e.add(p, strings.Join(changes, ", and "))
	case own == was && e.samePartials(w.Name):
		e.add(p, "the time rules change when it closes: "+strings.Join(e.timeRules(), ", "))
	case len(e.timeRules()) > 0:
		e.add(p, "the time rules change how much of it is kept: "+strings.Join(e.timeRules(), ", "))
	default:
		e.add(p, "the windows of "+w.Metric+" that share panes with it change")
	}
}

// closesOtherwise reports whether a window closes by the clock of each device, and waits otherwise for what is late.
func (e *evolving) closesOtherwise(w *configs.Window) bool {
	return !w.Grouped() && !follows(w.Kind) && e.old.Pipeline.Time.WaitForLate != e.now.Pipeline.Time.WaitForLate
}

// timeRules are the settings of time that changed.
func (e *evolving) timeRules() (changes []string) {
	a, b := e.old.Pipeline.Time, e.now.Pipeline.Time
	for _, t := range []struct {
		name     string
		from, to event.Time
	}{{"wait_for_late", a.WaitForLate, b.WaitForLate}, {"max_future_skew", a.MaxFutureSkew, b.MaxFutureSkew}, {"allow_backfill", a.AllowBackfill, b.AllowBackfill}} {
		if t.from != t.to {
			changes = append(changes, fmt.Sprintf("%s from %s to %s", t.name, sayMs(t.from), sayMs(t.to)))
		}
	}
	return changes
}

// windowColumn is the column that holds a window; its panes may be those of others,
// too.
func (c *Plan) windowColumn(name string) statestore.Column {
	at := func(i int) bool { return c.Pipeline.Windows[i].Name == name }
	for i := range c.rings {
		if slices.ContainsFunc(c.rings[i].windows, at) {
			return c.Layout.Columns[c.rings[i].col]
		}
	}
	for i := range c.sessions {
		if slices.ContainsFunc(c.sessions[i].windows, at) {
			return c.Layout.Columns[c.sessions[i].col]
		}
	}
	for i := range c.followers {
		if at(c.followers[i].window) {
			return c.Layout.Columns[c.followers[i].col]
		}
	}
	return statestore.Column{}
}

// removed adds what the new pipeline lacks.
func (e *evolving) removed() {
	for _, w := range e.old.Pipeline.Windows {
		if !slices.ContainsFunc(e.now.Pipeline.Windows, func(n configs.Window) bool { return n.Name == w.Name }) {
			e.add(EvolvedPart{Kind: "window", Name: w.Name, Removed: true}, "it is not there any more")
		}
	}
	for _, r := range e.old.Pipeline.Rules {
		if !slices.ContainsFunc(e.now.Pipeline.Rules, func(n configs.Rule) bool { return n.Name == r.Name }) {
			e.add(EvolvedPart{Kind: "rule", Name: r.Name, Removed: true, Notes: []string{endsOpen}}, "it is not there any more")
		}
	}
}

func sayEmit(e configs.Emit) string {
	if e.On == "never" || e.Topic == "" {
		return "nowhere"
	}
	return e.Topic + " on " + e.On
}

func sayBy(w *configs.Window) string {
	if !w.Grouped() {
		return "device"
	}
	return w.By
}

func sayKind(w *configs.Window) string {
	switch w.Kind {
	case configs.Hopping:
		return "hopping"
	case configs.Count:
		return "count"
	case configs.Session:
		return "session"
	case configs.Rolling:
		return "rolling"
	default:
		return "tumbling"
	}
}

func sayZone(w *configs.Window) string {
	if w.Location == nil {
		return "none"
	}
	return w.Location.String()
}

func sayMs(t event.Time) string { return configs.FormatSpan(t) }

// andWords writes words as a, b and c.
func andWords(words []string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + " and " + words[n]
}
