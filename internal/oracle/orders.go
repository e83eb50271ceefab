package oracle

import (
	"fmt"
	"maps"
	"slices"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
)

// CommandRecord is one record of the topic of commands.
type CommandRecord struct {
	Offset     int64
	Key, Value []byte // a Value of nil takes back what stands under Key
}

// order is what a task must have written into the topic of commands.
type order struct {
	key, value string // an empty value takes back
	device     string
	source     int64
	after      int64 // it stands at this offset or behind: the version that the task had read
}

// versionsOf works out the versions that facts name.
func versionsOf(in *Input, j *journal) map[int64]*commands.Version {
	wanted := map[int64]bool{}
	for _, e := range j.entries {
		for _, f := range e.facts {
			if f.isCommands {
				wanted[f.version] = true
			}
		}
	}
	all := map[int64]*commands.Version{}
	set := &commands.Set{}
	if wanted[0] {
		all[0] = set.Version()
	}
	for _, r := range in.Commands {
		_ = set.Apply(r.Offset, r.Key, r.Value) // what is no command takes back what stood there
		if wanted[set.Offset()] {
			all[set.Offset()] = set.Version()
		}
	}
	return all
}

// commandsKnown says of each version of the commands that came into force whether it
// can be told: without it no outcome from there on can be checked.
func (t *task) commandsKnown(j *journal) bool {
	t.versions = versionsOf(t.in, j)
	known := true
	for _, e := range j.entries {
		for _, f := range e.facts {
			if f.isCommands && t.versions[f.version] == nil {
				known = false
				t.report.add(Difference{
					Kind: Commands, Topic: t.p.JournalTopic, Source: f.position, Output: e.output,
					Text: fmt.Sprintf("version %d of the commands came into force at source offset %d, and no record of their topic below it ends it any more: compaction has taken what was written from there on beyond checking",
						f.version, f.position),
				})
			}
		}
	}
	return known
}

// command notes a record that has to be written.
func (t *task) command(o order) {
	if o.source = t.source; t.commands != nil {
		o.after = t.commands.Offset()
	}
	t.orders = append(t.orders, o)
}

// orderFor notes what has to be written into the topic of commands along with an event.
func (t *task) orderFor(d *device, rule int, a *alert) {
	m := &d.rules[rule]
	ends := a.state == "resolved" || a.state == "ok"
	if ends && m.acked != nil {
		t.command(order{key: m.acked.Key(), device: d.name})
	}
	t.inhibit(d, rule, ends)
}

// inhibit says in the topic of commands by which labels an alert inhibits others now, and
// takes back what was said before.
func (t *task) inhibit(d *device, rule int, over bool) {
	m := &d.rules[rule]
	now := map[string]string{}
	if m.firing && !over {
		now = t.inhibitors(d, rule, m.level)
	}
	for key := range m.inhibits { // unordered: each key by itself
		if now[key] == "" {
			t.command(order{key: key, device: d.name})
		}
	}
	for key, value := range now { // unordered: each key by itself
		if m.inhibits[key] != value {
			t.command(order{key: key, value: value, device: d.name})
		}
	}
	m.inhibits = now
}

// inhibitors are the commands by which an alert that fires inhibits those with the same
// label.
func (t *task) inhibitors(d *device, rule, level int) map[string]string {
	all := map[string]string{}
	for i := range t.p.Inhibit {
		in := &t.p.Inhibit[i]
		if in.Label == "" || in.Source.Rule != t.p.Rules[rule].Name || level < levelOf(&t.p.Rules[rule], in.Source.Level) {
			continue
		}
		label := t.labelsOf(d, t.p.Rules[rule].Window())[in.Label]
		if label == "" {
			continue
		}
		c := commands.Inhibit{Rule: in.Source.Rule, Level: t.p.Rules[rule].Levels[level].Name, Label: in.Label, Text: label, Whose: t.whose(d, rule)}
		all[c.Key()] = string(c.AppendValue(nil))
	}
	return all
}

// compareOrders compares what the topic of commands ends with, key by key, with what the
// task must have written last. What came before, compaction may have removed.
func (t *task) compareOrders() {
	last := map[string]order{}
	for _, o := range t.orders {
		last[o.key] = o
	}
	found := map[string]CommandRecord{}
	for _, r := range t.in.Commands {
		key := string(r.Key)
		if f, known := found[key]; known && f.Value == nil && last[key].value == "" && f.Offset >= last[key].after {
			continue // what the task has taken back somebody may say once more
		}
		found[key] = r
	}
	for _, key := range slices.Sorted(maps.Keys(last)) {
		o, f := last[key], found[key]
		what := ""
		switch {
		case o.value == "" && f.Value != nil:
			what = fmt.Sprintf("expected %s to be taken back, found %s", key, excerpt(f.Value))
		case o.value != "" && string(f.Value) != o.value:
			what = fmt.Sprintf("expected %s %s, found %s", key, excerpt([]byte(o.value)), excerpt(f.Value))
		default:
			continue
		}
		t.report.add(Difference{Kind: Commands, Topic: t.p.CommandsTopic, Device: o.device, Source: o.source, Output: f.Offset, Text: what})
	}
}

// clocks are those that an alert tells.
type clocks struct {
	device      event.Time
	least, most event.Time // of the task: facts that follow on each other may have become one
}
