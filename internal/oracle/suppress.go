package oracle

import (
	"fmt"
	"slices"
	"time"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// What suppresses an alert is looked at whenever it says something, and again when
// something that may suppress it begins or ends:
//
//	a schedule, a silence ────────── on the agenda, before all rules ─┐
//	commands, a roster ───────────── as they enter ───────────────────┼─▶ review ─▶ suppressed, unsuppressed
//	another rule of the device ───── at the end of each cause ────────┘

// beforeRules is the deed that is due before what rules have due: what suppresses
// alerts begins or ends.
func beforeRules() deed { return deed{rule: -1} }

// suppressing says what suppresses an alert at a level, in alphabetical order.
func (t *task) suppressing(d *device, rule, level int) (all []string) {
	r := &t.p.Rules[rule]
	if r.Schedule != nil && !inside(r.Schedule, t.moment) {
		all = append(all, "schedule")
	}
	if t.commands != nil {
		subject := t.subject(d, rule, level)
		for _, s := range t.commands.Silences() {
			if s.Covers(t.moment) && s.Fits(subject) {
				all = append(all, s.Key())
			}
		}
	}
	for i := range t.p.Inhibit {
		if in := &t.p.Inhibit[i]; in.Target.Rule == r.Name && (in.Target.Level == "" || level <= levelOf(r, in.Target.Level)) && t.inhibited(d, rule, in) {
			all = append(all, "inhibit/"+in.Source.Rule)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// subject is an alert as silences see it.
func (t *task) subject(d *device, rule, level int) commands.Subject {
	of := t.labelsOf(d, t.p.Rules[rule].Window())
	s := commands.Subject{Rule: t.p.Rules[rule].Name, Device: d.name, Level: levelName(&t.p.Rules[rule], level), Label: func(name string) string { return of[name] }}
	if t.groups != nil {
		s.Device, s.Group = "", d.name
	}
	return s
}

// inhibited reports whether another alert suppresses one.
func (t *task) inhibited(d *device, rule int, in *configs.Inhibit) bool {
	source := ruleOf(t.p, in.Source.Rule)
	if in.Label == "" {
		if source < 0 || source == rule || len(d.stood) == 0 {
			return false // a source of the other kind of task
		}
		stood := d.stood[source]
		return stood != none && stood >= levelOf(&t.p.Rules[source], in.Source.Level)
	}
	label := t.labelsOf(d, t.p.Rules[rule].Window())[in.Label]
	if t.commands == nil || label == "" {
		return false
	}
	q := commands.Inhibition{Rule: in.Source.Rule, Label: in.Label, Text: label, Target: t.whose(d, rule), TargetRule: t.p.Rules[rule].Name}
	q.Counts = func(level string) bool {
		of := &t.wholeFile().Rules[ruleOf(t.wholeFile(), in.Source.Rule)]
		return levelOf(of, level) >= levelOf(of, in.Source.Level)
	}
	return t.commands.Inhibits(q)
}

// wholeFile is the pipeline as the file has it, of a task of groups too.
func (t *task) wholeFile() *configs.Pipeline {
	if t.groups != nil {
		return t.groups.fleet.whole(t.p)
	}
	return t.p
}

// whose is the device, or group, of an alert as commands have it.
func (t *task) whose(d *device, rule int) commands.Whose {
	if t.groups == nil {
		return commands.Whose{Device: d.name}
	}
	return commands.Whose{Group: d.name, By: t.p.Windows[t.p.Rules[rule].Window()].By}
}

func ruleOf(p *configs.Pipeline, name string) int {
	return slices.IndexFunc(p.Rules, func(r configs.Rule) bool { return r.Name == name })
}

// levelOf is the index of a level; none, which is below all, for one without a name.
func levelOf(r *configs.Rule, name string) int {
	return slices.IndexFunc(r.Levels, func(l configs.Level) bool { return l.Name == name })
}

// inside reports whether a schedule holds at a time.
func inside(s *configs.Schedule, at event.Time) bool {
	for _, one := range around(s, at) {
		if one.start <= at && at < one.end {
			return true
		}
	}
	return false
}

// around are the times of a schedule from two days before to nine days behind a time.
func around(s *configs.Schedule, at event.Time) (all []span) {
	year, month, date := time.UnixMilli(int64(at)).In(s.Location).Date()
	for days := -2; days <= 9; days++ {
		midnight := time.Date(year, month, date+days, 0, 0, 0, 0, time.UTC)
		if !s.Days[midnight.Weekday()] {
			continue
		}
		first, last := event.Time(midnight.UnixMilli()), event.Time(midnight.UnixMilli())
		if s.To <= s.From {
			last = event.Time(midnight.AddDate(0, 0, 1).UnixMilli())
		}
		all = append(all, span{start: firstShown(s.Location, first+s.From), end: firstShown(s.Location, last+s.To)})
	}
	return all
}

// reviewAt is when something begins or ends that may suppress what a device has open.
func (t *task) reviewAt(d *device) (at event.Time, ok bool) {
	at = event.Never
	for rule := range d.rules {
		m := &d.rules[rule]
		if !m.firing {
			continue
		}
		next := func(times ...event.Time) {
			for _, one := range times {
				if one > m.reviewed {
					at = min(at, one)
				}
			}
		}
		if s := t.p.Rules[rule].Schedule; s != nil {
			for _, one := range around(s, m.reviewed) {
				next(one.start, one.end)
			}
		}
		if t.commands != nil {
			for _, s := range t.commands.Silences() {
				next(s.Start, s.End)
			}
		}
	}
	return at, at < event.Never
}

// review says of what a device has open whether something suppresses it now, where
// that was otherwise when it last said something.
func (t *task) review(d *device) {
	for rule := range d.rules {
		m := &d.rules[rule]
		if !m.firing {
			continue
		}
		m.reviewed = t.moment
		switch now := len(t.suppressing(d, rule, m.level)) > 0; {
		case now && !m.suppressed:
			t.sayAgain(d, rule, alert{cause: cause{reason: "suppressed"}})
		case !now && m.suppressed:
			t.sayAgain(d, rule, alert{cause: cause{reason: "unsuppressed"}})
		}
	}
	t.await(d, beforeRules())
}

// conclude ends a cause: from now on alerts are inhibited by how others of the device
// stand now.
func (t *task) conclude(d *device) {
	if !slices.ContainsFunc(t.p.Inhibit, func(in configs.Inhibit) bool { return in.Label == "" }) || d.forgotten {
		return
	}
	stands := make([]int, len(d.rules))
	for rule := range d.rules {
		stands[rule] = none
		if d.rules[rule].firing {
			stands[rule] = d.rules[rule].level
		}
	}
	moved := len(d.stood) != len(stands)
	for rule := range stands {
		moved = moved || stands[rule] != d.stood[rule] && t.isSource(rule)
	}
	if d.stood = stands; moved {
		t.review(d)
	}
}

// isSource reports whether alerts of a rule suppress others of the same device.
func (t *task) isSource(rule int) bool {
	return slices.ContainsFunc(t.p.Inhibit, func(in configs.Inhibit) bool { return in.Label == "" && in.Source.Rule == t.p.Rules[rule].Name })
}

// over ends the cause in hand for all whom it made say something.
func (t *task) over() {
	for _, d := range t.spoken {
		t.conclude(d)
	}
	t.spoken = t.spoken[:0]
}

// enterCommands lets a version of the commands come into force.
func (t *task) enterCommands(f fact) {
	t.step++
	t.source = f.position
	t.commands = t.versions[f.version]
	if t.commands == nil {
		panic(fmt.Sprintf("version %d of the commands entered, and is not known", f.version))
	}
}

// obey says of all episodes what the commands in force change.
func (t *task) obey() {
	t.step++
	if t.former != nil {
		t.happen() // rules that are new may have something due at once
	}
	for _, d := range t.ordered() {
		for rule := range d.rules {
			t.hearOfAck(d, rule)
		}
		t.review(d)
		for rule := range d.rules {
			t.escalate(d, rule)
		}
	}
	t.over()
}

// acknowledged is the acknowledgement of an episode by the commands in force; nil where
// there is none. An episode may begin with one: of a device that was forgotten and has
// come back to the same times, the episode before may have had its id.
func (t *task) acknowledged(d *device, rule int) *commands.Ack {
	if t.commands == nil {
		return nil
	}
	if ack, ok := t.commands.Ack(episodeID(t.p, rule, d.name, d.rules[rule].began, d.resets)); ok {
		return &ack
	}
	return nil
}

// hearOfAck says whether an episode has become acknowledged, or is not any more.
func (t *task) hearOfAck(d *device, rule int) {
	m := &d.rules[rule]
	if !m.pending && !m.firing || t.commands == nil {
		return
	}
	before := m.acked
	m.acked = t.acknowledged(d, rule)
	switch {
	case before == nil && m.acked != nil:
		t.sayAgain(d, rule, alert{cause: cause{reason: "acked"}})
	case before != nil && m.acked == nil:
		t.sayAgain(d, rule, alert{cause: cause{reason: "unacked"}})
	}
}

// escalatesAt is when an alert takes the next step that it may take as things stand.
func (t *task) escalatesAt(d *device, rule int) (at event.Time, ok bool) {
	m := &d.rules[rule]
	if !m.firing {
		return 0, false
	}
	for i, step := range t.p.Rules[rule].Escalate {
		if i >= m.steps && (m.acked == nil || step.Never) {
			return m.fired + step.After, true
		}
	}
	return 0, false
}

// escalate takes the steps that are due.
func (t *task) escalate(d *device, rule int) {
	m := &d.rules[rule]
	if m.firing {
		for i, step := range t.p.Rules[rule].Escalate {
			if i >= m.steps && (m.acked == nil || step.Never) && m.fired+step.After <= t.moment {
				m.steps = i + 1
				t.sayAgain(d, rule, alert{cause: cause{reason: "escalated"}})
			}
		}
	}
	t.await(d, deed{rule: rule, kind: escalates})
}
