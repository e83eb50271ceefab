package configs

import (
	"slices"
	"strings"

	"github.com/weirstream/weir/event"
)

// GroupAll is the By of a window over the whole fleet, and the name of its one group.
const GroupAll = "all"

// Grouped reports whether the window is over devices together: By is set.
func (w *Window) Grouped() bool { return w.By != "" }

// GroupLabel is the label by whose text devices are put together; empty for
// a window of each device and for one over the whole fleet.
func (w *Window) GroupLabel() string {
	label, _ := strings.CutPrefix(w.By, labelPrefix)
	if label == w.By {
		return ""
	}
	return label
}

// Grouped reports whether some window is over devices together, so that the
// pipeline runs as two: the device part and the group part.
func (p *Pipeline) Grouped() bool {
	return slices.ContainsFunc(p.Windows, func(w Window) bool { return w.Grouped() })
}

// groupMemory is which part of state.memory the groups get: there are far fewer
// of them than devices.
const groupMemory = 8

// DevicePart is the pipeline without the windows over devices together and the
// rules on them. It still declares their metrics, and all that it does not
// change is shared with p. A pipeline without such windows is its own device part.
func (p *Pipeline) DevicePart() *Pipeline {
	if !p.Grouped() {
		return p
	}
	part := p.part(func(w *Window) bool { return !w.Grouped() })
	part.State.Memory -= p.State.Memory / groupMemory
	return part
}

// GroupPart is the pipeline of the windows over devices together and the rules
// on them. Its source are the partial results that the device part sends, its
// devices are groups, and each window has a metric of its own, so that what
// belongs to one window meets that of no other. nil where there are none.
//
// Its clock is a watermark, from which wait_for_late has been taken already. How
// far partial results may run ahead of it is given as max_future_skew.
func (p *Pipeline) GroupPart() *Pipeline {
	if !p.Grouped() {
		return nil
	}
	return p.GroupTasks()
}

// GroupTasks is GroupPart also where there are no windows over several devices any
// more: then it is without windows, metrics and rules, and its topics are those that
// tasks of groups had. What such a task has left to do is to end what it had open.
func (p *Pipeline) GroupTasks() *Pipeline {
	part := p.part((*Window).Grouped)
	part.Metrics = nil
	for i := range part.Windows {
		part.Metrics = append(part.Metrics, part.Windows[i].Metric)
		part.Windows[i].MetricIndex = i
	}
	for i := range part.Rules {
		part.Rules[i].When.Metric = part.Rules[i].When.Window
		for k := 0; part.Rules[i].Formula != nil && k < len(part.Rules[i].Formula.Inputs); k++ {
			in := &part.Rules[i].Formula.Inputs[k]
			in.Metric = in.Window
		}
	}
	part.Source.Topic = p.PartialsTopic
	part.Group = p.Group + ".groups"
	part.JournalTopic = part.Group + ".journal"
	part.QuarantineTopic = part.Group + ".quarantine"
	part.MQTT, part.Where, part.Derive, part.Roster = nil, nil, nil, nil
	part.Dedupe = Dedupe{By: "off"}
	part.Time.MaxFutureSkew = max(p.Time.MaxFutureSkew+p.Time.WaitForLate, 1_000)
	part.Time.WaitForLate = 0
	part.State.Memory = p.State.Memory / groupMemory
	return part
}

// part is a copy with some of the windows and the rules that look at them; the
// rules on metrics go with the windows of each device.
func (p *Pipeline) part(keep func(*Window) bool) *Pipeline {
	part := *p
	part.Windows, part.Rules = nil, nil
	index := make([]int, len(p.Windows))
	for i := range p.Windows {
		index[i] = -1
		if keep(&p.Windows[i]) {
			index[i] = len(part.Windows)
			part.Windows = append(part.Windows, p.Windows[i])
		}
	}
	for _, r := range p.Rules {
		switch w := r.Window(); {
		case w >= 0 && index[w] >= 0:
		case w < 0 && keep(&Window{}):
		default:
			continue
		}
		part.Rules = append(part.Rules, r.moved(index))
	}
	return &part
}

// keptTopics are the topics that the pipeline keeps for itself.
func (p *Pipeline) keptTopics() []string {
	groups := p.Group + ".groups"
	return []string{p.JournalTopic, p.QuarantineTopic, p.PartialsTopic, p.CommandsTopic, groups + ".journal", groups + ".quarantine"}
}

