package task

import (
	"slices"
	"strconv"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// The marks of an episode: what its last event said.
const (
	markSuppressed = 1 << 0
	markAcked      = 1 << 1
	stepShift      = 2 // 4 bits: how many steps of its escalation it has taken
	stepMask       = 1<<4 - 1
)

// suppression is what suppresses alerts of a rule, and which alerts these suppress.
type suppression struct {
	schedule   *schedule      // nil: they always count
	inhibitors []inhibitor    // in the order of the file
	source     bool           // they suppress alerts of other rules on the same device
	announced  []announcement // they suppress alerts with the same text in these labels
}

// planSuppression finds out what suppresses alerts of a rule.
func (c *Plan) planSuppression(r *rule) {
	r.schedule = newSchedule(r.spec.Schedule)
	c.planInhibition(r)
}

// suppressing is what a task knows of what suppresses alerts, beside its state.
type suppressing struct {
	commands *commands.Version // what is in force; nil: nothing is known yet
	starts   bool              // the device's roster has yet to come into force, and then all is to be looked at
	bounds   []event.Time      // when silences begin or end, in order
	open     []uint64          // bit per slot: some rule may be in an episode
	changes  []firingBefore    // what the causes at work have changed, the innermost last
	cause    int               // those of the innermost begin here
	standing standing
}

// standing is what an event says beside state and level.
type standing struct {
	by    []string // what suppresses the alert, sorted
	ack   commands.Ack
	acked bool
}

// judgeStanding finds out what an event says beside state and level, and notes it in the marks
// of its episode.
func (t *Task) judgeStanding(r *rule, e *alerts.Event, id string) {
	s := &t.standing
	s.by = t.suppressors(r, e.Level)
	s.ack, s.acked = commands.Ack{}, false
	if t.commands != nil {
		s.ack, s.acked = t.commands.Ack(id)
	}
	marks := e.Marks &^ (markSuppressed | markAcked)
	if len(s.by) > 0 {
		marks |= markSuppressed
	}
	if s.acked {
		marks |= markAcked
	}
	if marks != e.Marks && !ends(e) {
		alerts.SetMarks(t.table.Write(r.col, 0, t.slot), marks)
		e.Marks = marks
	}
}

// ends reports whether an event ends its episode.
func ends(e *alerts.Event) bool {
	return e.State == alerts.EventResolved || e.State == alerts.EventOK
}

// suppressors are what suppresses the alert of a rule on the device at hand at that
// level at this moment, sorted; a level of -1 is none.
func (t *Task) suppressors(r *rule, level int) []string {
	var by []string
	if r.schedule != nil && !r.schedule.inside(t.moment) {
		by = append(by, "schedule")
	}
	for i := range r.inhibitors {
		if in := &r.inhibitors[i]; t.inhibits(r, in, level) && !slices.Contains(by, in.name) {
			by = append(by, in.name)
		}
	}
	if t.commands != nil {
		silences := t.commands.Silences()
		var subject *commands.Subject
		for i := range silences {
			if !silences[i].Covers(t.moment) {
				continue
			}
			if subject == nil {
				subject = t.subjectOf(r, level)
			}
			if silences[i].Fits(*subject) {
				by = append(by, silences[i].Key())
			}
		}
	}
	slices.Sort(by)
	return by
}

// subjectOf is an alert of the device at hand as silences see it.
func (t *Task) subjectOf(r *rule, level int) *commands.Subject {
	s := &commands.Subject{Rule: r.spec.Name, Label: func(name string) string { return t.labelOf(r, name) }}
	if level >= 0 {
		s.Level = r.spec.Levels[level].Name
	}
	if w := t.whose(r); w.Group != "" {
		s.Group = w.Group
	} else {
		s.Device = w.Device
	}
	return s
}

// whose is the device at hand, or the group, as commands have it.
func (t *Task) whose(r *rule) commands.Whose {
	name := string(t.subject())
	if t.groups == nil {
		return commands.Whose{Device: name}
	}
	return commands.Whose{Group: name, By: t.looksAt(r.spec).By}
}

// labelOf is the text of a label of the device at hand; of a group that of the label
// it is by. Empty: it has none.
func (t *Task) labelOf(r *rule, name string) string {
	if t.groups != nil {
		if name == t.looksAt(r.spec).GroupLabel() {
			return string(t.subject())
		}
		return ""
	}
	if t.roster.Roster == nil {
		return ""
	}
	for i, l := range t.roster.Labels() {
		if l.Name == name {
			return t.labels(t.slot).Text(i)
		}
	}
	return ""
}

// look finds out whether what suppresses the alerts of the device at hand is still the
// same, and says so where it is not.
func (t *Task) look() {
	for k := range t.plan.rules {
		r := &t.plan.rules[k]
		cell := t.table.Cell(r.col, 0, t.slot)
		if !fires(cell) {
			continue
		}
		by := t.suppressors(r, r.View(cell).Level)
		switch was := alerts.Marks(cell)&markSuppressed != 0; {
		case len(by) > 0 && !was:
			t.sayOf(r, "suppressed")
		case len(by) == 0 && was:
			t.sayOf(r, "unsuppressed")
		}
	}
}

// fires reports whether an alert fires or recovers.
func fires(words []uint64) bool {
	state := alerts.StateOf(words)
	return state == alerts.Firing || state == alerts.Recovering
}

// sayOf says once more what a rule is in, for a reason of this moment.
func (t *Task) sayOf(r *rule, reason string) {
	e := t.again(r, t.moment)
	t.alert(r, &e, nil, reason)
}

// nextLook is when a schedule or a silence begins or ends that may suppress alerts of
// the device at hand; event.Never where none of them fires.
func (t *Task) nextLook(after event.Time) event.Time {
	next, some := event.Never, false
	for k := range t.plan.rules {
		r := &t.plan.rules[k]
		if !fires(t.table.Cell(r.col, 0, t.slot)) {
			continue
		}
		some = true
		if r.schedule != nil {
			next = min(next, r.schedule.next(after))
		}
	}
	if some {
		next = min(next, t.nextBound(after))
	}
	return next
}

// nextBound is when a silence begins or ends; event.Never: none does after that.
func (t *Task) nextBound(after event.Time) event.Time {
	if i, _ := slices.BinarySearch(t.bounds, after+1); i < len(t.bounds) {
		return t.bounds[i]
	}
	return event.Never
}

// boundsOf are the times at which silences begin or end, in order, each once.
func boundsOf(v *commands.Version) []event.Time {
	var all []event.Time
	for i := range v.Silences() {
		s := &v.Silences()[i]
		all = append(all, s.Start, s.End)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// follow does what an event brings with it, once it is said.
func (t *Task) follow(r *rule, e *alerts.Event, id string) {
	t.remind(r, e)
	t.climb(r, e)
	if ends(e) {
		t.closed(r, e, id)
	} else {
		t.opened()
	}
	if e.Again {
		return
	}
	t.noteChange(r, e)
	t.announce(r, e)
	if e.State == alerts.EventFiring || e.State == alerts.EventRecovering {
		at := t.nextBound(t.moment)
		if r.schedule != nil {
			at = min(at, r.schedule.next(t.moment))
		}
		if at != event.Never {
			t.sooner(at)
		}
	}
}

// opened notes that the device at hand has an episode.
func (t *Task) opened() {
	if t.table.Row(headCol, t.slot)[headFlags]&flagOpen == 0 {
		t.table.Write(headCol, 0, t.slot)[headFlags] |= flagOpen
	}
	t.setOpen(t.slot)
}

// closed notes that an episode has ended, and takes its acknowledgement back.
func (t *Task) closed(r *rule, e *alerts.Event, id string) {
	if e.Marks&markAcked != 0 || t.standing.acked {
		t.command(commands.AckKey(id), nil)
	}
	for k := range t.plan.rules {
		if alerts.StateOf(t.table.Cell(t.plan.rules[k].col, 0, t.slot)) != alerts.OK {
			return
		}
	}
	t.table.Write(headCol, 0, t.slot)[headFlags] &^= flagOpen
	if i := int(t.slot >> 6); i < len(t.open) {
		t.open[i] &^= 1 << (t.slot & 63)
	}
}

func (t *Task) setOpen(slot statestore.Slot) {
	for int(slot>>6) >= len(t.open) {
		t.open = append(t.open, 0)
	}
	t.open[slot>>6] |= 1 << (slot & 63)
}

// eachOpen does something with every device that has an episode.
func (t *Task) eachOpen(do func()) {
	for i := range t.open {
		for k := range 64 {
			slot := statestore.Slot(i<<6 | k)
			if t.open[i]>>k&1 != 0 && t.table.Live(slot) {
				t.slot = slot
				do()
			}
		}
	}
}

// appendStanding appends what an event says beside state and level, and the clocks at
// the time.
func (t *Task) appendStanding(b []byte, e *alerts.Event) []byte {
	s := &t.standing
	for i, by := range s.by {
		if i == 0 {
			b = append(b, `,"suppressed_by":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendString(b, by)
	}
	if len(s.by) > 0 {
		b = append(b, ']')
	}
	if s.acked {
		b = appendString(append(b, `,"acked":{"author":`...), s.ack.Author)
		b = appendString(append(b, `,"reason":`...), s.ack.Reason)
		b = append(t.stamps.append(append(b, `,"at":`...), s.ack.At), '}')
	}
	if step := stepOf(e.Marks); step > 0 {
		b = strconv.AppendInt(append(b, `,"escalation":`...), int64(step), 10)
	}
	return t.appendClocks(b)
}

// appendClocks appends the clocks by which an event came about.
func (t *Task) appendClocks(b []byte) []byte {
	name, clock := `,"clock":{"device":`, event.Time(t.table.Row(headCol, t.slot)[headClock])
	if t.groups != nil {
		name, clock = `,"clock":{"groups":`, max(t.watermark(), t.groups.heading)
	}
	b = t.stamps.append(append(b, name...), clock)
	return append(t.stamps.append(append(b, `,"task":`...), t.moment), '}')
}
