package task

import (
	"math"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/alerts/commands"
)

// SetCommands puts a version of the operators' commands in force for all that follows:
// records from position on, and wall time. It is to be called once before the first
// record, also after recovery, and then between records. Of a pipeline with a roster the
// first call comes before the first of SetRoster: what follows from the roster is judged
// by these commands then, and what the commands bring is said once there are labels.
func (t *Task) SetCommands(v *commands.Version, position int64) {
	first := t.commands == nil
	t.record = nil
	if !first {
		t.settleDue()
	}
	t.commands, t.bounds = v, boundsOf(v)
	wall := commandsWall
	if first {
		wall = startsWall
	}
	t.commandsEntered(Fact{Position: position, Wall: wall, Commands: v.Offset()})
	if t.plan.Pipeline.Roster != nil && t.roster.Roster == nil {
		t.starts = true
		return
	}
	t.lookAtAll(first)
}

// settleDue lets all that is due by now happen, before something else comes into force.
func (t *Task) settleDue() {
	if t.plan.timed {
		t.armSome(math.MaxInt)
		t.settleTimers()
	}
}

// lookAtAll looks at what the commands in force say of every episode: whether it is
// acknowledged, what suppresses its alert, and which steps of its escalation are no
// longer withheld. The first time it does so the task has been recovered.
func (t *Task) lookAtAll(first bool) {
	t.starts = false
	if first {
		t.settleDue()
	}
	t.record, t.moment = nil, t.Clock()
	cause := t.newCause()
	t.eachOpen(func() {
		t.lookAtAcks()
		t.look()
		t.catchSteps()
		t.resetTimer()
	})
	if first {
		t.reconcile()
	}
	t.endCause(cause)
}

// lookAtAcks finds out which episodes of the device at hand are acknowledged, and says
// so where that is new.
func (t *Task) lookAtAcks() {
	for k := range t.plan.rules {
		r := &t.plan.rules[k]
		cell := t.table.Cell(r.col, 0, t.slot)
		if alerts.StateOf(cell) == alerts.OK {
			continue
		}
		was := alerts.Marks(cell)&markAcked != 0
		if !was && len(t.commands.Acks()) == 0 {
			continue
		}
		id := alerts.EpisodeID(t.plan.Pipeline.Name, r.spec.Name, string(t.subject()), r.View(cell).EpisodeStart, t.resets())
		switch _, is := t.commands.Ack(id); {
		case is && !was:
			t.sayOf(r, "acked")
		case was && !is:
			t.sayOf(r, "unacked")
		}
	}
}

// command appends a record to the topic of commands; a value of nil takes back what
// stands under the key.
func (t *Task) command(key string, value []byte) {
	t.out.begin(t.plan.commandsTopic(), []byte(key))
	t.out.arena = append(t.out.arena, value...)
	t.out.end(0, "")
	t.out.to(commandsPartition)
}

// commandsPartition is the only partition of the topic of commands.
const commandsPartition = 0

// commandsTopic is the output topic of commands, the last one.
func (c *Plan) commandsTopic() Topic {
	if c.SendsPartials() {
		return c.partialsTopic() + 1
	}
	return c.partialsTopic()
}

// IsCommands reports whether an output topic is that of commands, which has one
// partition and is compacted, and in which records may have no value. Tasks without
// rules write it, too: they take back what the rules of a former file have left there.
func (c *Plan) IsCommands(t Topic) bool { return t == c.commandsTopic() }