// by checks over which devices a window is.
func (c *checker) by(doc *windowDoc, w *Window) {
	by := &doc.By
	if !by.ok() {
		return
	}
	label, labelled := strings.CutPrefix(by.value, labelPrefix)
	problem := ""
	switch {
	case by.value == GroupAll:
	case !labelled:
		problem = "must be all, for one window over the whole fleet, or labels.NAME, for one over all devices with the same label" + c.suggestLabel(by.value)
	case c.p.Roster == nil:
		problem = "needs devices.roster, the file that gives devices their labels; without one only by: all can be"
	case !slices.Contains(c.labels(), label):
		problem = "is no label of the roster" + suggestOr(label, c.labels(), "; it has "+andList(c.labels()))
	}
	if problem != "" {
		by.bad = true
		c.errorf(by.at, "%s %s", by, problem)
		return
	}
	w.By = by.value
	c.groupCompute(doc, w)
	c.groupPanes(doc, w)
}

func (c *checker) labels() []string {
	if c.p.Roster == nil {
		return nil
	}
	var names []string
	for _, l := range c.p.Roster.Labels {
		names = append(names, l.Name)
	}
	return names
}

func (c *checker) suggestLabel(word string) string {
	if slices.Contains(c.labels(), word) {
		return "; did you mean labels." + word + "?"
	}
	return suggest(word, []string{GroupAll})
}

// groupField says what is wrong with a field of a message for what the rule is
// about; nothing where it has something to show.
func (c *checker) groupField(field string, r *Rule) string {
	var w *Window
	if i := r.Window(); i >= 0 {
		w = &c.p.Windows[i]
	}
	grouped := w != nil && w.Grouped()
	switch {
	case field == "device" && grouped:
		return "{{device}} has nothing to show: window " + w.Name + " is " + sayBy(w) + "; write {{group}}"
	case grouped && strings.HasPrefix(field, labelPrefix):
		return "{{" + field + "}} has nothing to show: labels are those of one device, and window " + w.Name + " is " + sayBy(w) + "; write {{group}}"
	case field == "group" && !grouped:
		return "{{group}} has nothing to show: the rule looks at each device by itself; write {{device}}"
	}
	return ""
}

// groupLevels refuses thresholds that the labels of a device give to a rule that
// looks at several.
func (c *checker) groupLevels(doc *ruleDoc, r *Rule) {
	of := r.Window()
	if of < 0 || !c.p.Windows[of].Grouped() {
		return
	}
	for i := range doc.Levels.items {
		l := &doc.Levels.items[i]
		for _, t := range []*threshold{&l.Above, &l.Below, &l.ClearBelow, &l.ClearAbove} {
			if t.own {
				t.bad = true
				c.errorf(t.at, "%s is the label of one device, and window %s is %s; write a number", t, c.p.Windows[of].Name, sayBy(&c.p.Windows[of]))
			}
		}
	}
}

// sayBy tells over which devices a window is.
func sayBy(w *Window) string {
	switch label := w.GroupLabel(); {
	case !w.Grouped():
		return "for each device"
	case label == "":
		return "over all devices together"
	default:
		return "over all devices with the same " + label
	}
}

// sayGroups tells how windows over several devices come about; nothing where
// there are none.
func (p *Pipeline) sayGroups() string {
	if !p.Grouped() {
		return ""
	}
	idle := saySpan(p.Time.IdleAfter)
	return "Windows over several devices are put together from the partial results of each device, which travel in topic " + p.PartialsTopic +
		"; they close when no device that still speaks has anything to add, and where the slowest partition stands still for " + idle + " they are emitted as provisional. A group is forgotten " +
		saySpan(p.State.ForgetAfter) + " after its last windows have closed.\n"
}

// GroupPane is the length of the panes in which each device gathers its part of
// the window: as long as windows allow that begin every so often; for a session
// window so short that all readings of a pane belong to one session. It is 0 for a
// count window, to which each reading goes by itself.
func (w *Window) GroupPane() event.Time {
	if w.Kind == Session {
		return max(w.Gap/4, 1)
	}
	a, b := w.Size, w.Every
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
