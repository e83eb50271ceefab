package oracle

import (
	"cmp"
	"container/heap"

	"github.com/weirstream/weir/event"
)

// agenda is what comes due on the task's clock, earliest first.
//
//	seen + idle_after ──────────────▶ a device falls silent      ─┐
//	from + after of a no_data ──────▶ a rule on silence fires     ├─▶ happen: in the order of their times
//	since + k repeat_every ─────────▶ an alert is said again     ─┤
//	its first firing + after ───────▶ it escalates               ─┤
//	a schedule or silence ──────────▶ begins, or ends            ─┤
//	the clock of groups stands still ▶ groups say what they hold ─┘
//
// An appointment says by when to look whether something is due; dueAt alone says when
// it is. So nobody has to cross out what was put off or does not happen: that is seen
// when its time has come.
type agenda []appointment

// appointment is a look at one device.
type appointment struct {
	at     event.Time
	device *device
	deed   deed
}

// deed is what may come due of a device. Deeds of one device and time happen in the
// order of rule, then of kind: rule -1 is for what comes before all rules, and that a
// device falls silent comes behind them.
type deed struct {
	rule int
	kind deedKind
}

type deedKind uint8

const (
	ownDeed   deedKind = iota // a rule on silence fires; behind the rules: the device falls silent
	repeats                   // an alert is said again
	escalates                 // it takes a step of its escalation
	deedKinds
)

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a agenda) Less(i, j int) bool {
	x, y := &a[i], &a[j]
	return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.deed.rule, y.deed.rule), cmp.Compare(x.deed.kind, y.deed.kind), cmp.Compare(x.device.name, y.device.name)) < 0
}

// Push implements heap.Interface.
func (a *agenda) Push(x any) { *a = append(*a, x.(appointment)) }

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// fallsSilent is the deed of a device itself.
func (t *task) fallsSilent() deed { return deed{rule: len(t.p.Rules)} }

// dueAt is when a deed is due as things stand; ok is false where it is not.
func (t *task) dueAt(d *device, of deed) (at event.Time, ok bool) {
	switch {
	case d.forgotten:
		return 0, false
	case of == beforeRules():
		return t.reviewAt(d)
	case of.kind == repeats:
		return t.repeatsAt(d, of.rule)
	case of.kind == escalates:
		return t.escalatesAt(d, of.rule)
	case of.rule < len(t.p.Rules):
		return t.missedAt(d, of.rule)
	default:
		return d.seen + t.p.Time.IdleAfter, d.heard && !d.silent
	}
}

// do does a deed that is due.
func (t *task) do(d *device, of deed) {
	switch {
	case of == beforeRules():
		t.review(d)
	case of.kind == repeats:
		t.repeat(d, of.rule)
	case of.kind == escalates:
		t.escalate(d, of.rule)
	case of.rule < len(t.p.Rules):
		t.miss(d, of.rule)
	default:
		d.silent = true
		t.fallSilent(d)
		t.settle()
		if t.untold {
			t.quiet = append(t.quiet, watch{d, d.seen})
		}
	}
}

// await sees to it that a deed is looked at when it is due. It is called whenever
// that may have become earlier.
func (t *task) await(d *device, of deed) {
	at, ok := t.dueAt(d, of)
	if !ok {
		return
	}
	if d.awaited == nil {
		d.awaited = make([]event.Time, (len(t.p.Rules)+2)*int(deedKinds))
	}
	if next := d.next(of); *next == 0 || at < *next {
		*next = at
		heap.Push(&t.agenda, appointment{at, d, of})
	}
}

// next is the time of the appointment that counts for a deed; 0: none.
func (d *device) next(of deed) *event.Time {
	return &d.awaited[(of.rule+1)*int(deedKinds)+int(of.kind)]
}

// happen does what is due by the task's clock, each at its moment.
func (t *task) happen() {
	for {
		still := t.standsStillAt()
		if len(t.agenda) > 0 && t.agenda[0].at <= min(t.clock, still) {
			t.keep(heap.Pop(&t.agenda).(appointment))
			continue
		}
		if still > t.clock {
			break
		}
		t.moment = still
		t.step++
		t.standStill()
		t.over()
	}
	t.moment = t.clock
}

// keep keeps an appointment: what was put off gets another one.
func (t *task) keep(a appointment) {
	next := a.device.next(a.deed)
	if *next != a.at {
		return // an earlier one took its place
	}
	*next = 0
	if at, ok := t.dueAt(a.device, a.deed); ok && at <= a.at {
		t.moment = at
		t.step++
		t.do(a.device, a.deed)
		t.over()
	}
	t.await(a.device, a.deed)
}

// standsStillAt is when groups say what they hold if nothing moves their clock.
func (t *task) standsStillAt() event.Time {
	if t.groups == nil {
		return event.Never
	}
	return t.groups.still + t.p.Time.IdleAfter
}
